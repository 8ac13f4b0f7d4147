// Every aggregation on the real stores, with commits, cache flushes, persists, crashes and restores
// at random points, against the same node on a plain map: results never change.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aggregate } from '../../../src/dsl/processors/aggregate.js'
import type { Fold } from '../../../src/dsl/processors/operator-options.js'
import { sessionAggregate } from '../../../src/dsl/processors/session-aggregate.js'
import { slidingAggregate } from '../../../src/dsl/processors/sliding-aggregate.js'
import { windowAggregate } from '../../../src/dsl/processors/window-aggregate.js'
import { keyValueSpec, sessionSpec, slidingSpec, windowSpec } from '../../../src/state/specs.js'
import type { StoreSpec, TaskStore } from '../../../src/state/state-store.js'
import type { NodeSupplier } from '../../../src/topology/processor.js'
import { json, string } from '../../../src/serde/serdes.js'
import { StoreHarness, type Logged } from '../../state/store-harness.js'
import { VirtualDisk } from '../../state/virtual-disk.js'
import { KeyRows, MapRows, NodeHarness, SessionMapRows, WindowMapRows } from './node-harness.js'

/** Changes its accumulator in place, throws on some values, deletes on others. */
const fold: Fold = {
  kind: 'aggregate',
  initial: () => ({ values: [] as string[] }),
  add(accumulator: { values: string[] }, value: string) {
    accumulator.values.push(value)
    if (value === 'throw') throw new Error('refused')
    return value === 'delete' ? null : accumulator
  },
}
const merge = (a: { values: string[] }, b: { values: string[] }) => {
  b.values.unshift(...a.values)
  return b
}

const retentionMs = 10_000_000
const common = { name: 's', key: string(), value: json(), engine: 'leveldb' } as const

interface Kind {
  readonly spec: (caching: boolean) => StoreSpec
  readonly node: (old: boolean) => NodeSupplier
  readonly plain: () => MapRows
}

const kinds: Record<string, Kind> = {
  'without windows': {
    spec: (caching) => keyValueSpec({ ...common, caching, timestamped: true }),
    node: (old) => aggregate({ store: 's', versioned: false, fold, sendsOldValues: () => old }),
    plain: () => new KeyRows(),
  },
  'over hopping windows': {
    spec: (caching) =>
      windowSpec({ ...common, caching, timestamped: true, sizeMs: 20, retentionMs }),
    node: (old) =>
      windowAggregate({
        store: 's',
        fold,
        windows: { kind: 'time', sizeMs: 20, advanceMs: 8, graceMs: 15, startMs: undefined },
        emit: 'onWindowUpdate',
        sendsOldValues: () => old,
      }),
    plain: () => new WindowMapRows(),
  },
  'over sliding windows': {
    spec: (caching) => slidingSpec({ ...common, caching, sizeMs: 10, retentionMs }),
    node: (old) =>
      slidingAggregate({
        store: 's',
        fold,
        windows: { kind: 'sliding', differenceMs: 10, graceMs: 15 },
        emit: 'onWindowUpdate',
        sendsOldValues: () => old,
      }),
    plain: () => new WindowMapRows(),
  },
  'over sessions': {
    spec: (caching) => sessionSpec({ ...common, caching, retentionMs }),
    node: (old) =>
      sessionAggregate({
        store: 's',
        fold,
        merge,
        windows: { kind: 'session', gapMs: 5, graceMs: 15 },
        emit: 'onWindowUpdate',
        sendsOldValues: () => old,
      }),
    plain: () => new SessionMapRows(),
  },
}

const record = fc.record({
  key: fc.constantFrom('a', 'b', 'c'),
  value: fc.constantFrom('x', 'y', 'z', 'x', 'y', 'z', 'throw', 'delete'),
  stepMs: fc.constantFrom(0, 0, 1, 3, 9, -4, -9, -30, 40),
})
const step = fc.oneof(
  { weight: 10, arbitrary: record },
  { weight: 2, arbitrary: fc.constantFrom('commit', 'persist', 'crash', 'wipe') },
)

/** What is left of the outputs when only the last of each key counts, deletions left out. */
const lastOf = (outputs: readonly string[]): Record<string, string> => {
  const last: Record<string, string> = {}
  for (const output of outputs) {
    const [key, value] = output.split('=') as [string, string]
    if (value.startsWith('∅')) delete last[key]
    else last[key] = value.replace(/\(.*/, '')
  }
  return last
}

describe.each(Object.entries(kinds))('an aggregation %s', (_name, kind) => {
  it.each([false, true])('gives what it gives on a map (caching %s)', async (caching) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 80, size: 'max' }),
        fc.boolean(),
        fc.constantFrom(0, 400, 1_000_000),
        async (steps, old, cacheBytes) => {
          let disk = new VirtualDisk()
          const changelog: Logged[] = []
          let storedUpTo = 0
          const open = async () => {
            const h = await StoreHarness.open<TaskStore>(
              kind.spec(caching),
              await disk.open('db'),
              { cacheBytes, mayContinue: true },
            )
            return h
          }
          let store = await open()
          const rows = kind.plain()
          const make = () => {
            const node = new NodeHarness(kind.node(old), store.store)
            const model = new NodeHarness(kind.node(old), rows)
            node.showOld = model.showOld = old
            return { node, model }
          }
          let { node, model } = make()
          const given: string[] = []
          const expected: string[] = []
          const commit = async () => {
            await store.commit()
            changelog.push(...store.changelog.splice(0))
            given.push(...node.outputs.splice(0))
          }
          let nowMs = 50
          for (const next of steps) {
            if (typeof next === 'object') {
              nowMs = Math.max(0, nowMs + next.stepMs)
              store.at(nowMs)
              const outcome = async (n: NodeHarness) =>
                n
                  .pipe(next.key, next.value, nowMs)
                  .catch((error: Error) => [...n.outputs.splice(0), error.message])
              const got = await outcome(node)
              const wanted = await outcome(model)
              if (!caching) expect(got).toEqual(wanted)
              given.push(...got)
              expected.push(...wanted)
              continue
            }
            // A crash loses nothing here: what was not committed would be read again.
            await commit()
            if (next === 'commit') continue
            if (next === 'persist') {
              await store.persist()
              storedUpTo = changelog.length
              continue
            }
            if (next === 'wipe') disk = new VirtualDisk()
            else disk.crash(0)
            store = await open()
            store.restore(next === 'wipe' ? changelog : changelog.slice(storedUpTo))
            if (next === 'wipe') storedUpTo = 0
            ;({ node, model } = make())
          }
          await commit()
          const updates = (outputs: string[]) => outputs.filter((o) => o.includes('='))
          expect(lastOf(updates(given))).toEqual(lastOf(updates(expected)))
        },
      ),
      { numRuns: 60 },
    )
  })
})
