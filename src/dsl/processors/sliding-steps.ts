// Which sliding windows a record changes, and in which order: the algorithm of
// KStreamSlidingWindowAggregate as a plan, so that it can be read and tested without a store.
import type { SlidingRow } from '../../state/sliding-rows.js'

/**
 * One change. `update`: the record is added to `from`, the window that is there. `create`: a window
 * of the record on top of `from`, or of nothing. `copy`: a window with what `from` holds before this
 * record, which is not added.
 */
export class SlidingStep<V> {
  /** What a new window starts with: the value of `from` before the record. */
  source: V | undefined = undefined

  constructor(
    readonly kind: 'update' | 'create' | 'copy',
    readonly startMs: number,
    readonly from: SlidingRow<V> | undefined,
    /** Time of a copy: that of `from` before the record. */
    readonly timestampMs: number,
  ) {}
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
      steps.push(new SlidingStep('update', window.startMs, window, timestampMs))
    }
  }
  if (right === undefined && combined && combined.timestampMs > timestampMs) right = combined
  if (right && right.timestampMs > timestampMs && !startsAt(windows, timestampMs + 1))
    steps.push(new SlidingStep('copy', timestampMs + 1, right, right.timestampMs))
  // A record that came before, with nothing behind it so far, now has a right window: this record.
  if (combined && combined.timestampMs < timestampMs) {
    const startMs = combined.timestampMs + 1
    if (!startsAt(windows, startMs))
      steps.push(new SlidingStep<V>('create', startMs, undefined, timestampMs))
  }
  steps.push(new SlidingStep(combined ? 'update' : 'create', 0, combined, timestampMs))
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
    steps.push(new SlidingStep('update', window.startMs, window, timestampMs))
    if (endMs > timestampMs) right ??= window
    else {
      leftExists = true
      // A record of this very time was here before: all windows that it defines exist.
      if (window.timestampMs >= timestampMs) return steps
      previousMs = window.timestampMs
    }
  }
  if (previousMs !== undefined) {
    const startMs = previousMs + 1
    if (startMs + differenceMs >= timestampMs && !startsAt(windows, startMs, oldest))
      steps.push(new SlidingStep<V>('create', startMs, undefined, timestampMs))
  }
  if (!leftExists) {
    const overlaps = previousMs !== undefined && previousMs >= timestampMs - differenceMs
    const from = overlaps ? left : undefined
    steps.push(new SlidingStep('create', timestampMs - differenceMs, from, timestampMs))
  }
  if (right && right.timestampMs > timestampMs && !startsAt(windows, timestampMs + 1))
    steps.push(new SlidingStep('copy', timestampMs + 1, right, right.timestampMs))
  return steps
}

/** Whether one of the windows from an index on starts then. */
const startsAt = <V>(windows: readonly SlidingRow<V>[], startMs: number, from = 0): boolean => {
  for (let i = windows.length - 1; i >= from; i--) if (windows[i]!.startMs === startMs) return true
  return false
}
