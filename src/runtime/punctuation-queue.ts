// Scheduled callbacks of one clock, in the order in which they fall due. Missed slots are skipped,
// never replayed (semantics of Kafka Streams' PunctuationQueue).

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
    public order: number,
    readonly run: (nowMs: number) => void | Promise<void>,
  ) {}

  cancel(): void {
    this.cancelled = true
  }
}

/** The clock that a schedule names. @throws TypeError for any other word */
export function checkedClock(clock: unknown): 'stream' | 'wall' {
  if (clock === 'stream' || clock === 'wall') return clock
  throw new TypeError(`clock of a punctuation must be 'stream' or 'wall', not ${String(clock)}`)
}

/** Few schedules per task: a sorted list does. */
export class PunctuationQueue {
  #schedules: Schedule[] = []
  #order = 0

  /** @throws RangeError when the interval is below 1 ms. */
  schedule(
    firstDueMs: number,
    intervalMs: number,
    run: (nowMs: number) => void | Promise<void>,
  ): Punctuation {
    if (!(intervalMs >= 1))
      throw new RangeError(`intervalMs of a punctuation must be at least 1, not ${intervalMs}`)
    const schedule = new Schedule(intervalMs, firstDueMs, this.#order++, run)
    this.#insert(schedule)
    return schedule
  }

  /** When the next callback is due; `undefined` when nothing is scheduled. */
  get nextDueMs(): number | undefined {
    this.#dropCancelled()
    return this.#schedules[0]?.dueMs
  }

  /** Runs what is due, each schedule at most once. Resolves or returns whether anything ran. */
  punctuate(nowMs: number): boolean | Promise<boolean> {
    let ran = false
    for (;;) {
      this.#dropCancelled()
      const next = this.#schedules[0]
      if (next === undefined || next.dueMs > nowMs) return ran
      this.#schedules.shift()
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
    this.#schedules = []
  }

  #run(schedule: Schedule, nowMs: number): void | Promise<void> {
    const missed = Math.floor((nowMs - schedule.dueMs) / schedule.intervalMs)
    schedule.dueMs += (missed + 1) * schedule.intervalMs
    schedule.order = this.#order++
    this.#insert(schedule)
    return schedule.run(nowMs)
  }

  #insert(schedule: Schedule): void {
    let at = this.#schedules.length
    while (at > 0) {
      const before = this.#schedules[at - 1]!
      if (before.dueMs < schedule.dueMs) break
      if (before.dueMs === schedule.dueMs && before.order < schedule.order) break
      at--
    }
    this.#schedules.splice(at, 0, schedule)
  }

  #dropCancelled(): void {
    while (this.#schedules[0]?.cancelled) this.#schedules.shift()
  }
}
