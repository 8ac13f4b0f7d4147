// The key of a windowed result.

/** Time and sliding windows, or sessions. */
export type WindowKind = 'time' | 'session'

/** A key and its window: `[startMs, endMs)` for time windows, both ends inclusive for sessions and sliding windows. */
export interface Windowed<out K, out W extends WindowKind = 'time'> {
  readonly kind: W
  readonly key: K
  readonly startMs: number
  readonly endMs: number
}
