// Reads the committed offsets of a group. Read as stable, an offset that an open transaction may
// still change is waited for: who takes over would otherwise process again what that transaction covers.
import { partitionKey, type CommittedOffset, type TopicPartition } from './client.js'
import type { Cluster } from './cluster.js'
import { askCoordinator } from './coordinator.js'
import { ErrorCode, isRetriableCode } from './error-codes.js'
import type { Lifetime } from './lifetime.js'
import { offsetFetch } from './protocol/messages/offset-fetch.js'

export interface CommittedOptions {
  readonly stable: boolean
  readonly timeoutMs: number
}

/** Partitions without a committed offset are absent. @throws KafkaError */
export async function fetchCommitted(
  cluster: Cluster,
  lifetime: Lifetime,
  groupId: string,
  partitions: readonly TopicPartition[],
  options: CommittedOptions,
): Promise<ReadonlyMap<string, CommittedOffset>> {
  const found = new Map<string, CommittedOffset>()
  if (partitions.length === 0) return found
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const same = topics.get(topic)
    if (same) same.push(partition)
    else topics.set(topic, [partition])
  }
  const answer = await askCoordinator(
    cluster,
    lifetime,
    { kind: 'group', key: groupId, timeoutMs: options.timeoutMs, firstMs: 10, maxMs: 200 },
    offsetFetch,
    {
      groupId,
      topics: Array.from(topics, ([name, partitionIndexes]) => ({ name, partitionIndexes })),
      requireStable: options.stable,
    },
    (a) => {
      if (a.errorCode !== ErrorCode.none) return a.errorCode
      let code: number = ErrorCode.none
      for (const topic of a.topics)
        for (const { errorCode } of topic.partitions)
          if (errorCode !== ErrorCode.none && (code === ErrorCode.none || isRetriableCode(code)))
            code = errorCode
      return code
    },
  )
  for (const topic of answer.topics)
    for (const { partitionIndex, committedOffset, metadata } of topic.partitions)
      if (committedOffset >= 0)
        found.set(partitionKey({ topic: topic.name, partition: partitionIndex }), {
          offset: committedOffset,
          metadata: metadata ?? '',
        })
  return found
}
