// What a record queue reads: one batch of encoded records, walked once. Fetched batches fit as they
// are; `recordsOf` gives the same view of records that are already apart.
import type { RecordReader } from '../kafka/record-batch.js'
import { noHeaders, type HeaderEntry } from '../serde/record-headers.js'

/** A walk over encoded records; see `RecordReader` for the meaning of the fields. */
export type RecordSource = Pick<
  RecordReader,
  | 'buffer'
  | 'next'
  | 'offset'
  | 'timestampMs'
  | 'keyStart'
  | 'keyEnd'
  | 'valueStart'
  | 'valueEnd'
  | 'headerCount'
  | 'headers'
>

/** One record as bytes. */
export interface RawRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: readonly HeaderEntry[] | undefined
}

/** A walk over records that are already apart. */
export function recordsOf(records: readonly RawRecord[]): RecordSource {
  return new RawRecordSource(records)
}

class RawRecordSource implements RecordSource {
  buffer: Buffer = Buffer.alloc(0)
  offset = -1
  timestampMs = -1
  keyStart = -1
  keyEnd = -1
  valueStart = -1
  valueEnd = -1
  headerCount = 0
  readonly #records: readonly RawRecord[]
  #index = -1
  #headers: readonly HeaderEntry[] = noHeaders

  constructor(records: readonly RawRecord[]) {
    this.#records = records
  }

  next(): boolean {
    const record = this.#records[++this.#index]
    if (record === undefined) return false
    const keyLength = record.key?.length ?? 0
    const valueLength = record.value?.length ?? 0
    this.buffer = Buffer.allocUnsafe(keyLength + valueLength)
    if (record.key) this.buffer.set(record.key, 0)
    if (record.value) this.buffer.set(record.value, keyLength)
    this.keyStart = record.key ? 0 : -1
    this.keyEnd = keyLength
    this.valueStart = record.value ? keyLength : -1
    this.valueEnd = keyLength + valueLength
    this.offset = record.offset
    this.timestampMs = record.timestampMs
    this.#headers = record.headers ?? noHeaders
    this.headerCount = this.#headers.length
    return true
  }

  headers(): readonly HeaderEntry[] {
    return this.#headers
  }
}
