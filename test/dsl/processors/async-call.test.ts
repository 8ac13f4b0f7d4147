// Asynchronous calls on a clock that only the test moves, answered in any order.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../../../src/clock.js'
import { TaskMigratedError } from '../../../src/errors.js'
import type { AsyncCall } from '../../../src/dsl/callbacks.js'
import { asyncCall } from '../../../src/dsl/processors/async-call.js'
import type { AsyncCallOptions } from '../../../src/dsl/processors/operator-options.js'
import { HeaderList } from '../../../src/serde/record-headers.js'
import type { NodeContext, NodeProcessor } from '../../../src/topology/processor.js'
import { FlowRecord } from '../../../src/topology/stream-record.js'

interface Open extends AsyncCall {
  readonly value: string
  readonly answer: (value: unknown) => void
  readonly fail: (error: Error) => void
}

const defaults: AsyncCallOptions = { concurrency: 16, order: 'key', timeoutMs: 5_000, attempts: 1 }

/** Lets everything run that waits for nothing but its turn. */
const turns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

class AsyncHarness {
  readonly clock = new VirtualClock(0)
  readonly outputs: string[] = []
  readonly failures: string[] = []
  readonly open: Open[] = []
  most = 0
  readonly #node: NodeProcessor
  readonly #later: (() => void | Promise<void>)[] = []

  constructor(options: Partial<AsyncCallOptions> = {}) {
    const context = {
      nodeName: 'NODE',
      callClock: this.clock,
      later: (action: () => void) => void this.#later.push(action),
      hold: () => (action: () => void | Promise<void>) => {
        try {
          return action()
        } catch (error) {
          this.failures.push((error as Error).message)
        }
      },
      forward: ({ key, value, timestampMs }: FlowRecord) =>
        void this.outputs.push(`${key}=${value}@${timestampMs}`),
    } as unknown as NodeContext
    const callback = (value: string, _key: unknown, _record: unknown, call: AsyncCall) =>
      new Promise((answer, fail) => {
        const { signal, attempt } = call
        const open = { value, signal, attempt, answer, fail }
        this.open.push(open)
        this.most = Math.max(this.most, this.open.length)
      })
    this.#node = asyncCall(callback, 'value', { ...defaults, ...options })(context)
  }

  /** Begins processing; the promise is there while the node holds the task up. */
  pipe(key: string | null, value: string, timestampMs = 0): void | Promise<void> {
    return this.#node.process(new FlowRecord(key, value, timestampMs, new HeaderList(), undefined))
  }

  /** Answers the open call of a value, or all that are open. */
  async answer(value?: string): Promise<void> {
    await turns()
    const chosen = this.open.filter((open) => value === undefined || open.value === value)
    for (const open of chosen) {
      this.open.splice(this.open.indexOf(open), 1)
      open.answer(open.value.toUpperCase())
    }
    await this.idle()
  }

