// The log itself: topics, producer ids, transactions and groups, shared by all its clients. It does
// what a broker does, but for retention and compaction: records stay until `deleteRecords`.
import { KafkaError, type NewTopic } from '../kafka/client.js'
import { parseBatchHeader, asBuffer } from '../kafka/record-batch.js'
import type { Database } from '../state/bytes-store.js'
import { GroupCoordinator } from './group-coordinator.js'
import { memoryJournal, type Journal } from './journal.js'
import {
  formatVersion,
  int64s,
  json,
  parseJson,
  readInt64s,
  row,
  type TopicRow,
} from './log-rows.js'
import { PartitionLog, ResidentBatches } from './partition-log.js'
import { TransactionCoordinator } from './transaction-coordinator.js'

/** A topic and its partitions. */
export interface LogTopic {
  readonly name: string
  readonly number: number
  readonly topicId: string
  readonly configs: Readonly<Record<string, string>>
  readonly partitions: readonly PartitionLog[]
  /** The largest batch it takes, bytes: `max.message.bytes`. */
  readonly maxBatchBytes: number
}

/** Kafka's default of `max.message.bytes`. */
const defaultMaxBatchBytes = 1_048_588
/** Bytes of a durable log that stay in memory. */
const defaultResidentBytes = 64 * 2 ** 20
const topicName = /^[a-zA-Z0-9._-]{1,249}$/

export class EmbeddedLog {
  readonly topics = new Map<string, LogTopic>()
  readonly journal: Journal
  readonly transactions: TransactionCoordinator
  readonly #groups = new Map<string, GroupCoordinator>()
  readonly #resident: ResidentBatches
  #id: number
  #nextTopic = 1
  #nextProducer = 1

  /** An empty log; `id` tells it apart from others, as topics of the same name are not the same. */
  constructor(journal: Journal, id: number, residentBytes = defaultResidentBytes) {
    this.journal = journal
    this.#resident = new ResidentBatches(residentBytes)
    this.#id = id
    this.transactions = new TransactionCoordinator(journal, () => this.newProducerId())
  }

  /** An empty log in memory. */
  static inMemory(id: number): EmbeddedLog {
    return new EmbeddedLog(memoryJournal, id)
  }

  /**
   * The log that a database holds; transactions that were open when it was left are aborted.
   * @throws KafkaError when it was written by a later version.
   */
  static async restore(
    database: Database,
    journal: Journal,
    id: number,
    nowMs: number,
    residentBytes?: number,
  ): Promise<EmbeddedLog> {
    const log = new EmbeddedLog(journal, id, residentBytes)
    const version = database.get(row.version)?.[0]
    if (version === undefined) {
      journal.put(row.version, Buffer.from([formatVersion]))
      log.#saveCounters()
      await journal.synced()
      return log
    }
    if (version > formatVersion)
      throw new KafkaError(
        `the embedded log has format ${version}, this version reads ${formatVersion}: update millrace, or use another directory`,
        'fatal',
      )
    await log.#load(database, nowMs)
    await journal.synced()
    return log
  }

  group(groupId: string): GroupCoordinator {
    let group = this.#groups.get(groupId)
    if (group === undefined) {
      group = new GroupCoordinator(groupId, this.journal)
      this.#groups.set(groupId, group)
    }
    return group
  }

  /** @throws KafkaError when there is no such partition. */
  partition(topic: string, partition: number): PartitionLog {
    const found = this.topic(topic).partitions[partition]
    if (found === undefined)
      throw new KafkaError(`topic ${topic} has no partition ${partition}`, 'unknownTopic', 3)
    return found
  }

  /** @throws KafkaError when there is no such topic. */
  topic(name: string): LogTopic {
    const found = this.topics.get(name)
    if (found === undefined) throw new KafkaError(`topic ${name} does not exist`, 'unknownTopic', 3)
    return found
  }

