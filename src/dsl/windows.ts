// Windows and durations. Times are milliseconds; `graceMs` has no default, because how long a window
// waits for late records is a decision (KIP-633).
import { checkedMs } from '../clock.js'
import { endOfTimeMs } from '../serde/windowed-serdes.js'
import type {
  SessionWindowDefinition,
  SlidingWindowDefinition,
  TimeWindowDefinition,
} from './processors/operator-options.js'

/** Milliseconds of `n` seconds. */
export const seconds = (n: number): number => n * 1000
/** Milliseconds of `n` minutes. */
export const minutes = (n: number): number => n * 60_000
/** Milliseconds of `n` hours. */
export const hours = (n: number): number => n * 3_600_000

/** Tumbling, hopping and unlimited windows: `[startMs, endMs)`. */
export interface TimeWindows {
  readonly kind: 'time'
  readonly sizeMs: number
}

/** Windows that records define: both ends inclusive, `differenceMs` long. */
export interface SlidingWindows {
  readonly kind: 'sliding'
}

/** Runs of records that are at most `gapMs` apart; both ends inclusive. */
export interface SessionWindows {
  readonly kind: 'session'
}

/** The interval of a stream-stream join: `left − beforeMs ≤ right ≤ left + afterMs`. */
export interface JoinWindow {
  readonly beforeMs: number
  readonly afterMs: number
  readonly graceMs: number
}

const timeWindows = (o: Omit<TimeWindowDefinition, 'kind'>): TimeWindows =>
  Object.freeze<TimeWindowDefinition>({ kind: 'time', ...o })

/**
 * Windows that follow one another: `[0, sizeMs)`, `[sizeMs, 2·sizeMs)`, …
 * @throws TypeError for times that are not whole milliseconds
 *
 * @example stream.groupByKey().windowedBy(tumbling({ sizeMs: minutes(1), graceMs: seconds(10) }))
 */
export function tumbling(o: { readonly sizeMs: number; readonly graceMs: number }): TimeWindows {
  const sizeMs = checkedMs(o.sizeMs, 'sizeMs', 1)
  const graceMs = checkedMs(o.graceMs, 'graceMs', 0)
  return timeWindows({ sizeMs, advanceMs: sizeMs, graceMs, startMs: undefined })
}

/**
 * Windows of `sizeMs` that begin every `advanceMs`, so that they overlap.
 * @throws TypeError for times that are not whole milliseconds, or an advance above the size
 */
export function hopping(o: {
  readonly sizeMs: number
  readonly advanceMs: number
  readonly graceMs: number
}): TimeWindows {
  const sizeMs = checkedMs(o.sizeMs, 'sizeMs', 1)
  const advanceMs = checkedMs(o.advanceMs, 'advanceMs', 1)
  const graceMs = checkedMs(o.graceMs, 'graceMs', 0)
  if (advanceMs > sizeMs)
    throw new TypeError(
      `advanceMs ${advanceMs} is above sizeMs ${sizeMs}: records would fall between windows`,
    )
  return timeWindows({ sizeMs, advanceMs, graceMs, startMs: undefined })
}

/**
 * A window for each set of records that lie within `differenceMs` of one another.
 * @throws TypeError for times that are not whole milliseconds
 */
export function sliding(o: {
  readonly differenceMs: number
  readonly graceMs: number
}): SlidingWindows {
  const definition: SlidingWindowDefinition = {
    kind: 'sliding',
    differenceMs: checkedMs(o.differenceMs, 'differenceMs', 0),
    graceMs: checkedMs(o.graceMs, 'graceMs', 0),
  }
  return Object.freeze(definition)
}

/**
 * Runs of activity: a session ends when nothing came for more than `gapMs`.
 * @throws TypeError for times that are not whole milliseconds
 */
export function session(o: { readonly gapMs: number; readonly graceMs: number }): SessionWindows {
  const definition: SessionWindowDefinition = {
    kind: 'session',
    gapMs: checkedMs(o.gapMs, 'gapMs', 1),
    graceMs: checkedMs(o.graceMs, 'graceMs', 0),
  }
  return Object.freeze(definition)
}

/** One window from `startMs` to the end of time; earlier records are in none. */
export function unlimited(o: { readonly startMs?: number | undefined } = {}): TimeWindows {
  return timeWindows({
    sizeMs: endOfTimeMs,
    advanceMs: endOfTimeMs,
    graceMs: 0,
    startMs: checkedMs(o.startMs ?? 0, 'startMs', 0),
  })
}

/** The interval, checked. @throws TypeError for times that are not whole milliseconds or an empty interval */
export function checkedJoinWindow(within: JoinWindow | undefined): JoinWindow {
  if (within === undefined)
    throw new TypeError('a join of two streams needs `within: { beforeMs, afterMs, graceMs }`')
  const beforeMs = checkedMs(within.beforeMs, 'within.beforeMs', -Number.MAX_SAFE_INTEGER)
  const afterMs = checkedMs(within.afterMs, 'within.afterMs', -Number.MAX_SAFE_INTEGER)
  const graceMs = checkedMs(within.graceMs, 'within.graceMs', 0)
  if (beforeMs + afterMs < 0)
    throw new TypeError(`within: beforeMs ${beforeMs} and afterMs ${afterMs} leave no interval`)
  return { beforeMs, afterMs, graceMs }
}
