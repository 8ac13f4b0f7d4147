// The records that a test driver takes in and gives out, and its pile of produced ones.
import type { HeaderEntry, HeadersInit, RecordHeaders } from '../serde/record-headers.js'

/** A produced record, read from an output topic. */
export interface TestRecord<out K, out V> {
  readonly key: K | null
  readonly value: V | null
  readonly timestampMs: number
  readonly headers: RecordHeaders
}

/** What else an input record has. */
export interface Piped {
  /** Default: the time of the input topic, which then advances by its `autoAdvanceMs`. */
  readonly timestampMs?: number | undefined
  readonly headers?: HeadersInit | undefined
  /** Default: by the key, as a producer chooses it. */
  readonly partition?: number | undefined
}

/** A record as bytes on its way to a source topic. */
export interface PipedBytes {
  readonly topic: string
  readonly partition: number | undefined
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestampMs: number
  readonly headers: readonly HeaderEntry[]
}

/** A record as bytes that a task produced; a null timestamp was left to the producer. */
export interface ProducedBytes {
  readonly topic: string
  readonly partition: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestampMs: number | null
  readonly headers: readonly HeaderEntry[]
}

/** Produced records by topic, in order of production; reading removes. */
export class ProducedRecords {
  readonly #topics = new Map<string, { records: ProducedBytes[]; read: number }>()

  add(record: ProducedBytes): void {
    const queue = this.#topics.get(record.topic)
    if (queue === undefined) this.#topics.set(record.topic, { records: [record], read: 0 })
    else queue.records.push(record)
  }

  /** Every topic that was ever produced to. */
  get topics(): ReadonlySet<string> {
    return new Set(this.#topics.keys())
  }

  size(topic: string): number {
    const queue = this.#topics.get(topic)
    return queue === undefined ? 0 : queue.records.length - queue.read
  }

  /** Removes the oldest record of a topic; `undefined` when there is none. */
  take(topic: string): ProducedBytes | undefined {
    const queue = this.#topics.get(topic)
    if (queue === undefined) return undefined
    const record = queue.records[queue.read]
    if (record === undefined) return undefined
    queue.read += 1
    if (queue.read === queue.records.length) {
      queue.records = []
      queue.read = 0
    }
    return record
  }
}
