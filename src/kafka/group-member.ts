// A member of an ordinary consumer group (classic protocol), cooperative: what stays assigned is
// never taken away in between. One loop does everything in turn; the heartbeat and the application
// only leave notes for it.
//
//   ┌─▶ onRebalance ─▶ JoinGroup ─▶ (leader: assign) ─▶ SyncGroup ─▶ onRevoked ─▶ onAssigned ─▶ member
//   │   of a member       │  ▲                             │            │                        │
//   │            member id required             rebalance, retriable    │ something went:        │
//   ├──────────────────────────────────────────◀──────────┴─────────────┴ joins again at once    │
//   ├── rebalance seen in a heartbeat, or `rejoin` ◀──────────────────────────────────────────────┤
//   └── onLost ◀── generation or member not known any more: joins as somebody new ◀───────────────┘
import {
  KafkaError,
  partitionKey,
  type Assignment,
  type CommittedOffset,
  type GroupMember,
  type GroupMemberOptions,
  type GroupMetadata,
  type PartitionOffset,
  type TopicPartition,
} from './client.js'
import type { Cluster, Role } from './cluster.js'
import { fetchCommitted } from './committed-offsets.js'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  withoutStaleClaims,
} from './consumer-protocol.js'
import { withholdOwned } from './cooperative.js'
import { askCoordinator } from './coordinator.js'
import {
  answerError,
  ErrorCode,
  errorKind,
  isConnectionError,
  isCoordinatorCode,
  toKafkaError,
} from './error-codes.js'
import { GroupCommit } from './group-commit.js'
import { GroupHeartbeat } from './group-heartbeat.js'
import { Backoff, Lifetime } from './lifetime.js'
import type { Api, ResponseBody } from './protocol/api.js'
import { joinGroup } from './protocol/messages/join-group.js'
import { leaveGroup } from './protocol/messages/leave-group.js'
import { syncGroup } from './protocol/messages/sync-group.js'
import type { Body, Shape } from './protocol/schema.js'

const protocolType = 'consumer'

/** What to do where the code alone does not say it. */
const remedies = new Map<number, string>([
  [
    ErrorCode.inconsistentGroupProtocol,
    'the group has members of another kind: stop them, or use another group id',
  ],
  [
    ErrorCode.invalidSessionTimeout,
    'the session time-out lies outside of group.min.session.timeout.ms and group.max.session.timeout.ms of the brokers',
  ],
  [ErrorCode.groupMaxSizeReached, 'the group has as many members as group.max.size allows'],
])
/** How long a clean close tries to leave; the session's end does the same, later. */
const leaveTimeoutMs = 3000

/** A member of a group of a Kafka cluster; see `GroupMember` for what it promises. */
export class KafkaGroupMember implements GroupMember {
  readonly #cluster: Cluster
  readonly #lifetime: Lifetime
  readonly #options: GroupMemberOptions
  readonly #role: Role
  readonly #heartbeat: GroupHeartbeat
  readonly #commits: GroupCommit
  #memberId = ''
  #generationId = -1
  #owned: readonly TopicPartition[] = []
  /** Counts lost memberships: what began under one must not end under the next. */
  #membership = 0
  #started = false
  #rejoin = true
  #rebalancing = false
  /** From the request to join until the answer, in which the generation may change any time. */
  #joining = false
  #lost: KafkaError | undefined
  #wakeUp: (() => void) | undefined
  #onClose: (() => void) | undefined

