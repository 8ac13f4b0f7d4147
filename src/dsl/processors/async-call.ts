// Asynchronous operators: calls of several records overlap, their results go on in the promised order,
// and a commit waits for all of them. A call that settles never touches the task by itself: its result
// goes on between two records, or while the node holds the task up because too many calls are open.
import { ProcessingError, TaskMigratedError } from '../../errors.js'
import type { NodeContext, NodeSupplier } from '../../topology/processor.js'
import type { FlowRecord } from '../../topology/stream-record.js'
import type { AsyncMapper } from '../callbacks.js'
import { checked, holds } from './checked.js'
import type { AsyncCallOptions } from './operator-options.js'

export type AsyncCallback = AsyncMapper<any, any, unknown>

/** What is done with a result: it becomes the value, decides whether the record passes, or is ignored. */
export type AsyncResult = 'value' | 'predicate' | 'ignored'

/** Back-off before the second attempt, doubling up to the longest. */
const firstBackOffMs = 100
const longestBackOffMs = 10_000

const backOffMs = (attempt: number): number =>
  Math.min(longestBackOffMs, firstBackOffMs * 2 ** (attempt - 1))

/** The longest that a record can wait: all attempts and the back-off between them. */
export function longestCallMs(o: AsyncCallOptions): number {
  let totalMs = o.attempts * o.timeoutMs
  for (let attempt = 1; attempt < o.attempts; attempt++) totalMs += backOffMs(attempt)
  return totalMs
}

/** A record whose call is open, or whose result waits for its turn. */
interface Entry {
  readonly record: FlowRecord
  /** Runs what comes of it under the record. */
  readonly under: ReturnType<NodeContext['hold']>
  readonly lane: Lane
  outcome: { readonly value: unknown } | { readonly error: unknown } | undefined
}

/** Entries whose results keep their order. */
interface Lane {
  readonly id: unknown
  readonly entries: Entry[]
}

/** Calls `callback` for each record. */
export const asyncCall =
  (callback: AsyncCallback, result: AsyncResult, options: AsyncCallOptions): NodeSupplier =>
  (context) =>
    new AsyncCalls(context, callback, result, options)

class AsyncCalls {
  readonly #context: NodeContext
  readonly #callback: AsyncCallback
  readonly #result: AsyncResult
  readonly #options: AsyncCallOptions
  /** What ends the calls that are open, and the time between two of them. */
  readonly #cancels = new Set<(reason: Error) => void>()
  #givenUp: Error | undefined
  readonly #lanes = new Map<unknown, Lane>()
  /** Lanes whose first entry has its result, in order of completion. */
  #ready: Lane[] = []
  #open = 0
  #wakeIsDue = false
  /** Resolved at the next result, while somebody waits for one. */
  #waiting: (() => void) | undefined

  constructor(
    context: NodeContext,
    callback: AsyncCallback,
    result: AsyncResult,
    options: AsyncCallOptions,
  ) {
    this.#context = context
    this.#callback = callback
    this.#result = result
    this.#options = options
  }

