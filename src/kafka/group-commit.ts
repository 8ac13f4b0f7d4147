// Commits offsets of a member outside of transactions. A rebalance in the middle is waited for and
// the commit repeated under the new generation, as long as the partitions are still the member's.
import {
  KafkaError,
  partitionKey,
  type GroupMetadata,
  type PartitionOffset,
  type TopicPartition,
} from './client.js'
import type { Cluster } from './cluster.js'
import {
  answerError,
  ErrorCode,
  isConnectionError,
  isCoordinatorCode,
  isRetriableCode,
} from './error-codes.js'
import { retry, type Lifetime } from './lifetime.js'
import { offsetCommit } from './protocol/messages/offset-commit.js'
import { byTopic } from './transaction-offsets.js'

/** How long commits are repeated, as Java's default.api.timeout.ms. */
const commitTimeoutMs = 60_000

/** What a commit has to know of its member, as of now. */
export interface CommittingMember {
  readonly metadata: GroupMetadata | undefined
  readonly membership: number
  /** Whether the generation may be changing at the broker. */
  readonly changing: boolean
  readonly owned: readonly TopicPartition[]
  readonly lost: KafkaError | undefined
}

export interface GroupCommitOptions {
  readonly groupId: string
  readonly state: () => CommittingMember
  readonly onLost: (error: KafkaError) => void
}

export class GroupCommit {
  readonly #cluster: Cluster
  readonly #lifetime: Lifetime
  readonly #options: GroupCommitOptions

  constructor(cluster: Cluster, lifetime: Lifetime, options: GroupCommitOptions) {
    this.#cluster = cluster
    this.#lifetime = lifetime
    this.#options = options
  }

  /** @throws KafkaError of kind `fenced` when the partitions are not the member's any more. */
  commit(offsets: readonly PartitionOffset[]): Promise<void> {
    const began = this.#options.state()
    // What the broker accepted is not sent again.
    const left = new Map(offsets.map((o) => [partitionKey(o), o]))
    return retry(
      this.#lifetime,
      { timeoutMs: commitTimeoutMs, firstMs: 10, maxMs: 200 },
      async () => {
        if (left.size === 0) return
        const member = this.#options.state()
        const { metadata } = member
        if (!metadata || member.membership !== began.membership)
          throw member.lost ?? notAMember(this.#options.groupId)
        if (metadata.generationId !== began.metadata?.generationId) {
          const owned = new Set(member.owned.map(partitionKey))
          if ([...left.keys()].some((key) => !owned.has(key)))
            throw notAMember(this.#options.groupId)
        }
        const code = await this.#send(metadata, left)
        if (code !== ErrorCode.none) throw this.#errorOf(code, metadata)
      },
    )
  }

  async #send(metadata: GroupMetadata, left: Map<string, PartitionOffset>): Promise<number> {
    const { groupId, generationId, memberId, instanceId } = metadata
    try {
      const nodeId = await this.#cluster.coordinator('group', groupId)
      const answer = await this.#cluster.send(nodeId, 'control', offsetCommit, {
        groupId,
        generationIdOrMemberEpoch: generationId,
        memberId,
        groupInstanceId: instanceId ?? null,
        topics: byTopic(left.values()),
      })
      let code: number = ErrorCode.none
      for (const topic of answer.topics)
        for (const { partitionIndex, errorCode } of topic.partitions) {
          if (errorCode === ErrorCode.none)
            left.delete(partitionKey({ topic: topic.name, partition: partitionIndex }))
          else if (code === ErrorCode.none || isRetriableCode(code)) code = errorCode
        }
      if (isCoordinatorCode(code)) this.#cluster.forgetCoordinator('group', groupId)
      return code
    } catch (error) {
      if (isConnectionError(error)) this.#cluster.forgetCoordinator('group', groupId)
      throw error
    }
  }

  #errorOf(code: number, sent: GroupMetadata): KafkaError {
    const what = `OffsetCommit of ${sent.groupId}`
    const now = this.#options.state()
    const outrun = now.changing || now.metadata?.generationId !== sent.generationId
    // The generation went on while the commit was under way: not fenced, only outrun.
    if (code === ErrorCode.illegalGeneration && outrun) return answerError(what, code, 'retriable')
    const error = isRetriableCode(code)
      ? answerError(what, code, 'retriable')
      : answerError(what, code)
    if (error.kind === 'fenced' && !outrun) this.#options.onLost(error)
    return error
  }
}

const notAMember = (groupId: string): KafkaError =>
  answerError(`OffsetCommit of ${groupId}`, ErrorCode.unknownMemberId)
