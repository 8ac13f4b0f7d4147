// One partition: its batches, where it begins and ends, and which transactions are open in it.
// Readers see what lies below the high watermark, which follows what is synced; a read-committed
// one stops below the first record of an open transaction, at the last stable offset.
import {
  asBuffer,
  assignBaseOffset,
  encodeMarker,
  readBatchHeader,
  type BatchHeader,
  type MarkerType,
} from '../kafka/record-batch.js'
import type { Journal } from './journal.js'
import { int64s, row } from './log-rows.js'

/** A batch in the log. */
export interface LogBatch {
  readonly header: BatchHeader
  readonly marker: MarkerType | undefined
  /** Set when its transaction was aborted. */
  aborted: boolean
  /** Left out of memory when it is on the disk and others were used since. */
  bytes: Buffer | undefined
}

interface OpenTransaction {
  readonly firstOffset: number
  readonly batches: LogBatch[]
}

/** Hears when a partition has more to read. */
export interface LogReader {
  logAdvanced(): void
}

/** Keeps the most recent batches of a durable log in memory, all of one in memory. */
export class ResidentBatches {
  readonly #limit: number
  #bytes = 0
  #queue: LogBatch[] = []
  #first = 0

  constructor(limitBytes: number) {
    this.#limit = limitBytes
  }

  add(batch: LogBatch): void {
    this.#queue.push(batch)
    this.#bytes += batch.header.end
    while (this.#bytes > this.#limit && this.#first < this.#queue.length - 1) {
      const oldest = this.#queue[this.#first++]!
      this.#bytes -= oldest.header.end
      oldest.bytes = undefined
    }
    if (this.#first > 1024 && this.#first * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#first)
      this.#first = 0
    }
  }
}

export class PartitionLog {
  readonly topic: string
  readonly partition: number
  readonly readers = new Set<LogReader>()
  readonly #topicNumber: number
  readonly #journal: Journal
  readonly #resident: ResidentBatches
  readonly #open = new Map<number, OpenTransaction>()
  #batches: LogBatch[] = []
  #startOffset = 0
  #endOffset = 0
  #highWatermark = 0
  #deleted = false

  constructor(
    topic: { readonly name: string; readonly number: number },
    partition: number,
    journal: Journal,
    resident: ResidentBatches,
  ) {
    this.topic = topic.name
    this.partition = partition
    this.#topicNumber = topic.number
    this.#journal = journal
    this.#resident = resident
  }

  get startOffset(): number {
    return this.#startOffset
  }

  get highWatermark(): number {
    return this.#highWatermark
  }

