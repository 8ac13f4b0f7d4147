// A record on its way through a topology. TypeScript owns the name Record.
import { checkedMs } from '../clock.js'
import {
  HeaderList,
  headerEntries,
  type HeaderEntry,
  type RecordHeaders,
} from '../serde/record-headers.js'

/** Where the input record came from; inside a punctuator topic null, partition and offset -1. */
export interface RecordMetadata {
  readonly topic: string | null
  readonly partition: number
  readonly offset: number
}

/** Key, value, event time and headers; `metadata` is that of the input record that caused it. */
export interface StreamRecord<out K, out V> {
  readonly key: K
  readonly value: V
  readonly timestampMs: number
  readonly headers: RecordHeaders
  readonly metadata: RecordMetadata | undefined
}

/** What `forward` takes: a record, or its parts. */
export interface ForwardRecord<out K, out V> {
  readonly key: K
  readonly value: V
  readonly timestampMs: number
  /** Absent: none. */
  readonly headers?: RecordHeaders | undefined
}

/**
 * The one class of records inside, so that call sites stay monomorphic. All fields are its own and
 * enumerable: users spread records. A record that is handed to several children is the same object.
 */
export class FlowRecord<K = unknown, V = unknown> implements StreamRecord<K, V> {
  constructor(
    readonly key: K,
    readonly value: V,
    readonly timestampMs: number,
    readonly headers: HeaderList,
    readonly metadata: RecordMetadata | undefined,
  ) {}

  /** A copy with another value; its headers are a copy too. */
  withValue<V2>(value: V2): FlowRecord<K, V2> {
    return new FlowRecord(
      this.key,
      value,
      this.timestampMs,
      new HeaderList(this.headers.entries),
      this.metadata,
    )
  }

  withKey<K2>(key: K2): FlowRecord<K2, V> {
    return this.with(key, this.value, this.timestampMs)
  }

  with<K2, V2>(key: K2, value: V2, timestampMs: number): FlowRecord<K2, V2> {
    return new FlowRecord(
      key,
      value,
      timestampMs,
      new HeaderList(this.headers.entries),
      this.metadata,
    )
  }
}

/** A record from what a user forwarded. @throws TypeError when its timestamp is no time */
export function toFlowRecord<K, V>(
  record: ForwardRecord<K, V>,
  metadata: RecordMetadata | undefined,
): FlowRecord<K, V> {
  if (record instanceof FlowRecord) return record
  const { key, value, timestampMs, headers } = record
  return new FlowRecord(
    key,
    value,
    checkedMs(timestampMs, 'the timestampMs of a forwarded record', 0),
    // A record that was spread brings the headers of the one it was made from: these stay its own.
    new HeaderList(headerEntries(headers)),
    metadata,
  )
}

/** What stores and buffers keep of a record to run downstream under it later. */
export interface RecordContext {
  readonly timestampMs: number
  readonly headers: readonly HeaderEntry[]
  /** The headers themselves, where a node may still change them: what waits goes on with them as they are then. */
  readonly live?: HeaderList | undefined
  readonly metadata: RecordMetadata | undefined
}

/** The metadata inside a punctuator. */
export const punctuationMetadata: RecordMetadata = Object.freeze({
  topic: null,
  partition: -1,
  offset: -1,
})
