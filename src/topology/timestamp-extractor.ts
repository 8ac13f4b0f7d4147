// Where event time comes from.
import type { StreamRecord } from './stream-record.js'

/** A negative result drops the record. `value` and `key` are null where the record has none. */
export type TimestampExtractor<V = unknown, K = unknown> = (
  value: V,
  key: K | null,
  record: StreamRecord<K | null, V>,
  partitionTimeMs: number,
) => number