  /** Creates a topic, with a name as brokers take it; one that exists already is left as it is. */
  createTopic(topic: NewTopic, anyName = false): void {
    if (this.topics.has(topic.name)) return
    if (!anyName && (!topicName.test(topic.name) || topic.name === '.' || topic.name === '..'))
      throw new KafkaError(`topic name ${topic.name} is not valid`, 'fatal', 17)
    if (!Number.isSafeInteger(topic.partitions) || topic.partitions < 1)
      throw new KafkaError(
        `topic ${topic.name} cannot have ${topic.partitions} partitions`,
        'fatal',
        37,
      )
    const number = this.#nextTopic++
    this.#addTopic(number, topic)
    const content: TopicRow = {
      name: topic.name,
      partitions: topic.partitions,
      configs: topic.configs,
    }
    this.journal.put(row.topic(number), json(content))
    this.#saveCounters()
  }

  deleteTopic(name: string): void {
    const topic = this.topic(name)
    this.topics.delete(name)
    this.journal.delete(row.topic(topic.number))
    for (const partition of topic.partitions) partition.drop()
    for (const group of this.#groups.values()) group.offsets.forgetTopic(name)
  }

  newProducerId(): number {
    const id = this.#nextProducer++
    this.#saveCounters()
    return id
  }

  #addTopic(number: number, { name, partitions, configs }: TopicRow): LogTopic {
    const topic: LogTopic = {
      name,
      number,
      topicId: int64s(this.#id, number).toString('base64url'),
      configs,
      partitions: Array.from(
        { length: partitions },
        (_, n) => new PartitionLog({ name, number }, n, this.journal, this.#resident),
      ),
      maxBatchBytes: Number(configs['max.message.bytes'] ?? defaultMaxBatchBytes),
    }
    this.topics.set(name, topic)
    return topic
  }

  #saveCounters(): void {
    this.journal.put(row.counters, int64s(this.#id, this.#nextTopic, this.#nextProducer))
  }

  async #load(database: Database, nowMs: number): Promise<void> {
    const counters = readInt64s(database.get(row.counters) ?? new Uint8Array(24))
    ;[this.#id, this.#nextTopic, this.#nextProducer] = counters as [number, number, number]
    const byNumber = new Map<number, LogTopic>()
    for await (const [key, value] of rowsOf(database, 't')) {
      const number = key.readUInt32BE(1)
      byNumber.set(number, this.#addTopic(number, parseJson(value) as TopicRow))
    }
    for await (const [key, value] of rowsOf(database, 'i')) {
      const partition = byNumber.get(key.readUInt32BE(1))?.partitions[key.readUInt32BE(5)]
      const marker = value[61] === 1 ? 'abort' : value[61] === 2 ? 'commit' : undefined
      partition?.restore(parseBatchHeader(value, 0), marker)
    }
    for await (const [key, value] of rowsOf(database, 's'))
      byNumber
        .get(key.readUInt32BE(1))
        ?.partitions[key.readUInt32BE(5)]?.restoreStart(readInt64s(value)[0]!)
    for await (const [key, value] of rowsOf(database, 'p'))
      this.transactions.restore(
        key.toString('utf8', 1),
        readInt64s(value)[0]!,
        value.readInt16BE(8),
      )
    for await (const [key, value] of rowsOf(database, 'g')) {
      const [group, topic, partition] = parseJson(key.subarray(1)) as [string, string, number]
      const { offset, metadata } = parseJson(value) as { offset: number; metadata: string }
      this.group(group).offsets.restore({ topic, partition, offset, metadata })
    }
    for (const topic of this.topics.values())
      for (const partition of topic.partitions)
        for (const { producerId, epoch } of partition.openProducers()) {
          partition.mark('abort', producerId, epoch, nowMs)
          partition.settle('abort', producerId, partition.endOffset)
        }
  }
}

async function* rowsOf(database: Database, kind: string): AsyncGenerator<[Buffer, Buffer]> {
  const from = Buffer.from(kind)
  const to = Buffer.from([from[0]! + 1])
  for await (const [key, value] of database.scan({ from, to }))
    yield [asBuffer(key), asBuffer(value)]
}
