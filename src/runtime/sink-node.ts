// The last node of a path: chooses topic and partition and writes the record into a batch. Failures
// to write go to the production handler; nothing above a sink is asked about them.
import { ProcessingError } from '../errors.js'
import type { Serializer } from '../serde/serde.js'
import { serdeTraits } from '../serde/serde-traits.js'
import type { NodeProcessor } from '../topology/processor.js'
import type { FlowRecord } from '../topology/stream-record.js'
import type { SinkNode } from '../topology/topology-node.js'
import { partitionOfKey } from '../kafka/partitioner.js'
import { reasonOf } from './error-handlers.js'
import { RecordTooLargeError, type RecordCollector, type TopicWriter } from './record-collector.js'
import { dropUnsent, type UnsentHost } from './unsent-record.js'
import { wrongAnswer } from './wrong-answer.js'

/** What a sink needs of its task. */
export interface SinkHost extends UnsentHost {
  readonly collector: RecordCollector
  /** A topic's name in the log: internal topics carry the application id. */
  topicName(name: string): string
}

/** Runs a sink node. */
export class SinkProcessor implements NodeProcessor {
  readonly #sink: SinkNode
  readonly #host: SinkHost
  readonly #collector: RecordCollector
  readonly #writer: TopicWriter | undefined
  /** Windowed keys choose the partition by their inner key alone. */
  readonly #windowBytes: number

  constructor(sink: SinkNode, host: SinkHost) {
    this.#sink = sink
    this.#host = host
    this.#collector = host.collector
    this.#windowBytes = serdeTraits(sink.key).windowBytes ?? 0
    if (typeof sink.topic === 'string')
      this.#writer = host.collector.writer(host.topicName(sink.topic))
  }

  /** Asks for the partitions of the topic that is always written to, before processing begins. */
  async prepare(): Promise<void> {
    if (this.#writer !== undefined) await this.#ask(this.#writer)
  }

  process(record: FlowRecord<any, any>): void | Promise<void> {
    const writer = this.#writer ?? this.#chosen(record)
    if (writer.partitions === 0) return this.#ask(writer).then(() => this.#send(writer, record))
    this.#send(writer, record)
  }

  #ask(writer: TopicWriter): Promise<void> {
    return this.#collector.prepare(writer, `${this.#sink.name} writes`)
  }

  #chosen(record: FlowRecord<any, any>): TopicWriter {
    const choose = this.#sink.topic as Exclude<SinkNode['topic'], string>
    const topic: unknown = choose(record.value, record.key, record)
    if (typeof topic !== 'string' || topic === '')
      throw new ProcessingError(
        `the topic chooser of ${this.#sink.name} must return a topic name, not ${wrongAnswer(topic)}`,
      )
    return this.#collector.writer(this.#host.topicName(topic))
  }

  #send(writer: TopicWriter, record: FlowRecord<any, any>): void {
    const collector = this.#collector
    const { key, value, timestampMs, headers } = record
    if (!(timestampMs >= 0))
      return this.#failed(record, writer.topic, 'record', `its timestamp is ${timestampMs}`)
    let keyEnd: number
    try {
      keyEnd = collector.writeKey(this.#sink.key, key, writer.topic, headers)
    } catch (error) {
      return this.#failed(record, writer.topic, 'key', reasonOf(error), error)
    }
    const { partitioner } = this.#sink
    if (partitioner !== undefined) {
      const chosen = partitioner(value, key, writer.topic, writer.partitions)
      if (chosen !== undefined) return this.#multicast(writer, record, keyEnd, chosen)
    }
    const partition =
      keyEnd < 0
        ? collector.keylessPartition(writer)
        : partitionOfKey(collector.keyBytes, writer.partitions, 0, keyEnd - this.#windowBytes)
    this.#sendTo(writer, partition, record, keyEnd)
  }

  #multicast(
    writer: TopicWriter,
    record: FlowRecord<any, any>,
    keyEnd: number,
    chosen: unknown,
  ): void {
    const partitions = (typeof chosen === 'number' ? [chosen] : chosen) as readonly number[]
    if (!Array.isArray(partitions))
      throw new ProcessingError(
        `the partitioner of ${this.#sink.name} returned ${wrongAnswer(chosen)}: return a partition, a list of them, or undefined for the default`,
      )
    if (partitions.length === 0) return this.#host.dropped(this.#sink.name, 'no partition', record)
    // All of them first: a record goes to every partition that was chosen, or to none.
    for (const partition of partitions)
      if (!(Number.isInteger(partition) && partition >= 0 && partition < writer.partitions))
        throw new ProcessingError(
          `the partitioner of ${this.#sink.name} chose partition ${wrongAnswer(partition)} of ${writer.topic}, which has ${writer.partitions}`,
        )
    for (const partition of partitions.length === 1 ? partitions : new Set(partitions))
      this.#sendTo(writer, partition, record, keyEnd)
  }

  #sendTo(
    writer: TopicWriter,
    partition: number,
    record: FlowRecord<any, any>,
    keyEnd: number,
  ): void {
    const serializer: Serializer<unknown> = this.#sink.value
    try {
      this.#collector.send(
        writer,
        partition,
        record.timestampMs,
        keyEnd,
        serializer,
        record.value,
        record.headers,
      )
    } catch (error) {
      if (error instanceof RecordTooLargeError)
        return this.#failed(record, writer.topic, 'record', error.message, error)
      if (isKafkaFailure(error)) throw error
      this.#failed(record, writer.topic, 'value', reasonOf(error), error)
    }
  }

  #failed(
    record: FlowRecord<any, any>,
    topic: string,
    part: 'key' | 'value' | 'record',
    reason: string,
    cause?: unknown,
  ): void {
    dropUnsent(this.#host, { name: this.#sink.name, topic, part, reason, cause, record })
  }
}

const isKafkaFailure = (error: unknown): boolean =>
  typeof error === 'object' &&
  error !== null &&
  (error as { code?: unknown }).code === 'STREAMS_KAFKA'
