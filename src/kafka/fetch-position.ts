// Where a fetcher stands in one partition and what has arrived for it. Adding a partition again
// makes a new one, so that an answer to an older question finds that it is not wanted any more.
import { AbortedTransactions, type AbortedTransaction } from './aborted-transactions.js'
import { checkCrc, scanBatches, type BatchHeader } from './batch-header.js'
import type { FetchedRecords, KafkaError } from './client.js'
import { RecordReader } from './record-reader.js'

/** Batches of one answer, scanned but not decoded. */
interface Arrival {
  readonly records: Buffer
  readonly headers: readonly BatchHeader[]
  readonly aborted: readonly AbortedTransaction[]
  readonly fromOffset: number
  readonly nextOffset: number
}

export class FetchPosition {
  readonly topic: string
  readonly partition: number
  readonly key: string
  /** After the last record that was given out. */
  position: number
  /** What is asked for next: ahead of `position` by what has arrived. */
  nextOffset: number
  endOffset: number | undefined
  paused = false
  inFlight = false
  queued = false
  bufferedBytes = 0
  /** Not asked for before this time. */
  notBeforeMs = 0
  /** Since when the topic is not found. */
  missingSinceMs: number | undefined
  /** The topic's identity at the first look. */
  topicId: string | undefined
  /** How often in a row its bytes were damaged. */
  damaged = 0
  /** What `poll` throws once all that came before is given out. */
  failure: KafkaError | undefined
  /** After a failure nothing is asked for any more. */
  stopped = false
  readonly #arrivals: Arrival[] = []

  constructor(topic: string, partition: number, key: string, offset: number) {
    this.topic = topic
    this.partition = partition
    this.key = key
    this.position = this.nextOffset = offset
  }

  /** Whether `poll` has something to give or to throw. */
  get ready(): boolean {
    return this.#arrivals.length > 0 || this.failure !== undefined
  }

  fail(error: KafkaError): void {
    this.failure ??= error
    this.stopped = true
  }

  /** Takes an answer in by its batch headers. @throws KafkaError when they make no sense. */
  arrive(records: Buffer, aborted: readonly AbortedTransaction[]): void {
    const headers = scanBatches(records)
    const last = headers.at(-1)
    if (!last) return
    const fromOffset = this.nextOffset
    const nextOffset = Math.max(fromOffset, last.lastOffset + 1)
    this.#arrivals.push({ records, headers, aborted, fromOffset, nextOffset })
    this.nextOffset = nextOffset
    this.bufferedBytes += records.length
  }

  /**
   * Gives out what arrived first, with one reader a batch.
   * @throws KafkaError when a checksum differs, ConfigError when a codec is not installed; the
   * position stays then.
   */
  take(committedOnly: boolean): FetchedRecords | undefined {
    const arrival = this.#arrivals[0]
    if (!arrival) return undefined
    const { records, headers, fromOffset, nextOffset } = arrival
    const aborted = committedOnly ? new AbortedTransactions(arrival.aborted) : undefined
    const batches: RecordReader[] = []
    for (const header of headers) {
      checkCrc(records, header)
      const skipped = aborted?.covers(records, header) ?? false
      if (skipped || header.control || header.count === 0 || header.lastOffset < fromOffset)
        continue
      batches.push(new RecordReader(records, header, fromOffset))
    }
    this.#arrivals.shift()
    this.bufferedBytes -= records.length
    this.position = nextOffset
    const { topic, partition } = this
    return { topic, partition, batches, nextOffset, byteLength: records.length }
  }

  /** Forgets what has arrived. */
  drop(): void {
    this.#arrivals.length = 0
    this.bufferedBytes = 0
  }

  /** A new one in its place that asks again for all that was not given out. */
  again(): FetchPosition {
    const again = new FetchPosition(this.topic, this.partition, this.key, this.position)
    again.endOffset = this.endOffset
    again.topicId = this.topicId
    again.damaged = this.damaged + 1
    return again
  }
}
