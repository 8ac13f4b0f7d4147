// Which sliding windows a record changes, and in which order: the algorithm of
// KStreamSlidingWindowAggregate as a plan, so that it can be read and tested without a store.
import type { SlidingRow } from '../../state/sliding-rows.js'

/**
 * One change. `update`: the record is added to the window that is there. `create`: a window of the
 * record on top of `from`, or of nothing. `copy`: a window with what `from` holds before this
 * record, which is not added.
 */
export interface SlidingStep<V> {
  readonly kind: 'update' | 'create' | 'copy'
  readonly startMs: number
  readonly from: SlidingRow<V> | undefined
  /** Time of a copy: that of `from` before the record. */
  readonly timestampMs: number
}

/**
 * The changes of a record at `timestampMs`, from the windows of its key that start in
 * [timestampMs − 2 · difference, timestampMs + 1], ascending (semantics 12.9).
 */
export const slidingSteps = <V>(
  windows: readonly SlidingRow<V>[],
  timestampMs: number,
  differenceMs: number,
): readonly SlidingStep<V>[] =>
  timestampMs < differenceMs
    ? earlySteps(windows, timestampMs)
    : lateSteps(windows, timestampMs, differenceMs)

/** All windows that would begin below zero are one window [0, difference]. */
const earlySteps = <V>(
  windows: readonly SlidingRow<V>[],
  timestampMs: number,
): readonly SlidingStep<V>[] => {
  const steps: SlidingStep<V>[] = []
  let combined: SlidingRow<V> | undefined
  let right: SlidingRow<V> | undefined
  for (const window of windows) {
    if (window.startMs === 0) combined = window
    else if (window.startMs <= timestampMs) {
      right = window
      steps.push({ kind: 'update', startMs: window.startMs, from: undefined, timestampMs })
    }
  }
  if (right === undefined && combined && combined.timestampMs > timestampMs) right = combined
  if (right && right.timestampMs > timestampMs && !startsAt(windows, timestampMs + 1))
    steps.push({
      kind: 'copy',
      startMs: timestampMs + 1,
      from: right,
      timestampMs: right.timestampMs,
    })
  // A record that came before, with nothing behind it so far, now has a right window: this record.
  if (combined && combined.timestampMs < timestampMs) {
    const startMs = combined.timestampMs + 1
    if (!startsAt(windows, startMs))
      steps.push({ kind: 'create', startMs, from: undefined, timestampMs })
  }
  steps.push({ kind: combined ? 'update' : 'create', startMs: 0, from: undefined, timestampMs })
  return steps
}

const lateSteps = <V>(
  windows: readonly SlidingRow<V>[],
  timestampMs: number,
  differenceMs: number,
): readonly SlidingStep<V>[] => {
  const steps: SlidingStep<V>[] = []
  let right: SlidingRow<V> | undefined
  let left: SlidingRow<V> | undefined
  let leftExists = false
  let previousMs: number | undefined
  let oldest = windows.length
  for (let i = windows.length - 1; i >= 0; i--) {
    const window = windows[i]!
    const endMs = window.startMs + differenceMs
    oldest = i
    if (window.startMs > timestampMs) continue
    if (endMs < timestampMs) {
      left = window
      previousMs = window.timestampMs
      break
    }
    steps.push({ kind: 'update', startMs: window.startMs, from: undefined, timestampMs })
    if (endMs > timestampMs) right ??= window
    else {
      leftExists = true
      // A record of this very time was here before: all windows that it defines exist.
      if (window.timestampMs >= timestampMs) return steps
      previousMs = window.timestampMs
    }
  }
  const seen = windows.slice(oldest)
  if (previousMs !== undefined) {
    const startMs = previousMs + 1
    if (startMs + differenceMs >= timestampMs && !startsAt(seen, startMs))
      steps.push({ kind: 'create', startMs, from: undefined, timestampMs })
  }
  if (!leftExists) {
    const overlaps = previousMs !== undefined && previousMs >= timestampMs - differenceMs
    const from = overlaps ? left : undefined
    steps.push({ kind: 'create', startMs: timestampMs - differenceMs, from, timestampMs })
  }
  if (right && right.timestampMs > timestampMs && !startsAt(windows, timestampMs + 1))
    steps.push({
      kind: 'copy',
      startMs: timestampMs + 1,
      from: right,
      timestampMs: right.timestampMs,
    })
  return steps
}

const startsAt = <V>(windows: readonly SlidingRow<V>[], startMs: number): boolean =>
  windows.some((window) => window.startMs === startMs)
