// Where records leave a thread: keys and values are written straight into the batch of their
// partition, and batches are handed to the producer when they are full or when the loop runs dry.
// One collector serves all tasks of a thread, because one transaction does.
import type { Clock } from '../clock.js'
import { MissingTopicError } from '../errors.js'
import { KafkaError, type Producer } from '../kafka/client.js'
import { RecordBatchBuilder } from '../kafka/record-batch.js'
import {
  headerEntries,
  noHeaders,
  type HeaderEntry,
  type RecordHeaders,
} from '../serde/record-headers.js'
import type { Serializer } from '../serde/serde.js'

/** What is sent, as tests see it. A null timestamp is left to the producer. */
export type OnSend = (
  topic: string,
  partition: number,
  key: Uint8Array | null,
  value: Uint8Array | null,
  timestampMs: number | null,
  headers: readonly HeaderEntry[],
) => void

/** Where records go, and the sizes of batches. */
export interface RecordCollectorOptions {
  readonly producer: Pick<
    Producer,
    'partitionCount' | 'send' | 'flush' | 'pendingBytes' | 'drained'
  >
  readonly clock: Clock
  /** A batch of this size leaves at once, default 131,072. */
  readonly batchBytes?: number | undefined
  /** A record above this size is refused before it is sent: `maxRequestSize`, default 1,048,576. */
  readonly maxRecordBytes?: number | undefined
  /** For tests: sees each record before it is sent. */
  readonly onSend?: OnSend | undefined
}

/** A batch of several must stay below the broker's default `max.message.bytes`, 1,048,588. */
const sharedBatchBytes = 1_000_000

/** A record is larger than the log would take. */
export class RecordTooLargeError extends RangeError {
  override readonly name = 'RecordTooLargeError'
}

/** The partitions of one topic with their open batches. */
export class TopicWriter {
  /** 0 until `prepare` has asked the log. */
  partitions = 0
  readonly builders: (RecordBatchBuilder | undefined)[] = []
  /** Per partition the offset after the last acknowledged record. */
  readonly acknowledged: number[] = []
  /** The partition that records without a key go to for now. */
  keyless = 0

  constructor(readonly topic: string) {}
}

/** Collects what the tasks of a thread send. */
export class RecordCollector {
  readonly #producer: RecordCollectorOptions['producer']
  readonly #clock: Clock
  readonly #batchBytes: number
  readonly #maxRecordBytes: number
  readonly #maxBatchBytes: number
  readonly #onSend: OnSend | undefined
  readonly #writers = new Map<string, TopicWriter>()
  readonly #open: { writer: TopicWriter; partition: number }[] = []
  #key = Buffer.allocUnsafeSlow(1024)
  #openSinceMs = -1

  constructor(options: RecordCollectorOptions) {
    this.#producer = options.producer
    this.#clock = options.clock
    this.#maxRecordBytes = options.maxRecordBytes ?? 1_048_576
    this.#maxBatchBytes = Math.min(sharedBatchBytes, this.#maxRecordBytes)
    this.#batchBytes = Math.min(options.batchBytes ?? 131_072, this.#maxBatchBytes)
    this.#onSend = options.onSend
  }

  /** The writer of a topic, the same one each time; `prepare` makes it usable. */
  writer(topic: string): TopicWriter {
    let writer = this.#writers.get(topic)
    if (writer === undefined) this.#writers.set(topic, (writer = new TopicWriter(topic)))
    return writer
  }

  /**
   * Asks for the number of partitions, once per topic; `role` says who writes it.
   * @throws MissingTopicError when the topic does not exist, KafkaError
   */
  async prepare(writer: TopicWriter, role: string): Promise<void> {
    if (writer.partitions > 0) return
    const { topic } = writer
    try {
      writer.partitions = await this.#producer.partitionCount(topic)
    } catch (cause) {
      if (!(cause instanceof KafkaError && cause.kind === 'unknownTopic')) throw cause
      const text = `topic ${topic}, which ${role}, does not exist: create it and start again`
      throw new MissingTopicError(text, { cause })
    }
  }