  /** What came from outside goes on, as between two records. */
  async idle(): Promise<void> {
    await turns()
    while (this.#later.length > 0) await this.#later.shift()!()
  }

  settle(): void | Promise<void> {
    return this.#node.settle!()
  }

  giveUp(): void {
    this.#node.giveUp!()
  }

  close(): void {
    this.#node.close!()
  }
}

describe('an asynchronous call', () => {
  it('fails when its time is over, and aborts its signal', async () => {
    const h = new AsyncHarness({ timeoutMs: 100 })
    void h.pipe('a', 'x')
    await turns()
    const { signal } = h.open[0]!
    h.clock.advance(99)
    await h.idle()
    expect([signal.aborted, h.failures]).toEqual([false, []])
    h.clock.advance(1)
    await h.idle()
    expect(signal.aborted).toBe(true)
    expect(h.failures).toEqual(['NODE: the call took longer than timeoutMs, 100 ms'])
    expect(h.outputs).toEqual([])
  })

  it('is made again after a back-off that doubles, until the attempts are used up', async () => {
    const h = new AsyncHarness({ attempts: 4 })
    void h.pipe('a', 'x')
    for (const [attempt, waitMs] of [
      [1, 100],
      [2, 200],
      [3, 400],
    ] as const) {
      await turns()
      expect(h.open.map((open) => open.attempt)).toEqual([attempt])
      h.open.pop()!.fail(new Error(`no ${attempt}`))
      await turns()
      h.clock.advance(waitMs - 1)
      await turns()
      expect(h.open).toEqual([])
      h.clock.advance(1)
    }
    await turns()
    h.open.pop()!.fail(new Error('no 4'))
    await h.idle()
    expect(h.failures).toEqual(['no 4'])
  })

  it('is aborted, and not made again, when the task is closed', async () => {
    const h = new AsyncHarness({ attempts: 3 })
    void h.pipe('a', 'x')
    void h.pipe('b', 'y')
    await turns()
    h.open.find(({ value }) => value === 'y')!.fail(new Error('no'))
    await turns()
    h.close()
    expect(h.open[0]!.signal.aborted).toBe(true)
    h.clock.advance(60_000)
    await h.idle()
    expect(h.open).toHaveLength(2)
    expect(h.outputs).toEqual([])
  })

  it('is ended when the task is given up, and leaves no timer', async () => {
    const h = new AsyncHarness({ attempts: 3, concurrency: 3 })
    void h.pipe('a', 'x')
    void h.pipe('b', 'y')
    await turns()
    h.open.find(({ value }) => value === 'y')!.fail(new Error('no'))
    await turns()
    const held = h.pipe('c', 'z')
    h.giveUp()
    await expect(held).rejects.toThrow(TaskMigratedError)
    await expect(h.settle()).rejects.toThrow(/NODE.*given up/)
    expect(() => h.pipe('d', 'w')).toThrow(TaskMigratedError)
    expect(h.clock.nextDueMs).toBe(undefined)
    await h.idle()
    expect([h.outputs, h.failures]).toEqual([[], []])
  })

  it('holds the task up while as many calls are open as may be', async () => {
    const h = new AsyncHarness({ concurrency: 2 })
    expect(h.pipe('a', 'x')).toBe(undefined)
    const held = h.pipe('b', 'y')
    let isFree = false
    void (held as Promise<void>).then(() => (isFree = true))
    await turns()
    expect(isFree).toBe(false)
    await h.answer('y')
    expect(isFree).toBe(true)
    expect(h.outputs).toEqual(['b=Y@0'])
  })

  it('is waited for before a commit', async () => {
    const h = new AsyncHarness()
    void h.pipe('a', 'x', 7)
    const settled = h.settle() as Promise<void>
    await h.answer()
    await settled
    expect(h.outputs).toEqual(['a=X@7'])
    expect(h.settle()).toBe(undefined)
  })
})

interface Random {
  readonly key: string | null
  /** Which of the open calls are answered after this record. */
  readonly answered: readonly number[]
  readonly fails: boolean
}

const records: fc.Arbitrary<Random[]> = fc.array(
  fc.record({
    key: fc.constantFrom('a', 'b', null),
    answered: fc.array(fc.nat(5), { maxLength: 3 }),
    fails: fc.boolean(),
  }),
  { maxLength: 30 },
)

describe.each(['key', 'partition', 'none'] as const)(
  "calls in random order, for order '%s'",
  (order) => {
    it('keep what was promised, lose nothing and never exceed the concurrency', () =>
      fc.assert(
        fc.asyncProperty(records, fc.integer({ min: 1, max: 6 }), async (list, concurrency) => {
          const h = new AsyncHarness({ order, concurrency })
          const completed: string[] = []
          const finish = async (n: number): Promise<void> => {
            await turns()
            const [open] = h.open.splice(n % h.open.length, 1)
            completed.push(open!.value)
            if (list[Number(open!.value)]!.fails) open!.fail(new Error(open!.value))
            else open!.answer(open!.value)
            await turns()
          }
          for (const [n, { key, answered }] of list.entries()) {
            let isFree = false
            void Promise.resolve(h.pipe(key, String(n), n)).then(() => (isFree = true))
            await turns()
            while (!isFree) await finish(answered[0] ?? 0)
            for (const m of answered) if (h.open.length > 0) await finish(m)
            await h.idle()
          }
          const settled = Promise.resolve(h.settle())
          await turns()
          while (h.open.length > 0) await finish(0)
          await settled

          const good = list.flatMap(({ key, fails }, n) => (fails ? [] : [`${key}=${n}@${n}`]))
          expect(h.outputs.toSorted()).toEqual(good.toSorted())
          expect(h.failures).toHaveLength(list.length - good.length)
          expect(h.most).toBeLessThanOrEqual(concurrency)
          const ofKey = (outputs: string[], key: string) =>
            outputs.filter((output) => output.startsWith(`${key}=`))
          if (order === 'partition') expect(h.outputs).toEqual(good)
          if (order === 'key')
            for (const key of ['a', 'b', 'null'])
              expect(ofKey(h.outputs, key)).toEqual(ofKey(good, key))
          if (order === 'none') {
            const byCompletion = completed.map((n) => good.find((g) => g.endsWith(`@${n}`)))
            expect(h.outputs).toEqual(byCompletion.filter((g) => g !== undefined))
          }
        }),
        { numRuns: 60 },
      ))
  },
)
