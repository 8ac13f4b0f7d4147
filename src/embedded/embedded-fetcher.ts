// Reads the log where it lies. Nothing is fetched ahead, so `poll` always tells the present: what
// was removed or sought away cannot arrive late.
import type { Timer } from '../clock.js'
import {
  KafkaError,
  OffsetOutOfRangeError,
  partitionKey,
  type FetchedRecords,
  type Fetcher,
  type FetcherOptions,
  type TopicPartition,
} from '../kafka/client.js'
import { RecordReader } from '../kafka/record-batch.js'
import type { LogConnection } from './log-connection.js'
import type { LogReader, PartitionLog } from './partition-log.js'

const defaultPartitionBytes = 1_048_576

interface Position {
  readonly partition: TopicPartition
  /** `undefined` when there is no such partition. */
  readonly log: PartitionLog | undefined
  offset: number
  paused: boolean
  /** Set once its error was thrown: it stands still until added anew. */
  failed: boolean
}

export class EmbeddedFetcher implements Fetcher, LogReader {
  readonly #connection: LogConnection
  readonly #done: () => void
  readonly #committed: boolean
  readonly #partitionBytes: number
  readonly #positions = new Map<string, Position>()
  #order: Position[] = []
  #next = 0
  #wakeUps: (() => void)[] = []
  #woken = false
  #closed = false

  constructor(connection: LogConnection, options: FetcherOptions, done: () => void) {
    this.#connection = connection
    this.#done = done
    this.#committed = options.isolation === 'read_committed'
    this.#partitionBytes = options.maxPartitionBytes ?? defaultPartitionBytes
  }

  add(partition: TopicPartition, offset: number): void {
    this.remove(partition)
    const log = this.#connection.log.topics.get(partition.topic)?.partitions[partition.partition]
    log?.readers.add(this)
    const position = { partition, log, offset, paused: false, failed: false }
    this.#positions.set(partitionKey(partition), position)
    this.#order.push(position)
    this.#notify()
  }

  remove(partition: TopicPartition): void {
    const position = this.#positions.get(partitionKey(partition))
    if (position === undefined) return
    position.log?.readers.delete(this)
    this.#positions.delete(partitionKey(partition))
    this.#order = this.#order.filter((p) => p !== position)
  }

  pause(partition: TopicPartition): void {
    const position = this.#positions.get(partitionKey(partition))
    if (position !== undefined) position.paused = true
  }

  resume(partition: TopicPartition): void {
    const position = this.#positions.get(partitionKey(partition))
    if (position === undefined || !position.paused) return
    position.paused = false
    this.#notify()
  }

  poll(): FetchedRecords | undefined {
    if (this.#closed || this.#connection.killed) return undefined
    const count = this.#order.length
    for (let n = 0; n < count; n++) {
      const at = (this.#next + n) % count
      const position = this.#order[at]!
      if (!this.#ready(position)) continue
      this.#next = (at + 1) % count
      return this.#read(position)
    }
    return undefined
  }

  async wait(timeoutMs: number): Promise<void> {
    if (this.#closed) return
    await this.#connection.call('fetch.wait', () => this.#wait(timeoutMs))
  }

  wake(): void {
    this.#woken = true
    this.#notify()
  }

  position(partition: TopicPartition): number | undefined {
    return this.#positions.get(partitionKey(partition))?.offset
  }

  endOffset(partition: TopicPartition): number | undefined {
    const log = this.#positions.get(partitionKey(partition))?.log
    return log === undefined ? undefined : this.#endOf(log)
  }

  logAdvanced(): void {
    if (this.#wakeUps.length > 0 && this.#anyReady()) this.#notify()
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const { log } of this.#order) log?.readers.delete(this)
    this.#positions.clear()
    this.#order = []
    this.#done()
    this.#notify()
  }

  #wait(timeoutMs: number): Promise<void> | void {
    if (this.#woken || this.#anyReady()) {
      this.#woken = false
      return
    }
    return new Promise((resolve) => {
      let timer: Timer | undefined = undefined
      this.#wakeUps.push(() => {
        timer?.cancel()
        this.#woken = false
        resolve()
      })
      timer = this.#connection.clock.setTimer(timeoutMs, () => this.#notify())
    })
  }

  #notify(): void {
    const wakeUps = this.#wakeUps
    if (wakeUps.length === 0) return
    this.#wakeUps = []
    for (const wakeUp of wakeUps) wakeUp()
  }

  #anyReady(): boolean {
    return this.#order.some((position) => this.#ready(position))
  }

  #endOf(log: PartitionLog): number {
    return this.#committed ? log.lastStableOffset : log.highWatermark
  }

  /** Whether `poll` has something to give or to throw. */
  #ready(position: Position): boolean {
    if (position.paused || position.failed) return false
    const { log, offset } = position
    if (log === undefined || log.deleted) return true
    return offset < this.#endOf(log) || isOutside(log, offset)
  }

  #read(position: Position): FetchedRecords {
    const { log, partition } = position
    if (log === undefined || log.deleted) {
      position.failed = true
      throw new KafkaError(`partition ${partitionKey(partition)} does not exist`, 'unknownTopic', 3)
    }
    if (isOutside(log, position.offset)) {
      position.failed = true
      throw new OffsetOutOfRangeError(partition, position.offset)
    }
    const end = this.#endOf(log)
    const batches: RecordReader[] = []
    let byteLength = 0
    let nextOffset = position.offset
    for (let n = log.indexOf(position.offset); n < log.batches.length; n++) {
      const batch = log.batches[n]!
      const { header } = batch
      if (header.baseOffset >= end) break
      const skipped = batch.marker !== undefined || (this.#committed && batch.aborted)
      if (!skipped) {
        if (byteLength > 0 && byteLength + header.end > this.#partitionBytes) break
        byteLength += header.end
        batches.push(new RecordReader(log.bytesOf(batch), header, position.offset))
      }
      nextOffset = header.lastOffset + 1
    }
    position.offset = nextOffset
    return { topic: log.topic, partition: log.partition, batches, nextOffset, byteLength }
  }
}

const isOutside = (log: PartitionLog, offset: number): boolean =>
  offset < log.startOffset || offset > log.highWatermark
