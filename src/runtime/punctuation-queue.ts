// Scheduled callbacks of one clock, in the order in which they fall due. Missed slots are skipped,
// never replayed (semantics of Kafka Streams' PunctuationQueue).
import { DueHeap } from './due-heap.js'

/** One schedule. */
export interface Punctuation {
  /** Runs with the current time, which may lie after the due time. */
  readonly run: (nowMs: number) => void | Promise<void>
  cancel(): void
}

class Schedule implements Punctuation {
  cancelled = false

  constructor(
    readonly intervalMs: number,
    public dueMs: number,
    readonly run: (nowMs: number) => void | Promise<void>,
  ) {}

  cancel(): void {
    this.cancelled = true
  }

  /** Makes it due at the next slot that is not missed. */
  skipTo(nowMs: number): void {
    const missed = Math.floor((nowMs - this.dueMs) / this.intervalMs)
    this.dueMs += (missed + 1) * this.intervalMs
  }
}

/** The clock that a schedule names. @throws TypeError for any other word */
export function checkedClock(clock: unknown): 'stream' | 'wall' {
  if (clock === 'stream' || clock === 'wall') return clock
  throw new TypeError(`clock of a punctuation must be 'stream' or 'wall', not ${String(clock)}`)
}

export class PunctuationQueue {
  /** Cancelled ones stay until they would be due. */
  readonly #heap = new DueHeap<Schedule>()
  /** The schedule whose callback runs. */
  #running: Schedule | undefined

  /** @throws RangeError when the interval is below 1 ms. */
  schedule(
    firstDueMs: number,
    intervalMs: number,
    run: (nowMs: number) => void | Promise<void>,
  ): Punctuation {
    if (!(intervalMs >= 1))
      throw new RangeError(`intervalMs of a punctuation must be at least 1, not ${intervalMs}`)
    const schedule = new Schedule(intervalMs, firstDueMs, run)
    this.#heap.add(schedule)
    return schedule
  }

  /** When the next callback is due; `undefined` when nothing is scheduled. */
  get nextDueMs(): number | undefined {
    const { first } = this.#heap
    if (first?.cancelled !== true) return first?.dueMs
    let dueMs = Infinity
    for (const schedule of this.#heap)
      if (!schedule.cancelled && schedule.dueMs < dueMs) ({ dueMs } = schedule)
    return dueMs === Infinity ? undefined : dueMs
  }

  /** Runs what is due, each schedule at most once. Resolves or returns whether anything ran. */
  punctuate(nowMs: number): boolean | Promise<boolean> {
    let ran = false
    for (;;) {
      const next = this.#heap.first
      if (next === undefined || next.dueMs > nowMs) return ran
      this.#heap.removeFirst()
      if (next.cancelled) continue
      const done = this.#run(next, nowMs)
      ran = true
      if (done !== undefined)
        return done.then(async () => {
          await this.punctuate(nowMs)
          return true
        })
    }
  }

  /** Forgets every schedule. */
  clear(): void {
    this.#heap.clear()
    this.#running?.cancel()
  }

  #run(schedule: Schedule, nowMs: number): void | Promise<void> {
    this.#running = schedule
    let done: void | Promise<void>
    try {
      done = schedule.run(nowMs)
    } catch (error) {
      this.#again(schedule, nowMs)
      throw error
    }
    if (done !== undefined) return Promise.resolve(done).finally(() => this.#again(schedule, nowMs))
    this.#again(schedule, nowMs)
  }

  /** After the callback, and what that scheduled itself: unless it was cancelled, to the next slot. */
  #again(schedule: Schedule, nowMs: number): void {
    this.#running = undefined
    if (schedule.cancelled) return
    schedule.skipTo(nowMs)
    this.#heap.add(schedule)
  }
}
