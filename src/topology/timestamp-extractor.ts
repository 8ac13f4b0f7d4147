// Where event time comes from. An extractor sees the record as it was read; its own timestamp is
// `record.timestampMs`.
import { StreamsError } from '../errors.js'
import type { StreamRecord } from './stream-record.js'

/**
 * A negative result drops the record. `value` and `key` are null where the record has none;
 * `partitionTimeMs` is the highest time taken from this partition before, -1 at first.
 */
export type TimestampExtractor<V = unknown, K = unknown> = (
  value: V,
  key: K | null,
  record: StreamRecord<K | null, V>,
  partitionTimeMs: number,
) => number

const invalid = (timestampMs: number, remedy: string): StreamsError =>
  new StreamsError(`the record's timestamp is ${timestampMs}, which is no time: ${remedy}`)

/** The record's own timestamp. @throws StreamsError when it is negative */
export const failOnInvalidTimestamp: TimestampExtractor = (_value, _key, { timestampMs }) => {
  if (timestampMs >= 0) return timestampMs
  throw invalid(
    timestampMs,
    'use another timestamp extractor, such as logAndSkipOnInvalidTimestamp',
  )
}

/** The record's own timestamp; a negative one drops the record, which is logged and counted. */
export const logAndSkipOnInvalidTimestamp: TimestampExtractor = (_value, _key, { timestampMs }) =>
  timestampMs

/** The record's own timestamp, or partition time where that is negative. @throws StreamsError when neither is known */
export const usePartitionTimeOnInvalidTimestamp: TimestampExtractor = (
  _value,
  _key,
  { timestampMs },
  partitionTimeMs,
) => {
  if (timestampMs >= 0) return timestampMs
  if (partitionTimeMs >= 0) return partitionTimeMs
  throw invalid(timestampMs, 'no earlier record of its partition has one either')
}

/** The wall clock. */
export const wallclockTimestamp: TimestampExtractor = () => Date.now()
