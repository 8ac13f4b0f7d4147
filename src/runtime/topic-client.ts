// Writes records into topics and reads them back, outside of any topology: how an embedded log gets
// its data, and how examples and tools look at results. It is no consumer: it belongs to no group,
// and a read ends where the topic ended when it began.
import { type Clock, systemClock } from '../clock.js'
import { MissingTopicError } from '../errors.js'
import { partitionKey, type Client, type Producer, type TopicPartition } from '../kafka/client.js'
import { partitionOfKey } from '../kafka/partitioner.js'
import { RecordBatchBuilder, type RecordReader } from '../kafka/record-batch.js'
import { HeaderList, recordHeaders, type HeadersInit } from '../serde/record-headers.js'
import type { RecordHeaders } from '../serde/record-headers.js'
import type { Deserializer, Serializer } from '../serde/serde.js'

/** A topic to create; `partitions` is 1 unless said. */
export interface TopicToCreate {
  readonly name: string
  readonly partitions?: number | undefined
  readonly configs?: Readonly<Record<string, string>> | undefined
}

/** A record to write; without `timestampMs` it gets the current time. */
export interface RecordToSend<K, V> {
  readonly key: K | null
  readonly value: V | null
  readonly timestampMs?: number | undefined
  readonly headers?: HeadersInit | undefined
  /** Without it murmur2 of the key decides, as in Java; records without a key go to partition 0. */
  readonly partition?: number | undefined
}

/** A record that was read. */
export interface TopicRecord<K, V> {
  readonly key: K | null
  readonly value: V | null
  readonly timestampMs: number
  readonly headers: RecordHeaders
  readonly partition: number
  readonly offset: number
}

interface Written<K, V> {
  readonly name: string
  readonly key: Serializer<K>
  readonly value: Serializer<V>
}
interface Read<K, V> {
  readonly name: string
  readonly key: Deserializer<K>
  readonly value: Deserializer<V>
}

/** A batch of this size leaves at once, in bytes. */
const batchBytes = 131_072

/** Reads and writes topics; see `topicClient`. */
export class TopicClient {
  readonly #client: Promise<Client>
  readonly #clock: Clock
  #producer: Producer | undefined

  constructor(client: Client | Promise<Client>, clock: Clock = systemClock) {
    this.#client = Promise.resolve(client)
    this.#client.catch(() => {}) // each method rejects with it
    this.#clock = clock
  }

  /** Creates topics; those that exist stay as they are. */
  async createTopics(topics: readonly (string | TopicToCreate)[]): Promise<void> {
    const { admin } = await this.#client
    const wanted = topics.map((t) => (typeof t === 'string' ? { name: t } : t))
    await admin.createTopics(
      wanted.map(({ name, partitions = 1, configs = {} }) => ({
        name,
        partitions,
        replicationFactor: -1,
        configs,
      })),
    )
  }

  /** Writes records in order and resolves when the log has them all. @throws KafkaError, what the serdes throw */
  async send<K, V>(topic: Written<K, V>, records: Iterable<RecordToSend<K, V>>): Promise<void> {
    const client = await this.#client
    const producer = (this.#producer ??= client.producer())
    const partitions = await producer.partitionCount(topic.name)
    const builders: (RecordBatchBuilder | undefined)[] = []
    for (const record of records) {
      const headers = new HeaderList([...recordHeaders(record.headers)])
      const key = record.key === null ? null : topic.key.serialize(record.key, topic.name, headers)
      const value =
        record.value === null ? null : topic.value.serialize(record.value, topic.name, headers)
      const partition = record.partition ?? (key === null ? 0 : partitionOfKey(key, partitions))
      const builder = (builders[partition] ??= new RecordBatchBuilder())
      builder.append(record.timestampMs ?? this.#clock.nowMs(), key, value, headers.entries)
      if (builder.byteLength < batchBytes) continue
      builders[partition] = undefined
      producer.send({ topic: topic.name, partition }, builder)
      await producer.drained(8 * batchBytes)
    }
    builders.forEach((builder, partition) => {
      if (builder) producer.send({ topic: topic.name, partition }, builder)
    })
    await producer.flush()
  }

  /**
   * Reads what is committed, from the start of each partition, or the offsets of `from`, to its
   * present end, in order within a partition.
   */
  async *read<K, V>(
    topic: Read<K, V>,
    from: ReadonlyMap<number, number> = new Map(),
  ): AsyncGenerator<TopicRecord<K, V>, void, undefined> {
    const client = await this.#client
    const partitions = await this.#partitions(client, topic.name)
    const starts = await client.admin.offsets(partitions, 'earliest')
    const ends = await client.admin.offsets(partitions, 'stable')
    const fetcher = client.fetcher({ isolation: 'read_committed' })
    const open = new Map<number, number>()
    try {
      for (const p of partitions) {
        const start = Math.max(at(starts, p) ?? 0, from.get(p.partition) ?? 0)
        const end = at(ends, p) ?? 0
        if (start >= end) continue
        open.set(p.partition, end)
        fetcher.add(p, start)
      }
      while (open.size > 0) {
        const fetched = fetcher.poll()
        if (fetched === undefined) {
          await fetcher.wait(1000)
          continue
        }
        const { partition } = fetched
        const end = open.get(partition)
        if (end === undefined) continue
        for (const batch of fetched.batches)
          while (batch.next()) if (batch.offset < end) yield decode(topic, partition, batch)
        if (fetched.nextOffset < end) continue
        open.delete(partition)
        fetcher.remove({ topic: topic.name, partition })
      }
    } finally {
      await fetcher.close()
    }
  }

  /** The end of each partition: one past its last record that counts as committed. */
  async endOffsets(topic: string): Promise<ReadonlyMap<number, number>> {
    const client = await this.#client
    const partitions = await this.#partitions(client, topic)
    const ends = await client.admin.offsets(partitions, 'stable')
    return new Map(partitions.map((p) => [p.partition, at(ends, p) ?? 0]))
  }

  /** What an application has committed of a topic, by partition; partitions without a commit are absent. */
  async committed(applicationId: string, topic: string): Promise<ReadonlyMap<number, number>> {
    const client = await this.#client
    const partitions = await this.#partitions(client, topic)
    const committed = await client.admin.committed(applicationId, partitions)
    const rows = new Map<number, number>()
    for (const p of partitions) {
      const found = at(committed, p)
      if (found !== undefined) rows.set(p.partition, found.offset)
    }
    return rows
  }

  /** Sends what waits and closes the connections. */
  async close(): Promise<void> {
    const client = await this.#client
    await this.#producer?.close()
    await client.close()
  }

  async #partitions(client: Client, topic: string): Promise<TopicPartition[]> {
    const found = (await client.admin.describeTopics([topic])).get(topic)
    if (found === undefined)
      throw new MissingTopicError(`topic ${topic} does not exist: create it with createTopics`)
    return Array.from({ length: found.partitions }, (_, partition) => ({ topic, partition }))
  }
}

const at = <T>(map: ReadonlyMap<string, T>, p: TopicPartition): T | undefined =>
  map.get(partitionKey(p))

function decode<K, V>(
  topic: Read<K, V>,
  partition: number,
  batch: RecordReader,
): TopicRecord<K, V> {
  const headers = new HeaderList(batch.headers())
  const key = batch.key()
  const value = batch.value()
  return {
    key: key === null ? null : topic.key.deserialize(key, topic.name, headers),
    value: value === null ? null : topic.value.deserialize(value, topic.name, headers),
    timestampMs: batch.timestampMs,
    headers,
    partition,
    offset: batch.offset,
  }
}