  process(passed: FlowRecord): void | Promise<void> {
    if (this.#givenUp !== undefined) throw this.#givenUp
    // Later siblings may add headers while the call is open: they are none of this record's.
    const record = passed.withValue(passed.value)
    const lane = this.#lane(record.key)
    const entry: Entry = { record, under: this.#context.hold(record), lane, outcome: undefined }
    lane.entries.push(entry)
    this.#open++
    void this.#call(entry)
    if (this.#open >= this.#options.concurrency) return this.#until(this.#options.concurrency - 1)
  }

  /** Nothing is open afterwards. */
  settle(): void | Promise<void> {
    if (this.#open > 0) return this.#until(0)
  }

  giveUp(): void {
    if (this.#givenUp !== undefined) return
    const { nodeName, taskId } = this.#context
    // No handler is asked about it: no record is at fault.
    const reason = new TaskMigratedError(
      `${nodeName}: task ${taskId} was given up while a call was open`,
      { node: nodeName, task: taskId },
    )
    this.#givenUp = reason
    for (const cancel of this.#cancels) cancel(reason)
  }

  close(): void {
    this.giveUp()
  }

  /** Lets results go on until at most `limit` records are open. */
  async #until(limit: number): Promise<void> {
    for (;;) {
      await this.#release()
      if (this.#open <= limit) return
      if (this.#givenUp !== undefined) throw this.#givenUp
      if (this.#ready.length === 0)
        await new Promise<void>((resolve) => {
          this.#waiting = resolve
        })
    }
  }

  #lane(key: unknown): Lane {
    const { order } = this.#options
    const id = order === 'none' ? Symbol('lane') : order === 'partition' ? null : laneOf(key)
    let lane = this.#lanes.get(id)
    if (lane === undefined) this.#lanes.set(id, (lane = { id, entries: [] }))
    return lane
  }

  async #call(entry: Entry): Promise<void> {
    let outcome: Entry['outcome']
    try {
      outcome = { value: await this.#attempts(entry.record) }
    } catch (error) {
      outcome = { error }
    }
    entry.outcome = outcome
    if (entry.lane.entries[0] === entry) this.#becameReady(entry.lane)
  }

  #becameReady(lane: Lane): void {
    this.#ready.push(lane)
    if (this.#waiting !== undefined) {
      const wake = this.#waiting
      this.#waiting = undefined
      wake()
    } else if (!this.#wakeIsDue && this.#givenUp === undefined) {
      this.#wakeIsDue = true
      this.#context.later(() => {
        this.#wakeIsDue = false
        return this.#release()
      })
    }
  }

  async #attempts(record: FlowRecord): Promise<unknown> {
    const { attempts } = this.#options
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(record, attempt)
      } catch (error) {
        if (attempt >= attempts || this.#givenUp !== undefined) throw error
      }
      await this.#timed(backOffMs(attempt), (resolve, reject) => ({
        over: () => resolve(undefined),
        cancel: reject,
      }))
    }
  }

  /** One call; it fails when it takes too long, whatever becomes of it. */
  #attempt(record: FlowRecord, attempt: number): Promise<unknown> {
    const { nodeName: node } = this.#context
    const { timeoutMs } = this.#options
    return this.#timed(timeoutMs, (resolve, reject) => {
      const { key, value } = record
      const controller = new AbortController()
      const call = { signal: controller.signal, attempt }
      // In a promise, so that a callback that throws at once fails like one that rejects.
      void Promise.resolve()
        .then(() => this.#callback(value, key, record, call))
        .then(resolve, reject)
      const cancel = (reason: Error): void => {
        controller.abort(reason)
        reject(reason)
      }
      const late = `${node}: the call took longer than timeoutMs, ${timeoutMs} ms`
      return { over: () => cancel(new ProcessingError(late, { node })), cancel }
    })
  }

  /** What `begin` begins; it says what happens when `ms` are over, and when the task is given up. */
  #timed(
    ms: number,
    begin: (
      resolve: (value: unknown) => void,
      reject: (error: unknown) => void,
    ) => { readonly over: () => void; readonly cancel: (reason: Error) => void },
  ): Promise<unknown> {
    let end = (): void => {}
    return new Promise((resolve, reject) => {
      if (this.#givenUp !== undefined) throw this.#givenUp
      const { over, cancel } = begin(resolve, reject)
      const timer = this.#context.callClock.setTimer(ms, over)
      this.#cancels.add(cancel)
      end = () => {
        timer.cancel()
        this.#cancels.delete(cancel)
      }
    }).finally(() => end())
  }

  /** Lets all results that are due go on, one after the other. */
  #release(): void | Promise<void> {
    for (let entry = this.#next(); entry !== undefined; entry = this.#next()) {
      const sent = this.#goOn(entry)
      if (sent !== undefined) return sent.then(() => this.#release())
    }
  }

  #next(): Entry | undefined {
    const lane = this.#ready[0]
    if (lane === undefined || this.#givenUp !== undefined) return undefined
    const entry = lane.entries.shift()!
    this.#open--
    const following = lane.entries[0]
    if (following === undefined) this.#lanes.delete(lane.id)
    if (following?.outcome === undefined) this.#ready.shift()
    return entry
  }

  /** Under the entry's own record, so that a failure is asked about as this node's. */
  #goOn({ record, under, outcome }: Entry): void | Promise<void> {
    return under(() => {
      if (outcome !== undefined && 'error' in outcome) throw outcome.error
      const node = this.#context.nodeName
      const value = outcome?.value
      if (this.#result === 'value')
        return this.#context.forward(record.withValue(checked(value, node, 'mapper')))
      if (this.#result === 'predicate' && holds(value, node)) return this.#context.forward(record)
    })
  }
}

/** Keys that are objects share one lane: their order is kept, at the cost of waiting for one another. */
const laneOf = (key: unknown): unknown =>
  typeof key === 'object' || typeof key === 'function' ? null : key
