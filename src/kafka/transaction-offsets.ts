// Offsets into a transaction: they become committed with it. Member and generation go along, so that
// the group fences who is not a member any more (KIP-447).
import type { ProducerIdentity } from './batch-sender.js'
import type { GroupMetadata, PartitionOffset } from './client.js'
import type { Cluster } from './cluster.js'
import { askCoordinator } from './coordinator.js'
import { ErrorCode, isRetriableCode } from './error-codes.js'
import type { Lifetime } from './lifetime.js'
import { addOffsetsToTxn } from './protocol/messages/add-offsets-to-txn.js'
import { txnOffsetCommit } from './protocol/messages/txn-offset-commit.js'

export interface TransactionOffsetsOptions extends ProducerIdentity {
  readonly transactionalId: string
  readonly version2: boolean
  readonly timeoutMs: number
  /** The coordinator may know of the transaction from now on. */
  readonly began: () => void
}

/**
 * Adds offsets to the open transaction; what the group accepted is not sent again in a repetition.
 * @throws KafkaError of kind `fenced` when the member is not current, `retriable` when time ran out.
 */
export async function commitTransactionOffsets(
  cluster: Cluster,
  lifetime: Lifetime,
  offsets: readonly PartitionOffset[],
  group: GroupMetadata,
  options: TransactionOffsetsOptions,
): Promise<void> {
  const { transactionalId, producerId, producerEpoch, version2, timeoutMs, began } = options
  const identity = { transactionalId, producerId, producerEpoch }
  began()
  if (!version2)
    await askCoordinator(
      cluster,
      lifetime,
      { kind: 'transaction', key: transactionalId, timeoutMs, firstMs: 5, maxMs: 100 },
      addOffsetsToTxn,
      { ...identity, groupId: group.groupId },
      (a) => a.errorCode,
    )
  const left = new Map(offsets.map((o) => [`${o.topic}-${o.partition}`, o]))
  const body = {
    ...identity,
    groupId: group.groupId,
    generationId: group.generationId,
    memberId: group.memberId,
    groupInstanceId: group.instanceId ?? null,
    get topics() {
      return byTopic(left.values())
    },
  }
  await askCoordinator(
    cluster,
    lifetime,
    {
      kind: 'group',
      key: group.groupId,
      timeoutMs,
      firstMs: 10,
      maxMs: 200,
      send: { maxVersion: version2 ? 5 : 4 },
    },
    txnOffsetCommit,
    body,
    (answer) => {
      let code: number = ErrorCode.none
      for (const topic of answer.topics)
        for (const { partitionIndex, errorCode } of topic.partitions) {
          if (errorCode === ErrorCode.none) left.delete(`${topic.name}-${partitionIndex}`)
          else if (code === ErrorCode.none || isRetriableCode(code)) code = errorCode
        }
      return code
    },
  )
}

/** The offsets as the two commit requests have them. */
export function byTopic(offsets: Iterable<PartitionOffset>): {
  name: string
  partitions: {
    partitionIndex: number
    committedOffset: number
    committedMetadata: string
  }[]
}[] {
  const topics = new Map<string, ReturnType<typeof byTopic>[number]>()
  for (const { topic, partition, offset, metadata } of offsets) {
    let entry = topics.get(topic)
    if (!entry) topics.set(topic, (entry = { name: topic, partitions: [] }))
    entry.partitions.push({
      partitionIndex: partition,
      committedOffset: offset,
      committedMetadata: metadata,
    })
  }
  return [...topics.values()]
}