  get lastStableOffset(): number {
    // A map keeps the order in which transactions began here, so the first is the lowest.
    for (const { firstOffset } of this.#open.values())
      return Math.min(firstOffset, this.#highWatermark)
    return this.#highWatermark
  }

  /** Whether its topic is gone. */
  get deleted(): boolean {
    return this.#deleted
  }

  get batches(): readonly LogBatch[] {
    return this.#batches
  }

  /**
   * Appends a finished batch, which belongs to the log from then on. Returns its base offset; it can
   * be read once `advance` has been called, which is when the journal is synced.
   */
  append(bytes: Buffer, marker?: MarkerType): number {
    const baseOffset = this.#endOffset
    assignBaseOffset(bytes, baseOffset)
    const header = readBatchHeader(bytes, 0)
    const batch: LogBatch = { header, marker, aborted: false, bytes }
    this.#batches.push(batch)
    this.#endOffset = header.lastOffset + 1
    if (header.transactional && marker === undefined) this.#enlist(batch)
    if (this.#journal.durable) {
      const headerRow = Buffer.alloc(62)
      bytes.copy(headerRow, 0, 0, 61)
      headerRow[61] = marker === undefined ? 0 : marker === 'abort' ? 1 : 2
      this.#journal.put(row.header(this.#topicNumber, this.partition, baseOffset), headerRow)
      this.#journal.put(row.batch(this.#topicNumber, this.partition, baseOffset), bytes)
    }
    return baseOffset
  }

  /** Where the next record goes. */
  get endOffset(): number {
    return this.#endOffset
  }

  /** Lets readers see what lies below `offset`. */
  advance(offset: number): void {
    if (offset <= this.#highWatermark) return
    if (this.#journal.durable) this.#admitResident(offset)
    this.#highWatermark = offset
    for (const reader of this.readers) reader.logAdvanced()
  }

  /** Writes the marker of a transaction; `settle` makes its end visible, when it is synced. */
  mark(type: MarkerType, producerId: number, epoch: number, timestampMs: number): void {
    this.append(encodeMarker(type, producerId, epoch, timestampMs), type)
  }

  /** Ends a transaction in memory, after its marker is synced. */
  settle(type: MarkerType, producerId: number, endOffset: number): void {
    const open = this.#open.get(producerId)
    if (open !== undefined) {
      if (type === 'abort') for (const batch of open.batches) batch.aborted = true
      this.#open.delete(producerId)
    }
    this.advance(endOffset)
  }

  /** Takes a batch over from the disk at a start. */
  restore(header: BatchHeader, marker: MarkerType | undefined): void {
    const batch: LogBatch = { header, marker, aborted: false, bytes: undefined }
    this.#batches.push(batch)
    this.#endOffset = header.lastOffset + 1
    this.#highWatermark = this.#endOffset
    if (marker !== undefined) this.settle(marker, header.producerId, this.#endOffset)
    else if (header.transactional) this.#enlist(batch)
  }

  /** Takes over where the log begins; it may lie above all that is left. */
  restoreStart(offset: number): void {
    this.#startOffset = offset
    this.#endOffset = Math.max(this.#endOffset, offset)
    this.#highWatermark = this.#endOffset
  }

  /** Producers that have a transaction open here, with the epoch of their last batch. */
  openProducers(): { readonly producerId: number; readonly epoch: number }[] {
    return [...this.#open].map(([producerId, { batches }]) => ({
      producerId,
      epoch: batches.at(-1)?.header.producerEpoch ?? 0,
    }))
  }

  /** The place in `batches` of the first batch that reaches `offset`. */
  indexOf(offset: number): number {
    let low = 0
    let high = this.#batches.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#batches[middle]!.header.lastOffset < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The bytes of a batch, from memory or from the disk. */
  bytesOf(batch: LogBatch): Buffer {
    if (batch.bytes !== undefined) return batch.bytes
    const { baseOffset } = batch.header
    const bytes = this.#journal.read(row.batch(this.#topicNumber, this.partition, baseOffset))
    if (bytes === undefined)
      throw new Error(`batch ${baseOffset} of ${this.topic}-${this.partition} is not in the log`)
    return asBuffer(bytes)
  }

  /** Deletes the records below `offset`; a batch goes when all of it lies below. */
  deleteBefore(offset: number): void {
    const start = Math.min(offset, this.#highWatermark)
    if (start <= this.#startOffset) return
    this.#startOffset = start
    const count = this.indexOf(start)
    const kept = this.#batches[count]?.header.baseOffset ?? this.#endOffset
    this.#batches.splice(0, count)
    this.#journal.put(row.start(this.#topicNumber, this.partition), int64s(start))
    this.#deleteRows(kept)
  }

  /** Forgets everything, as its topic is deleted; readers are told so that they can fail. */
  drop(): void {
    this.#deleted = true
    this.#batches = []
    this.#journal.delete(row.start(this.#topicNumber, this.partition))
    this.#deleteRows(this.#endOffset)
    for (const reader of this.readers) reader.logAdvanced()
  }

  #enlist(batch: LogBatch): void {
    const { producerId, baseOffset } = batch.header
    const open = this.#open.get(producerId)
    if (open !== undefined) open.batches.push(batch)
    else this.#open.set(producerId, { firstOffset: baseOffset, batches: [batch] })
  }

  #deleteRows(before: number): void {
    for (const key of [row.header, row.batch])
      this.#journal.deleteRange(
        key(this.#topicNumber, this.partition, 0),
        key(this.#topicNumber, this.partition, before),
      )
  }

  /** Batches may leave memory only from when they are on the disk. */
  #admitResident(offset: number): void {
    for (let n = this.indexOf(this.#highWatermark); n < this.#batches.length; n++) {
      const batch = this.#batches[n]!
      if (batch.header.baseOffset >= offset) return
      if (batch.bytes !== undefined) this.#resident.add(batch)
    }
  }
}
