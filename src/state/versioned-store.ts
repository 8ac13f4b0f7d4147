// Versioned stores as users see them: the history of each key over its history retention (KIP-889).
import type { ValueAndTimestamp } from './key-value-store.js'

/** A value with the interval in which it is valid. */
export interface VersionedRecord<out V> extends ValueAndTimestamp<V> {
  /** Exclusive. A processor's look-ups leave it `undefined`, as those of Kafka Streams 4.1 do. */
  readonly validToMs: number | undefined
}

/** The versions of each key. */
export interface VersionedKeyValueStore<K, V> {
  /** The end of the version's validity, `null` while it is the latest, `undefined` when refused as too old. */
  put(key: K, value: V | null, timestampMs: number): number | null | undefined
  /** The latest version, or the one valid at `asOfMs`; `undefined` where the key was deleted or unknown. */
  get(key: K, asOfMs?: number): VersionedRecord<V> | undefined
  /** Writes a deletion at `timestampMs`; returns what `get(key, timestampMs)` gave before. */
  delete(key: K, timestampMs: number): VersionedRecord<V> | undefined
}
