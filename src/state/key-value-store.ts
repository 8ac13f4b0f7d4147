// Key-value stores as users see them. Reads and writes of one key do not wait; scans do.
import type { Serializer } from '../serde/serde.js'

/** A key with its value. */
export type KeyValue<K, V> = readonly [key: K, value: V]

/** Scans go by the keys' bytes, upwards unless `reverse`. */
export interface ScanOrder {
  readonly reverse?: boolean | undefined
}

/** Rows by key. Objects that it returns are the caller's own: changing one changes nothing stored. */
export interface KeyValueStore<K, V> {
  /** `undefined` when there is no such key. */
  get(key: K): V | undefined
  /** A null value deletes. */
  put(key: K, value: V | null): void
  /** Writes only where there is no row; returns the row that was there. */
  putIfAbsent(key: K, value: V): V | undefined
  putAll(rows: Iterable<KeyValue<K, V | null>>): void
  /** Returns what was there. */
  delete(key: K): V | undefined
  /** Both bounds are inclusive, null is open; in order of the keys' bytes. */
  range(from: K | null, to: K | null, o?: ScanOrder): AsyncIterable<KeyValue<K, V>>
  all(o?: ScanOrder): AsyncIterable<KeyValue<K, V>>
  /** Rows whose key bytes begin with the bytes of `prefix`. */
  prefixScan<P>(prefix: P, serializer: Serializer<P>): AsyncIterable<KeyValue<K, V>>
  /** An estimate: exact in memory, near in LevelDB. */
  approximateNumEntries(): number
}

/** A value with the time of its last update. */
export interface ValueAndTimestamp<out V> {
  readonly value: V
  readonly timestampMs: number
}

/** Rows by key that carry the time of their last update, as those of tables do. */
export interface TimestampedKeyValueStore<K, V> extends KeyValueStore<K, ValueAndTimestamp<V>> {}

/** What queries see of a key-value store: copies, uncommitted values included. */
export interface ReadOnlyKeyValueStore<K, V> {
  /** `undefined` when there is no such key. */
  get(key: K): Promise<V | undefined>
  /** Both bounds are inclusive; in order of the keys' bytes within a partition. */
  range(from: K, to: K): AsyncIterable<KeyValue<K, V>>
  all(): AsyncIterable<KeyValue<K, V>>
}