  constructor(cluster: Cluster, options: GroupMemberOptions, onClose?: () => void) {
    this.#cluster = cluster
    this.#options = options
    this.#onClose = onClose
    this.#lifetime = new Lifetime(cluster.settings.clock, 'group member', 'fenced')
    this.#role = `group-${cluster.nextRole()}`
    this.#heartbeat = new GroupHeartbeat({
      cluster,
      role: this.#role,
      intervalMs: options.heartbeatIntervalMs,
      sessionTimeoutMs: options.sessionTimeoutMs,
      onRebalance: () => this.rejoin(),
      onEnd: (error) => this.#lose(error),
    })
    this.#commits = new GroupCommit(cluster, this.#lifetime, {
      groupId: options.groupId,
      state: () => ({
        metadata: this.metadata(),
        membership: this.#membership,
        changing: this.#joining,
        owned: this.#owned,
        lost: this.#lost,
      }),
      onLost: (error) => this.#lose(error),
    })
  }

  start(): void {
    if (this.#started) return
    this.#started = true
    this.#rebalancing = true
    void this.#run()
  }

  rejoin(): void {
    this.#rejoin = true
    this.#rebalancing = true
    this.#wake()
  }

  metadata(): GroupMetadata | undefined {
    if (this.#generationId < 0 || this.#lost || this.#lifetime.closed) return undefined
    const { groupId, instanceId } = this.#options
    return { groupId, generationId: this.#generationId, memberId: this.#memberId, instanceId }
  }

  get rebalancing(): boolean {
    return this.#rebalancing
  }

  commit(offsets: readonly PartitionOffset[]): Promise<void> {
    return this.#commits.commit(offsets)
  }

  committed(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<string, CommittedOffset>> {
    return fetchCommitted(this.#cluster, this.#lifetime, this.#options.groupId, partitions, {
      stable: true,
      // A transaction may be pending for its whole time-out, and a broker may be away for longer.
      timeoutMs: Infinity,
    })
  }

  async close(): Promise<void> {
    if (this.#lifetime.closed) return
    const memberId = this.#memberId
    this.#end()
    if (memberId === '' || this.#options.instanceId !== undefined) return
    await this.#leave(memberId, 'the member was closed')
  }

  async #leave(memberId: string, reason: string): Promise<void> {
    const { groupId } = this.#options
    await askCoordinator(
      this.#cluster,
      this.#cluster.lifetime,
      {
        kind: 'group',
        key: groupId,
        timeoutMs: leaveTimeoutMs,
        send: { timeoutMs: leaveTimeoutMs },
      },
      leaveGroup,
      { groupId, memberId, members: [{ memberId, reason }] },
      (a) => a.errorCode,
    ).catch((error: unknown) =>
      this.#cluster.settings.logger.debug({ groupId, reason: String(error) }, 'could not leave'),
    )
  }

  #end(): void {
    this.#lifetime.close()
    this.#heartbeat.stop()
    this.#generationId = -1
    this.#cluster.closeRole(this.#role)
    this.#wake()
    this.#onClose?.()
    this.#onClose = undefined
  }

  async #run(): Promise<void> {
    const { formerMemberId, instanceId } = this.#options
    if (formerMemberId !== undefined && instanceId === undefined)
      await this.#leave(formerMemberId, 'its process was restarted')
    const backoff = new Backoff(50, 1000)
    while (!this.#lifetime.closed) {
      try {
        if (this.#lost) await this.#afterLoss(this.#lost)
        else if (this.#rejoin) {
          await this.#round()
          backoff.reset()
        } else await this.#idle()
      } catch (thrown) {
        if (this.#lifetime.closed) return
        const error = toKafkaError(thrown)
        if (error.kind === 'fenced') this.#lose(error)
        else if (error.kind !== 'retriable') return this.#fail(thrown)
        else {
          this.#rejoin = true
          if (error.errorCode !== ErrorCode.rebalanceInProgress)
            await this.#lifetime.sleep(backoff.nextMs())
        }
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

  /** Notes that the membership is gone; from here on nothing can be committed under it. */
  #lose(error: KafkaError): void {
    if (this.#lost || this.#lifetime.closed) return
    this.#lost = error
    this.#heartbeat.stop()
    this.#wake()
  }

  async #afterLoss(error: KafkaError): Promise<void> {
    const owned = this.#owned
    const { groupId, listener } = this.#options
    this.#cluster.settings.logger.warn(
      { groupId, reason: error.message },
      'the membership in the group was lost',
    )
    this.#rebalancing = true
    this.#rejoin = true
    this.#owned = []
    this.#membership++
    this.#generationId = -1
    // A member that is only behind keeps its id, so that it does not count twice.
    if (error.errorCode !== ErrorCode.illegalGeneration) this.#memberId = ''
    await listener.onLost(owned)
    this.#lost = undefined
    // Somebody else runs under this instance id, or may not: joining again would fence it in turn.
    if (error.kind !== 'fenced' || error.errorCode === ErrorCode.fencedInstanceId) this.#fail(error)
  }

  /** The member cannot go on; it leaves nothing behind that others would wait for. */
  #fail(error: unknown): void {
    void this.close()
    this.#options.listener.onError(error instanceof Error ? error : new Error(String(error)))
  }

  /** One join, sync and change of the assignment. */
  async #round(): Promise<void> {
    const { listener } = this.#options
    this.#rebalancing = true
    this.#rejoin = false
    if (this.#generationId >= 0) await listener.onRebalance?.()
    if (this.#lost || this.#lifetime.closed) return
    const joined = await this.#join()
    const assignment = await this.#sync(joined)
    const after = new Set(assignment.partitions.map(partitionKey))
    const before = new Set(this.#owned.map(partitionKey))
    const revoked = this.#owned.filter((p) => !after.has(partitionKey(p)))
    if (revoked.length > 0) {
      await listener.onRevoked(revoked)
      if (this.#lost || this.#lifetime.closed) return
      this.#owned = this.#owned.filter((p) => after.has(partitionKey(p)))
      // Only now can they go to somebody else.
      this.#rejoin = true
    }
    const added = assignment.partitions.filter((p) => !before.has(partitionKey(p)))
    this.#owned = assignment.partitions
    await listener.onAssigned(assignment, added)
  }

  async #join(): Promise<ResponseBody<typeof joinGroup>> {
    const { groupId, instanceId, assignor, topics, sessionTimeoutMs, rebalanceTimeoutMs } =
      this.#options
    this.#heartbeat.stop()
    // Whatever asked for a rebalance until now gets this one.
    this.#rejoin = false
    this.#joining = true
    try {
      for (;;) {
        const metadata = encodeSubscription({
          topics: topics(),
          ownedPartitions: this.#owned,
          userData: assignor.userData(),
          generationId: this.#generationId,
        })
        const answer = await this.#ask(joinGroup, {
          groupId,
          sessionTimeoutMs,
          rebalanceTimeoutMs,
          memberId: this.#memberId,
          groupInstanceId: instanceId ?? null,
          protocolType,
          protocols: [{ name: assignor.name, metadata }],
        })
        if (this.#lifetime.closed) throw this.#lifetime.closedError()
        if (answer.errorCode === ErrorCode.memberIdRequired) {
          this.#memberId = answer.memberId
          this.#options.listener.onMemberId?.(answer.memberId)
          continue
        }
        this.#check(`JoinGroup of ${groupId}`, answer.errorCode)
        if (this.#memberId !== answer.memberId) this.#options.listener.onMemberId?.(answer.memberId)
        this.#memberId = answer.memberId
        this.#generationId = answer.generationId
        return answer
      }
    } finally {
      this.#joining = false
    }
  }

  async #sync(joined: ResponseBody<typeof joinGroup>): Promise<Assignment> {
    const { groupId, instanceId, assignor } = this.#options
    const assignments: { memberId: string; assignment: Uint8Array }[] = []
    if (joined.leader === joined.memberId && !joined.skipAssignment) {
      // Only while it assigns does a member have to say that it lives; who waits for SyncGroup need
      // not, and its heartbeats would queue up behind it.
      this.#beat()
      const members = withoutStaleClaims(
        joined.members.map((m) =>
          decodeSubscription(m.memberId, m.groupInstanceId ?? undefined, m.metadata),
        ),
      )
      const assigned = withholdOwned(members, await assignor.assign(members))
      for (const [memberId, assignment] of assigned)
        assignments.push({ memberId, assignment: encodeAssignment(assignment) })
      this.#heartbeat.stop()
      if (this.#lost) throw this.#lost
    }
    const answer = await this.#ask(syncGroup, {
      groupId,
      generationId: this.#generationId,
      memberId: this.#memberId,
      groupInstanceId: instanceId ?? null,
      protocolType,
      protocolName: assignor.name,
      assignments,
    })
    if (this.#lifetime.closed) throw this.#lifetime.closedError()
    this.#check(`SyncGroup of ${groupId}`, answer.errorCode)
    this.#beat()
    return decodeAssignment(answer.assignment)
  }

  #beat(): void {
    const metadata = this.metadata()
    if (metadata) this.#heartbeat.start(metadata)
  }

  /** The broker may hold the request until everybody has come, at most the rebalance time-out. */
  async #ask<Q extends Shape, R extends Shape>(
    api: Api<Q, R>,
    body: Body<Q>,
  ): Promise<ResponseBody<Api<Q, R>>> {
    const { groupId, rebalanceTimeoutMs } = this.#options
    try {
      const nodeId = await this.#cluster.coordinator('group', groupId)
      return await this.#cluster.send(nodeId, this.#role, api, body, { waitMs: rebalanceTimeoutMs })
    } catch (error) {
      if (isConnectionError(error)) this.#cluster.forgetCoordinator('group', groupId)
      throw error
    }
  }

  #check(what: string, code: number): void {
    if (code === ErrorCode.none) return
    if (isCoordinatorCode(code)) this.#cluster.forgetCoordinator('group', this.#options.groupId)
    throw answerError(what, code, errorKind(code), remedies.get(code) ?? null)
  }
}