  /** Bytes of batches that the producer does not have yet, or has and are not acknowledged. */
  get pendingBytes(): number {
    let bytes = this.#producer.pendingBytes
    for (const { writer, partition } of this.#open) bytes += writer.builders[partition]!.byteLength
    return bytes
  }

  /** Since when the oldest open batch waits, ms; -1 without one. */
  get openSinceMs(): number {
    return this.#open.length === 0 ? -1 : this.#openSinceMs
  }

  /**
   * Writes a key into the scratch buffer, where it stays until the next call; returns its end there,
   * -1 for null. The bytes are `keyBytes`.
   */
  writeKey<K>(
    serializer: Serializer<K>,
    key: K | null,
    topic: string,
    headers: RecordHeaders,
  ): number {
    if (key === null) return -1
    if (serializer.write === undefined) {
      const bytes = serializer.serialize(key, topic, headers)
      if (bytes.length > this.#key.length) this.#key = Buffer.allocUnsafeSlow(bytes.length * 2)
      this.#key.set(bytes)
      return bytes.length
    }
    let end = serializer.write(this.#key, 0, key)
    while (end < 0) {
      if (this.#key.length > 1 << 28)
        throw new RecordTooLargeError(`a key of ${topic} is too large`)
      this.#key = Buffer.allocUnsafeSlow(this.#key.length * 2)
      end = serializer.write(this.#key, 0, key)
    }
    return end
  }

  /** The scratch buffer of `writeKey`. */
  get keyBytes(): Uint8Array {
    return this.#key
  }

  /** The partition that a record without a key goes to. */
  keylessPartition(writer: TopicWriter): number {
    return writer.keyless % writer.partitions
  }

  /**
   * Sends a record whose key was written by `writeKey` and whose value is written in place.
   * @throws what the serializer throws, RecordTooLargeError; nothing is sent then.
   */
  send<V>(
    writer: TopicWriter,
    partition: number,
    timestampMs: number,
    keyEnd: number,
    serializer: Serializer<V>,
    value: V | null,
    headers: RecordHeaders,
  ): void {
    if (this.#onSend !== undefined) {
      const key = keyEnd < 0 ? null : new Uint8Array(this.#key.subarray(0, keyEnd))
      const bytes = value === null ? null : serialized(serializer, value, writer.topic, headers)
      return this.sendBytes(writer, partition, timestampMs, key, bytes, headerEntries(headers))
    }
    const key = keyEnd < 0 ? null : this.#key
    let builder = this.#builder(writer, partition)
    builder.appendWith(timestampMs, key, 0, keyEnd, serializer, value, writer.topic, headers)
    if (builder.byteLength < this.#batchBytes) return
    if (builder.byteLength > this.#maxBatchBytes) {
      if (builder.count > 1) {
        builder.removeLast()
        this.#handOver(writer, partition)
        builder = this.#builder(writer, partition)
        builder.appendWith(timestampMs, key, 0, keyEnd, serializer, value, writer.topic, headers)
      }
      this.#checkSize(writer, partition, builder)
    }
    if (builder.byteLength >= this.#batchBytes) this.#handOver(writer, partition)
  }

  /** Sends a record of bytes, such as a changelog's. @throws RecordTooLargeError */
  sendBytes(
    writer: TopicWriter,
    partition: number,
    timestampMs: number | null,
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers: readonly HeaderEntry[] = noHeaders,
  ): void {
    const timeMs = timestampMs ?? this.#clock.nowMs()
    let builder = this.#builder(writer, partition)
    const size = (key?.length ?? 0) + (value?.length ?? 0)
    if (builder.count > 0 && builder.byteLength + size > this.#maxBatchBytes) {
      this.#handOver(writer, partition)
      builder = this.#builder(writer, partition)
    }
    builder.append(timeMs, key, value, headers)
    if (builder.byteLength > this.#maxBatchBytes) this.#checkSize(writer, partition, builder)
    // Who looks on may keep what it sees; a key may lie where the next one will.
    if (this.#onSend !== undefined) {
      const seen = key === null ? null : new Uint8Array(key)
      this.#onSend(writer.topic, partition, seen, value, timestampMs, headers)
    }
    if (builder.byteLength >= this.#batchBytes) this.#handOver(writer, partition)
  }

  /** Hands every open batch to the producer. */
  handOver(): void {
    for (const { writer, partition } of this.#open.splice(0)) this.#deliver(writer, partition)
  }

  /** Hands over and waits until all is acknowledged. @throws KafkaError */
  async flush(): Promise<void> {
    this.handOver()
    await this.#producer.flush()
  }

  /** Waits until at most `bytes` are unsent. */
  async drained(bytes: number): Promise<void> {
    this.handOver()
    await this.#producer.drained(bytes)
  }

  /** Forgets open batches, after an abort. */
  discard(): void {
    // Not only those in the list: a send that threw may have left others behind.
    this.#open.length = 0
    for (const writer of this.#writers.values()) {
      writer.builders.length = 0
      writer.acknowledged.length = 0
    }
  }

  #builder(writer: TopicWriter, partition: number): RecordBatchBuilder {
    const builder = writer.builders[partition]
    if (builder !== undefined) return builder
    if (this.#open.length === 0) this.#openSinceMs = this.#clock.nowMs()
    this.#open.push({ writer, partition })
    return (writer.builders[partition] = new RecordBatchBuilder())
  }

  #checkSize(writer: TopicWriter, partition: number, builder: RecordBatchBuilder): void {
    const bytes = builder.byteLength
    if (bytes <= this.#maxRecordBytes) return
    builder.removeLast()
    if (builder.count === 0) this.#forget(writer, partition)
    throw new RecordTooLargeError(
      `the record for ${writer.topic}-${partition} has ${bytes} bytes, more than maxRequestSize, ${this.#maxRecordBytes}: raise it, and max.message.bytes of the topic with it`,
    )
  }

  #handOver(writer: TopicWriter, partition: number): void {
    this.#dropFromOpen(writer, partition)
    this.#deliver(writer, partition)
  }

  #forget(writer: TopicWriter, partition: number): void {
    this.#dropFromOpen(writer, partition)
    writer.builders[partition] = undefined
  }

  #dropFromOpen(writer: TopicWriter, partition: number): void {
    const at = this.#open.findIndex((o) => o.writer === writer && o.partition === partition)
    if (at >= 0) this.#open.splice(at, 1)
  }

  #deliver(writer: TopicWriter, partition: number): void {
    const builder = writer.builders[partition]!
    writer.builders[partition] = undefined
    writer.keyless++
    const { count } = builder
    if (count === 0) return
    this.#producer.send({ topic: writer.topic, partition }, builder, (baseOffset) => {
      writer.acknowledged[partition] = baseOffset + count
    })
  }
}

const serialized = <V>(
  serializer: Serializer<V>,
  value: V,
  topic: string,
  headers: RecordHeaders,
): Uint8Array => serializer.serialize(value, topic, headers)
