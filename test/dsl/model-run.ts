// Compares a topology with a small obvious model, through commits, persists, aborts, crashes and
// restores at random points: results never change.
import fc from 'fast-check'
import { expect } from 'vitest'
import type { Topology } from '../../src/topology/topology.js'
import { RestartableTask, type Fault, type TextRecord } from './restartable-task.js'

/** What an operator does, written down plainly; its state is plain data. */
export interface Model<S> {
  readonly initial: () => S
  /** What a record causes, in order: `key=value@time`, `null` for a deletion. */
  readonly feed: (state: S, record: TextRecord) => string[]
  /** Forgets what a task does not keep. */
  readonly restart?: (state: S) => void
}

export type Step = TextRecord | Fault

/** Records whose time goes on in steps, some back, and faults. */
export const steps = (
  topics: readonly string[],
  values: readonly (string | null)[],
  o: { readonly keys?: readonly string[]; readonly timeSteps?: readonly number[] } = {},
): fc.Arbitrary<Step[]> => {
  const { keys = ['a', 'b', 'bb'], timeSteps = [0, 0, 1, 2, 5, -3, -8, 13] } = o
  const record = fc.record({
    topic: fc.constantFrom(...topics),
    key: fc.constantFrom(...keys),
    value: fc.constantFrom(...values),
    stepMs: fc.constantFrom(...timeSteps),
  })
  const fault = fc.constantFrom<Fault>('commit', 'persist', 'abort', 'crash', 'wipe')
  return fc
    .array(fc.oneof({ weight: 8, arbitrary: record }, { weight: 1, arbitrary: fault }), {
      maxLength: 60,
      size: 'max',
    })
    .map((list) => {
      let nowMs = 20
      let n = 0
      return list.map((step): Step => {
        if (typeof step === 'string') return step
        const { stepMs, ...parts } = step
        nowMs = Math.max(0, nowMs + stepMs)
        // Numbered, so that no two values are the same.
        const value = parts.value === null ? null : parts.value.replace('#', String(n++))
        return { ...parts, value, timestampMs: nowMs }
      })
    })
}

/** The same without the deletions of a topic. */
export const withoutDeletions = (some: fc.Arbitrary<Step[]>, topic: string): fc.Arbitrary<Step[]> =>
  some.map((list) =>
    list.filter((step) => typeof step === 'string' || step.topic !== topic || step.value !== null),
  )

const lastValues = (outputs: readonly string[]): Record<string, string> => {
  const last: Record<string, string> = {}
  for (const output of outputs) {
    const [, key, value] = /^(.*?)=(.*)@/.exec(output)!
    if (value === 'null') delete last[key!]
    else last[key!] = value!
  }
  return last
}

export interface RunOptions {
  readonly numRuns?: number
  /** With record caches only the last value of each key is compared. */
  readonly caching?: boolean
  readonly onLevelDb?: boolean
}

/** Runs `build()` and the model on the same random steps. */
export async function followsModel<S>(
  build: () => Topology<any>,
  model: Model<S>,
  some: fc.Arbitrary<Step[]>,
  o: RunOptions = {},
): Promise<void> {
  const { caching = false, onLevelDb = false } = o
  const property = fc.asyncProperty(
    some,
    fc.constantFrom(0, 300, 1 << 20),
    async (list, cacheBytes) => {
      const task = new RestartableTask(build(), { caching, onLevelDb, cacheBytes })
      try {
        expect(await outputsOf(task, list, caching)).toEqual(expected(model, list, caching))
      } finally {
        await task.close()
      }
    },
  )
  await fc.assert(property, { numRuns: o.numRuns ?? (onLevelDb ? 5 : 40) })
}

async function outputsOf(task: RestartableTask, list: readonly Step[], caching: boolean) {
  for (const step of list) await (typeof step === 'string' ? task.do(step) : task.pipe(step))
  await task.do('commit')
  return caching ? lastValues(task.texts()) : task.texts()
}

function expected<S>(model: Model<S>, list: readonly Step[], caching: boolean) {
  let state = model.initial()
  let committed = structuredClone(state)
  let inputs: TextRecord[] = []
  let pending: string[] = []
  const outputs: string[] = []
  for (const step of [...list, 'commit' as const]) {
    if (typeof step !== 'string') {
      inputs.push(step)
      pending.push(...model.feed(state, step))
    } else if (step === 'abort') {
      state = structuredClone(committed)
      model.restart?.(state)
      pending = inputs.flatMap((record) => model.feed(state, record))
    } else {
      outputs.push(...pending)
      if (step === 'crash' || step === 'wipe') model.restart?.(state)
      committed = structuredClone(state)
      inputs = []
      pending = []
    }
  }
  return caching ? lastValues(outputs) : outputs
}
