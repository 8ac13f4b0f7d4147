// A record whose object serves the next one too, where every node is done with it when `process`
// returns. A count takes over a million records a second, and the collector would have five objects
// of each.
import { HeaderList, noHeaders, type HeaderEntry } from '../serde/record-headers.js'
import { FlowRecord, type RecordContext, type RecordMetadata } from './stream-record.js'

type Writable<T> = { -readonly [P in keyof T]: T[P] }

export class PassingRecord extends FlowRecord {
  declare key: unknown
  declare value: unknown
  declare timestampMs: number
  declare headers: HeaderList
  declare readonly metadata: Writable<RecordMetadata>
  /** What stores see of it; the same object with each record. */
  readonly #context: Writable<RecordContext>
  readonly #noHeaders: HeaderList

  constructor(topic: string, partition: number) {
    const none = new HeaderList()
    const metadata = { topic, partition, offset: -1 }
    super(null, null, -1, none, metadata)
    this.#noHeaders = none
    this.#context = { timestampMs: -1, headers: noHeaders, metadata }
  }

  /** Becomes another record of its partition. */
  become(
    key: unknown,
    value: unknown,
    timestampMs: number,
    headers: readonly HeaderEntry[],
    offset: number,
  ): this {
    this.key = key
    this.value = value
    this.timestampMs = timestampMs
    this.headers = headers.length === 0 ? this.#noHeaders : new HeaderList(headers)
    this.metadata.offset = offset
    return this
  }

  /** The record as stores take it over, without a copy: they may not keep this one. */
  get context(): RecordContext {
    const context = this.#context
    context.timestampMs = this.timestampMs
    context.headers = this.headers.entries
    return context
  }
}
