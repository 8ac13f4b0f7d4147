// Window stores as users see them: rows by key and window start.
import type { Windowed } from '../serde/windowed.js'
import type { KeyValue, ScanOrder, ValueAndTimestamp } from './key-value-store.js'

/** `[fromMs, toMs]`, both inclusive; window starts. */
export interface TimeRange {
  readonly fromMs: number
  readonly toMs: number
}

/** Rows older than stream time less the retention are not visible. */
export interface WindowStore<K, V> {
  /** A null value deletes. A window whose segment is gone is refused, logged and counted. */
  put(key: K, value: V | null, startMs: number): void
  /** One window, or all of a key that start within `range`. */
  fetch(key: K, startMs: number): V | undefined
  fetch(
    key: K,
    range: TimeRange,
    o?: ScanOrder,
  ): AsyncIterable<readonly [startMs: number, value: V]>
  /** Keys are inclusive, null is open. */
  fetchRange(
    from: K | null,
    to: K | null,
    range: TimeRange,
    o?: ScanOrder,
  ): AsyncIterable<readonly [key: Windowed<K>, value: V]>
  fetchAll(range: TimeRange, o?: ScanOrder): AsyncIterable<readonly [key: Windowed<K>, value: V]>
  all(o?: ScanOrder): AsyncIterable<readonly [key: Windowed<K>, value: V]>
}

/** Rows by key and window start that carry the time of their last update, as those of tables do. */
export interface TimestampedWindowStore<K, V> extends WindowStore<K, ValueAndTimestamp<V>> {}

/** What queries see of a window store. */
export interface ReadOnlyWindowStore<K, V> {
  /** The windows of a key that start within `range`. */
  fetch(
    key: K,
    range: TimeRange,
  ): Promise<readonly { readonly startMs: number; readonly endMs: number; readonly value: V }[]>
  /** The windows of all keys that start within `range`. */
  fetchAll(range: TimeRange): AsyncIterable<KeyValue<Windowed<K>, V>>
}
