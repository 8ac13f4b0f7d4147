// Appends batches in the order they were handed over. In memory and without faults that takes no
// wait at all: `flush` appends what is left and has nothing to wait for.
import {
  KafkaError,
  type Producer,
  type ProducerOptions,
  type TopicPartition,
} from '../kafka/client.js'
import type { BatchIdentity, RecordBatchBuilder } from '../kafka/record-batch.js'
import type { LogTopic } from './embedded-log.js'
import type { LogConnection } from './log-connection.js'
import type { PartitionLog } from './partition-log.js'

interface Handed {
  readonly partition: TopicPartition
  readonly batch: RecordBatchBuilder
  readonly bytes: number
  readonly acknowledged: ((baseOffset: number) => void) | undefined
}

/** Below half of `Buffer.poolSize` a buffer comes from the pool. */
const pooledBytes = 4096
const maxSequence = 2 ** 31

export class EmbeddedProducer implements Producer {
  protected readonly connection: LogConnection
  readonly #done: () => void
  readonly #compression: 'none' | 'gzip'
  readonly #sequences = new Map<PartitionLog, number>()
  #producerId = -1
  #queue: Handed[] = []
  #draining = false
  #pendingBytes = 0
  #waiters: { readonly bytes: number; readonly resolve: () => void }[] = []
  #error: unknown = undefined
  #closed = false

  constructor(connection: LogConnection, options: ProducerOptions, done: () => void) {
    this.connection = connection
    this.#done = done
    this.#compression = options.compression ?? 'none'
  }

  async partitionCount(topic: string): Promise<number> {
    return this.connection.call('admin.describeTopics', () => {
      return this.connection.log.topic(topic).partitions.length
    })
  }

  send(
    partition: TopicPartition,
    batch: RecordBatchBuilder,
    acknowledged?: (baseOffset: number) => void,
  ): void {
    this.checkOpen()
    const bytes = batch.byteLength
    this.#pendingBytes += bytes
    this.#queue.push({ partition, batch, bytes, acknowledged })
    if (this.#draining) return
    this.#draining = true
    // Not in this turn: an acknowledgement never comes before `send` has returned.
    if (this.connection.immediate) queueMicrotask(() => this.#drainNow())
    else void this.#drain()
  }

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  drained(bytes: number): Promise<void> {
    this.#drainIfImmediate()
    if (this.#pendingBytes <= bytes || this.#error !== undefined) return Promise.resolve()
    return new Promise((resolve) => this.#waiters.push({ bytes, resolve }))
  }

  async flush(): Promise<void> {
    this.#drainIfImmediate()
    while (this.#pendingBytes > 0)
      await new Promise<void>((resolve) => this.#waiters.push({ bytes: 0, resolve }))
    this.throwError()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#done()
  }

  /** Sets who sends; sequences begin at 0. */
  protected identify(producerId: number): void {
    this.#producerId = producerId
    this.#sequences.clear()
  }

  protected get epoch(): number {
    return 0
  }

  protected get transactional(): boolean {
    return false
  }

  /** Before a batch is appended. @throws KafkaError when it may not be. */
  protected admit(_partition: PartitionLog): void {
    if (this.#producerId < 0) this.#producerId = this.connection.log.newProducerId()
  }

  /** After an error: whether batches that were handed over later may still be appended. */
  protected get survivesErrors(): boolean {
    return true
  }

  /** The first error, once, for those who go on after it. */
  protected throwError(): void {
    const error = this.#error
    if (error === undefined) return
    if (this.survivesErrors) this.#error = undefined
    throw error
  }

  protected get error(): unknown {
    return this.#error
  }

  protected fail(error: unknown): void {
    this.#error ??= error
  }

  protected clearError(): void {
    this.#error = undefined
  }

  protected checkOpen(): void {
    if (this.#closed) throw new KafkaError('the producer is closed', 'fatal')
    this.throwError()
  }

  /** Gives up what is not appended yet. */
  protected discardQueue(): void {
    for (const { bytes } of this.#queue.splice(0)) this.#pendingBytes -= bytes
    this.#release()
  }

  #drainIfImmediate(): void {
    if (this.#draining && this.connection.immediate) this.#drainNow()
  }

  #drainNow(): void {
    if (this.connection.killed) return
    for (let handed = this.#queue.shift(); handed; handed = this.#queue.shift()) {
      try {
        const { partition, baseOffset } = this.#append(handed)
        partition.advance(partition.endOffset)
        this.#settled(handed, baseOffset)
      } catch (error) {
        this.#failed(handed, error)
      }
    }
    this.#draining = false
  }

  async #drain(): Promise<void> {
    for (let handed = this.#queue.shift(); handed; handed = this.#queue.shift()) {
      const each = handed
      try {
        // Each waits for its turn at the log, not for the disk, so that batches share a sync.
        const synced = await this.connection.call('produce.append', () => {
          const { partition, baseOffset } = this.#append(each)
          const end = partition.endOffset
          const done = this.connection.log.journal.synced(() => partition.advance(end))
          return { done, baseOffset }
        })
        if (synced.done === undefined) this.#settled(each, synced.baseOffset)
        else
          synced.done.then(
            () => this.#settled(each, synced.baseOffset),
            (error: unknown) => this.#failed(each, error),
          )
      } catch (error) {
        this.#failed(each, error)
      }
    }
    this.#draining = false
  }

  #append({ partition, batch }: Handed): {
    readonly partition: PartitionLog
    readonly baseOffset: number
  } {
    const log = this.connection.log.partition(partition.topic, partition.partition)
    this.admit(log)
    const sequence = this.#sequences.get(log) ?? 0
    const bytes = this.#finish(batch, sequence, this.connection.log.topic(partition.topic))
    const baseOffset = log.append(bytes)
    this.#sequences.set(log, (sequence + batch.count) % maxSequence)
    return { partition: log, baseOffset }
  }

  #finish(batch: RecordBatchBuilder, baseSequence: number, topic: LogTopic): Buffer {
    const identity: BatchIdentity = {
      producerId: this.#producerId,
      producerEpoch: this.epoch,
      baseSequence,
      transactional: this.transactional,
      compression: this.#compression,
    }
    const bytes = batch.finish(identity)
    if (bytes.length > topic.maxBatchBytes)
      throw new KafkaError(
        `a batch of ${bytes.length} bytes exceeds max.message.bytes of topic ${topic.name}, ${topic.maxBatchBytes}`,
        'tooLarge',
        10,
      )
    // The builder's buffer is up to twice as large as what is in it; small copies share a pool.
    return bytes.length < pooledBytes || bytes.buffer.byteLength > bytes.length * 1.25
      ? Buffer.from(bytes)
      : bytes
  }

  #settled(handed: Handed, baseOffset: number): void {
    this.#pendingBytes -= handed.bytes
    handed.acknowledged?.(baseOffset)
    this.#release()
  }

  #failed(handed: Handed, error: unknown): void {
    this.#error ??= error
    this.#pendingBytes -= handed.bytes
    if (!this.survivesErrors) this.discardQueue()
    this.#release()
  }

  #release(): void {
    if (this.#waiters.length === 0) return
    const failed = this.#error !== undefined
    const ready = this.#waiters.filter((w) => this.#pendingBytes <= w.bytes || failed)
    this.#waiters = this.#waiters.filter((w) => !ready.includes(w))
    for (const { resolve } of ready) resolve()
  }
}
