// A member of a group, cooperative: what stays assigned is never taken away in between.
//
//   joining ──▶ (leader: assigning) ──▶ syncing ──▶ told of what goes and what comes ──▶ member
//      ▲                                    something went: joins again at once            │
//      ├──────────── a rebalance has begun, or `rejoin` ───────────────────────────────────┘
//      └── lost: `onLost`, then joins as somebody new
import type { Timer } from '../clock.js'
import {
  KafkaError,
  partitionKey,
  type CommittedOffset,
  type GroupMember,
  type GroupMemberOptions,
  type GroupMetadata,
  type PartitionOffset,
  type TopicPartition,
} from '../kafka/client.js'
import { withholdOwned } from '../kafka/cooperative.js'
import type { GroupCoordinator, JoinRequest, MemberEvents } from './group-coordinator.js'
import type { LogConnection } from './log-connection.js'

/** The protocol's code when another process uses the same instance id. */
const fencedInstanceId = 82
/** The protocol's code for a generation that is not the current one. */
const illegalGeneration = 22

const isKind = (error: unknown, ...kinds: readonly string[]): boolean =>
  error instanceof KafkaError && kinds.includes(error.kind)

export class EmbeddedGroupMember implements GroupMember, MemberEvents {
  readonly #connection: LogConnection
  readonly #options: GroupMemberOptions
  readonly #done: () => void
  readonly #group: GroupCoordinator
  #memberId = ''
  #generationId = -1
  #owned: readonly TopicPartition[] = []
  #rejoin = true
  #lost: KafkaError | undefined
  #rebalancing = false
  #started = false
  #closed = false
  #wakeUp: (() => void) | undefined
  #heartbeat: Timer | undefined

  constructor(connection: LogConnection, options: GroupMemberOptions, done: () => void) {
    this.#connection = connection
    this.#options = options
    this.#done = done
    this.#group = connection.log.group(options.groupId)
  }

  start(): void {
    if (this.#started) return
    this.#started = true
    this.#rebalancing = true
    this.#scheduleHeartbeat()
    void this.#run()
  }

  rejoin(): void {
    this.#rejoin = true
    this.#wake()
  }

  metadata(): GroupMetadata | undefined {
    if (this.#generationId < 0 || this.#lost !== undefined) return undefined
    return {
      groupId: this.#options.groupId,
      generationId: this.#generationId,
      memberId: this.#memberId,
      instanceId: this.#options.instanceId,
    }
  }

  get rebalancing(): boolean {
    return this.#rebalancing
  }

  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    const metadata = this.metadata()
    if (metadata === undefined)
      throw this.#lost ?? new KafkaError('not a member of the group', 'fenced', 25)
    await this.#connection.call('group.commit', () => {
      this.#group.checkCommit(metadata)
      return this.#group.offsets.commit(offsets)
    })
  }

  committed(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<string, CommittedOffset>> {
    return this.#connection.call('group.committed', () => this.#group.offsets.stable(partitions))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#heartbeat?.cancel()
    this.#done()
    this.#wake()
    const memberId = this.#memberId
    this.#generationId = -1
    if (memberId !== '' && this.#options.instanceId === undefined)
      await this.#connection.call('group.leave', () => this.#group.leave(memberId))
  }

  rebalanceBegun(): void {
    if (this.#ended) return
    this.#rebalancing = true
    this.rejoin()
  }

  fenced(error: KafkaError): void {
    if (this.#ended) return
    this.#lost ??= error
    this.#wake()
  }

  get #ended(): boolean {
    return this.#closed || this.#connection.killed
  }

  async #run(): Promise<void> {
    while (!this.#ended) {
      try {
        if (this.#lost !== undefined) await this.#lose()
        if (this.#ended) return
        if (this.#rejoin) await this.#round()
        else await this.#idle()
      } catch (error) {
        if (this.#ended) return
        if (isKind(error, 'fenced')) this.#lost ??= error as KafkaError
        else if (isKind(error, 'retriable')) this.#rejoin = true
        else return this.#fail(error)
      }
    }
  }

  #idle(): Promise<void> {
    this.#rebalancing = false
    return new Promise((resolve) => (this.#wakeUp = resolve))
  }

  #wake(): void {
    const wakeUp = this.#wakeUp
    this.#wakeUp = undefined
    wakeUp?.()
  }

  /** One join, sync and change of the assignment. */
  async #round(): Promise<void> {
    const { assignor, listener } = this.#options
    this.#rebalancing = true
    this.#rejoin = false
    if (this.#generationId >= 0) await listener.onRebalance?.()
    if (this.#lost !== undefined || this.#ended) return
    const joined = await this.#connection.call('group.join', () =>
      this.#group.join(this.#request()),
    )
    if (this.#closed) return this.#group.leave(joined.memberId)
    this.#memberId = joined.memberId
    this.#generationId = joined.generationId
    const assignments =
      joined.members && withholdOwned(joined.members, await assignor.assign(joined.members))
    const assignment = await this.#connection.call('group.sync', () =>
      this.#group.sync(joined.memberId, joined.generationId, assignments),
    )
    if (this.#ended) return
    const after = new Set(assignment.partitions.map(partitionKey))
    const before = new Set(this.#owned.map(partitionKey))
    const revoked = this.#owned.filter((p) => !after.has(partitionKey(p)))
    if (revoked.length > 0) {
      await listener.onRevoked(revoked)
      this.#owned = this.#owned.filter((p) => after.has(partitionKey(p)))
      this.#rejoin = true
      if (this.#lost !== undefined || this.#ended) return
    }
    const added = assignment.partitions.filter((p) => !before.has(partitionKey(p)))
    this.#owned = assignment.partitions
    await listener.onAssigned(assignment, added)
  }

  async #lose(): Promise<void> {
    const error = this.#lost
    const owned = this.#owned
    this.#owned = []
    // A member that is only behind keeps its id, so that it does not count twice.
    if (error?.errorCode !== illegalGeneration) this.#memberId = ''
    this.#generationId = -1
    this.#rejoin = true
    this.#rebalancing = true
    await this.#options.listener.onLost(owned)
    this.#lost = undefined
    // Joining again would fence the other process in turn.
    if (error?.errorCode === fencedInstanceId && !this.#ended) this.#fail(error)
  }

  /** The member cannot go on; others are not held up by it. */
  #fail(error: unknown): void {
    this.#group.leave(this.#memberId)
    this.#generationId = -1
    this.#heartbeat?.cancel()
    this.#closed = true
    this.#options.listener.onError(error instanceof Error ? error : new Error(String(error)))
  }

  #request(): JoinRequest {
    const { instanceId, assignor, topics, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    return {
      memberId: this.#memberId,
      instanceId,
      protocol: assignor.name,
      topics: topics(),
      ownedPartitions: this.#owned,
      userData: assignor.userData(),
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      clock: this.#connection.clock,
      events: this,
    }
  }

  #scheduleHeartbeat(): void {
    this.#heartbeat = this.#connection.clock.setTimer(this.#options.heartbeatIntervalMs, () => {
      if (this.#ended) return
      this.#scheduleHeartbeat()
      if (this.metadata() === undefined) return
      const { memberId, generationId } = this.metadata()!
      this.#connection
        .call('group.heartbeat', () => this.#group.heartbeat(memberId, generationId))
        .catch((error: unknown) => {
          // A generation that changed while the heartbeat was under way is no news.
          if (isKind(error, 'fenced') && generationId === this.#generationId)
            this.fenced(error as KafkaError)
        })
    })
  }
}
