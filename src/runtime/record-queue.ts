// One partition's buffer. Only the head is decoded; a head that is dropped makes place for the next
// one at once, so a queue either has a head or nothing to process.
import { noHeaders, type HeaderEntry } from '../serde/record-headers.js'
import { PassingRecord } from '../topology/passing-record.js'
import type { FlowRecord } from '../topology/stream-record.js'
import type { NodeRunner } from './node-runner.js'
import type { RecordSource } from './record-source.js'
import type { SourceBytes, SourceDecoder } from './source-decoder.js'

interface Fetched {
  readonly sources: readonly RecordSource[]
  readonly byteLength: number
}

/** Where a record's bytes lie, for a dead letter; two of these per queue are used in turn. */
class Place {
  buffer: Uint8Array = new Uint8Array(0)
  offset = -1
  timestampMs = -1
  keyStart = -1
  keyEnd = -1
  valueStart = -1
  valueEnd = -1
  headers: readonly HeaderEntry[] = noHeaders
  /** The record that lies there, where its object may be used again. */
  passing: PassingRecord | undefined
}

/** The records of one partition that wait for processing, in offset order. */
export class RecordQueue {
  readonly topic: string
  readonly partition: number
  /** The source node that its records go to. */
  readonly runner: NodeRunner
  /** Event time of the head, at which its turn comes; meaningless without one. */
  dueMs = -1
  /** Highest timestamp taken from this queue, -1 at first. */
  partitionTimeMs = -1
  /** Bytes of fetched batches with records that are not taken yet. */
  byteLength = 0
  /** The offset after everything that was added, filtered and control records included. */
  nextOffset: number | undefined
  readonly #decoder: SourceDecoder
  readonly #fetched: Fetched[] = []
  #batch = 0
  #head: FlowRecord | undefined
  #failure: { readonly error: unknown } | undefined
  #headPlace = new Place()
  #takenPlace = new Place()

  constructor(topic: string, partition: number, runner: NodeRunner, decoder: SourceDecoder) {
    this.topic = topic
    this.partition = partition
    this.runner = runner
    this.#decoder = decoder
  }

  /** Whether a record, or a failure to decode one, can be taken. */
  get hasHead(): boolean {
    return this.#head !== undefined || this.#failure !== undefined
  }

  /** Says that no node below looks at values, before there are records. */
  ignoreValues(): void {
    this.#decoder.valuesMatter = false
  }

  /** Says that no node holds on to a record, before there are records. */
  reuseRecords(): void {
    if (!this.#decoder.canReuseRecords) return
    for (const place of [this.#headPlace, this.#takenPlace])
      place.passing = new PassingRecord(this.topic, this.partition)
  }

  /** The offset to commit: that of the head, else after all that was added; `undefined` before anything was. */
  get committableOffset(): number | undefined {
    return this.hasHead ? this.#headPlace.offset : this.nextOffset
  }

  add(sources: readonly RecordSource[], byteLength: number, nextOffset: number): void {
    this.nextOffset = nextOffset
    if (sources.length === 0) return
    this.#fetched.push({ sources, byteLength })
    this.byteLength += byteLength
    if (!this.hasHead) this.#advance()
  }

  /**
   * Takes the head; the next record is decoded before this one is processed.
   * @throws what made the head undecodable; that record counts as taken then.
   */
  take(): FlowRecord {
    const head = this.#head
    const failure = this.#failure
    const place = this.#headPlace
    this.#headPlace = this.#takenPlace
    this.#takenPlace = place
    if (failure === undefined && this.dueMs > this.partitionTimeMs)
      this.partitionTimeMs = this.dueMs
    this.#advance()
    if (failure !== undefined) throw failure.error
    return head!
  }

  /** A copy of the bytes of the record that was taken last. */
  takenBytes(): SourceBytes {
    const { buffer, keyStart, keyEnd, valueStart, valueEnd, offset, timestampMs, headers } =
      this.#takenPlace
    return {
      topic: this.topic,
      partition: this.partition,
      offset,
      timestampMs,
      key: keyStart < 0 ? null : new Uint8Array(buffer.subarray(keyStart, keyEnd)),
      value: valueStart < 0 ? null : new Uint8Array(buffer.subarray(valueStart, valueEnd)),
      headers,
    }
  }

  #advance(): void {
    this.#head = undefined
    this.#failure = undefined
    for (;;) {
      const fetched = this.#fetched[0]
      if (fetched === undefined) return
      const source = fetched.sources[this.#batch]
      if (source === undefined) {
        this.#fetched.shift()
        this.#batch = 0
        this.byteLength -= fetched.byteLength
        continue
      }
      if (!source.next()) {
        this.#batch++
        continue
      }
      if (this.#decodeHead(source)) return
    }
  }

  #decodeHead(source: RecordSource): boolean {
    const place = this.#headPlace
    place.buffer = source.buffer
    place.offset = source.offset
    place.timestampMs = source.timestampMs
    place.keyStart = source.keyStart
    place.keyEnd = source.keyEnd
    place.valueStart = source.valueStart
    place.valueEnd = source.valueEnd
    try {
      const head = this.#decoder.decode(source, this.partitionTimeMs, place.passing)
      if (head === undefined) return false
      place.headers = head.headers.entries
      this.dueMs = head.timestampMs
      this.#head = head
    } catch (error) {
      this.dueMs = Math.max(0, source.timestampMs)
      this.#failure = { error }
    }
    return true
  }
}
