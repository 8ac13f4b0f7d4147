// Administration of the embedded log.
import {
  partitionKey,
  type Admin,
  type CommittedOffset,
  type NewTopic,
  type TopicDescription,
  type TopicPartition,
} from '../kafka/client.js'
import { RecordReader } from '../kafka/record-batch.js'
import type { LogConnection } from './log-connection.js'
import type { PartitionLog } from './partition-log.js'

export class EmbeddedAdmin implements Admin {
  readonly #connection: LogConnection

  constructor(connection: LogConnection) {
    this.#connection = connection
  }

  listTopics(): Promise<readonly string[]> {
    return this.#connection.call('admin.listTopics', () =>
      [...this.#connection.log.topics.keys()].sort(),
    )
  }

  describeTopics(names: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>> {
    return this.#connection.call('admin.describeTopics', () => {
      const found = new Map<string, TopicDescription>()
      for (const name of names) {
        const topic = this.#connection.log.topics.get(name)
        if (topic === undefined) continue
        const { topicId, partitions } = topic
        found.set(name, { name, topicId, partitions: partitions.length })
      }
      return found
    })
  }

  createTopics(topics: readonly NewTopic[]): Promise<void> {
    return this.#connection.call('admin.createTopics', () => {
      for (const topic of topics) this.#connection.log.createTopic(topic)
      return this.#connection.log.journal.synced()
    })
  }

  deleteTopics(names: readonly string[]): Promise<void> {
    return this.#connection.call('admin.deleteTopics', () => {
      for (const name of names) this.#connection.log.deleteTopic(name)
      return this.#connection.log.journal.synced()
    })
  }

  topicConfigs(name: string): Promise<Readonly<Record<string, string>>> {
    return this.#connection.call(
      'admin.topicConfigs',
      () => this.#connection.log.topic(name).configs,
    )
  }

  offsets(
    partitions: readonly TopicPartition[],
    at: 'earliest' | 'latest' | 'stable' | number,
  ): Promise<ReadonlyMap<string, number>> {
    return this.#connection.call('admin.offsets', () => {
      const found = new Map<string, number>()
      for (const each of partitions) {
        const log = this.#connection.log.partition(each.topic, each.partition)
        const offset = offsetAt(log, at)
        if (offset !== undefined) found.set(partitionKey(each), offset)
      }
      return found
    })
  }

  deleteRecords(before: readonly (TopicPartition & { readonly offset: number })[]): Promise<void> {
    return this.#connection.call('admin.deleteRecords', () => {
      for (const { topic, partition, offset } of before)
        this.#connection.log.partition(topic, partition).deleteBefore(offset)
      return this.#connection.log.journal.synced()
    })
  }

  committed(
    groupId: string,
    partitions: readonly TopicPartition[],
  ): Promise<ReadonlyMap<string, CommittedOffset>> {
    return this.#connection.call('admin.committed', () =>
      this.#connection.log.group(groupId).offsets.committed(partitions),
    )
  }
}

function offsetAt(
  log: PartitionLog,
  at: 'earliest' | 'latest' | 'stable' | number,
): number | undefined {
  if (at === 'earliest') return log.startOffset
  if (at === 'latest') return log.highWatermark
  if (at === 'stable') return log.lastStableOffset
  for (const batch of log.batches) {
    if (batch.header.maxTimestampMs < at) continue
    const reader = new RecordReader(log.bytesOf(batch), batch.header, log.startOffset)
    while (reader.next())
      if (reader.timestampMs >= at)
        return reader.offset < log.highWatermark ? reader.offset : undefined
  }
  return undefined
}
