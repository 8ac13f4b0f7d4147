// Record batch format v2, both ways. Placeholder of the two classes that the port names.
import type { HeaderEntry } from '../serde/record-headers.js'

/** Walks the records of one fetched batch; a record's bytes are `[start, end)` of `buffer`. */
export declare class RecordReader {
  readonly buffer: Uint8Array
  /** Records in the batch. */
  readonly count: number
  readonly baseOffset: number
  readonly lastOffset: number
  /** Moves to the next record; false at the end. The fields below describe the current one. */
  next(): boolean
  readonly offset: number
  readonly timestampMs: number
  /** -1 when the key is null. */
  readonly keyStart: number
  readonly keyEnd: number
  /** -1 when the value is null. */
  readonly valueStart: number
  readonly valueEnd: number
  /** Header count of the current record, known without decoding them. */
  readonly headerCount: number
  headers(): HeaderEntry[]
}

/** What a producer adds to a batch when it leaves. */
export interface BatchIdentity {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly transactional: boolean
  readonly compression: 'none' | 'gzip'
}

/** Collects records of one partition straight in the bytes that will be sent. */
export declare class RecordBatchBuilder {
  readonly count: number
  /** Size so far, header included. */
  readonly byteLength: number
  append(
    timestampMs: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers: readonly HeaderEntry[],
  ): void
  /** The finished batch with its CRC; may be asked again with another identity (retry under a new epoch). */
  finish(identity: BatchIdentity): Uint8Array
}
