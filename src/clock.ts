// Injected time, and what may stand for a time. Nothing else in `src` reads the system clock or sets a
// timer.

/** A timer that was set; cancelling it twice, or after it ran, does nothing. */
export interface Timer {
  cancel(): void
}

/** Where time comes from. `nowMs` is milliseconds since the epoch. */
export interface Clock {
  nowMs(): number
  /** Runs `callback` once, `delayMs` from now. Until then, or until it is cancelled, it keeps the process alive. */
  setTimer(delayMs: number, callback: () => void): Timer
}

/** Resolves after `delayMs` of the clock's time. */
export const delay = (clock: Clock, delayMs: number): Promise<void> =>
  new Promise((resolve) => clock.setTimer(delayMs, resolve))

/** The longest delay `setTimeout` can hold. */
const maxTimeoutMs = 2 ** 31 - 1

/** The machine's clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  setTimer(delayMs, callback) {
    const timeout = setTimeout(callback, Math.min(Math.max(0, delayMs), maxTimeoutMs))
    return { cancel: () => clearTimeout(timeout) }
  },
}

interface VirtualTimer {
  readonly dueMs: number
  readonly order: number
  readonly callback: () => void
}

/** A clock that moves only by `advance`; timers run in the order of their due times. */
export class VirtualClock implements Clock {
  #nowMs: number
  #order = 0
  #timers: VirtualTimer[] = []

  constructor(startMs = 0) {
    this.#nowMs = startMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback }
    this.#timers.push(timer)
    return { cancel: () => void (this.#timers = this.#timers.filter((t) => t !== timer)) }
  }

  /** When the next timer is due, `undefined` when none is set. */
  get nextDueMs(): number | undefined {
    return this.#next()?.dueMs
  }

  /** Moves time on by `ms` and runs each timer that falls due, at its own time. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    for (let timer = this.#next(); timer && timer.dueMs <= untilMs; timer = this.#next()) {
      const due = timer
      this.#timers = this.#timers.filter((t) => t !== due)
      this.#nowMs = Math.max(this.#nowMs, due.dueMs)
      due.callback()
    }
    this.#nowMs = untilMs
  }

  #next(): VirtualTimer | undefined {
    let next: VirtualTimer | undefined
    for (const t of this.#timers) {
      if (!next || t.dueMs < next.dueMs || (t.dueMs === next.dueMs && t.order < next.order))
        next = t
    }
    return next
  }
}

/** Returns whole milliseconds. @throws TypeError for anything else, or below `least` */
export function checkedMs(value: unknown, name: string, least: number): number {
  if (!Number.isSafeInteger(value)) {
    const what = typeof value === 'number' ? value : typeof value
    throw new TypeError(`${name} must be whole milliseconds, not ${what}`)
  }
  const ms = value as number
  if (ms < least) throw new TypeError(`${name} must be at least ${least}, not ${ms}`)
  return ms
}
