// One group as the log sees it: its members and generations; group-offsets.ts has what it committed.
//
//   empty ──join──▶ preparing ──all joined, or time-out──▶ completing ──leader's sync──▶ stable
//     ▲                 ▲────────────── join, leave, session expired ──────────────────────┘
//     └── last member gone
import type { Clock, Timer } from '../clock.js'
import {
  KafkaError,
  type Assignment,
  type GroupMetadata,
  type Subscription,
  type TopicPartition,
} from '../kafka/client.js'
import { GroupOffsets } from './group-offsets.js'
import type { Journal } from './journal.js'

/** What a member hears without asking; a broker says it in the answer to a heartbeat. */
export interface MemberEvents {
  rebalanceBegun(): void
  /** The membership is gone: session expired, too slow to rejoin, or its instance id taken over. */
  fenced(error: KafkaError): void
}

export interface JoinRequest {
  /** Empty for a new member. */
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly protocol: string
  readonly topics: readonly string[]
  readonly ownedPartitions: readonly TopicPartition[]
  readonly userData: Uint8Array
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly clock: Clock
  readonly events: MemberEvents
}

export interface JoinAnswer {
  readonly memberId: string
  readonly generationId: number
  /** All members, for the leader; `undefined` for the others. */
  readonly members: readonly Subscription[] | undefined
}

interface Waiting<T> {
  readonly resolve: (value: T) => void
  readonly reject: (error: KafkaError) => void
}

interface Member {
  readonly memberId: string
  request: JoinRequest
  joining: Waiting<JoinAnswer> | undefined
  syncing: Waiting<Assignment> | undefined
  assignment: Assignment
  lastSeenMs: number
  session: Timer | undefined
}

const nothing: Assignment = { partitions: [], userData: new Uint8Array(0) }

const unknownMember = (id: string): KafkaError =>
  new KafkaError(`member ${id} is not in the group any more`, 'fenced', 25)
const staleGeneration = (id: string): KafkaError =>
  new KafkaError(`member ${id} is of an older generation of its group`, 'fenced', 22)
const rebalancing = (): KafkaError => new KafkaError('the group is rebalancing', 'retriable', 27)

export class GroupCoordinator {
  readonly groupId: string
  readonly offsets: GroupOffsets
  readonly #members = new Map<string, Member>()
  readonly #fencedStatics = new Set<string>()
  #state: 'empty' | 'preparing' | 'completing' | 'stable' = 'empty'
  #generationId = 0
  #nextMember = 1
  #leader = ''
  #joinTimer: Timer | undefined

  constructor(groupId: string, journal: Journal) {
    this.groupId = groupId
    this.offsets = new GroupOffsets(groupId, journal)
  }

  /** Resolves when all known members have joined, or those that have not are out of time. */
  join(request: JoinRequest): Promise<JoinAnswer> {
    let member = this.#members.get(request.memberId)
    if (request.memberId !== '' && member === undefined)
      return Promise.reject(this.#gone(request.memberId))
    if (member === undefined) {
      const kept = this.#takeOverInstance(request)
      if (kept !== undefined) return Promise.resolve(kept)
      member = this.#addMember(request)
    }
    member.request = request
    this.#seen(member)
    return new Promise((resolve, reject) => {
      member.joining = { resolve, reject }
      if (this.#state !== 'preparing') this.#beginRebalance()
      this.#completeJoin(false)
    })
  }

  /** The member's assignment; the leader brings all of them. */
  sync(
    memberId: string,
    generationId: number,
    assignments: ReadonlyMap<string, Assignment> | undefined,
  ): Promise<Assignment> {
    const member = this.#members.get(memberId)
    if (member === undefined) return Promise.reject(this.#gone(memberId))
    if (generationId !== this.#generationId) return Promise.reject(staleGeneration(memberId))
    this.#seen(member)
    if (this.#state === 'preparing') return Promise.reject(rebalancing())
    if (this.#state === 'stable') return Promise.resolve(member.assignment)
    return new Promise((resolve, reject) => {
      member.syncing = { resolve, reject }
      if (assignments === undefined || memberId !== this.#leader) return
      this.#state = 'stable'
      for (const each of this.#members.values()) {
        each.assignment = assignments.get(each.memberId) ?? nothing
        each.syncing?.resolve(each.assignment)
        each.syncing = undefined
      }
    })
  }

  /** @throws KafkaError of kind `fenced`, or `retriable` while a rebalance waits for this member. */
  heartbeat(memberId: string, generationId: number): void {
    this.#seen(this.#checked({ memberId, generationId }))
    if (this.#state === 'preparing') throw rebalancing()
  }

  leave(memberId: string): void {
    const member = this.#members.get(memberId)
    if (member !== undefined) this.#remove(member, undefined)
  }

  /**
   * Whether offsets may be committed with this identity. Without a member there is no fencing, as in
   * Kafka.
   * @throws KafkaError of kind `fenced`; `retriable` while assignments of the generation are awaited.
   */
  checkCommit(group: GroupMetadata): void {
    if (group.generationId < 0 && group.memberId === '') return
    this.#seen(this.#checked(group))
    if (this.#state === 'completing') throw rebalancing()
  }

  #checked(group: { readonly memberId: string; readonly generationId: number }): Member {
    const member = this.#members.get(group.memberId)
    if (member === undefined) throw this.#gone(group.memberId)
    if (group.generationId !== this.#generationId) throw staleGeneration(group.memberId)
    return member
  }

  #gone(memberId: string): KafkaError {
    return this.#fencedStatics.has(memberId)
      ? new KafkaError(`another process uses the instance id of member ${memberId}`, 'fenced', 82)
      : unknownMember(memberId)
  }

  #addMember(request: JoinRequest, assignment = nothing): Member {
    const member: Member = {
      memberId: `${request.instanceId ?? 'member'}-${this.#nextMember++}`,
      request,
      joining: undefined,
      syncing: undefined,
      assignment,
      lastSeenMs: request.clock.nowMs(),
      session: undefined,
    }
    this.#members.set(member.memberId, member)
    this.#watch(member, request.sessionTimeoutMs)
    return member
  }

  /** A static member that comes back gets what it had, without a rebalance where the group is stable. */
  #takeOverInstance(request: JoinRequest): JoinAnswer | undefined {
    if (request.instanceId === undefined) return
    for (const old of this.#members.values()) {
      if (old.request.instanceId !== request.instanceId) continue
      this.#members.delete(old.memberId)
      this.#fencedStatics.add(old.memberId)
      // The same member asks again when the answer to its join was lost.
      const isOther = old.request.events !== request.events
      this.#silence(old, isOther ? this.#gone(old.memberId) : undefined)
      if (this.#state !== 'stable' || `${old.request.topics}` !== `${request.topics}`) return
      const { memberId } = this.#addMember(request, old.assignment)
      if (this.#leader === old.memberId) this.#leader = memberId
      return { memberId, generationId: this.#generationId, members: undefined }
    }
  }

  #beginRebalance(): void {
    const timeoutMs = Math.max(
      ...[...this.#members.values()].map((m) => m.request.rebalanceTimeoutMs),
    )
    const clock = [...this.#members.values()][0]!.request.clock
    this.#state = 'preparing'
    this.#joinTimer?.cancel()
    this.#joinTimer = clock.setTimer(timeoutMs, () => this.#completeJoin(true))
    for (const member of [...this.#members.values()]) {
      member.syncing?.reject(rebalancing())
      member.syncing = undefined
      if (member.joining === undefined) member.request.events.rebalanceBegun()
    }
  }

  #completeJoin(outOfTime: boolean): void {
    if (this.#state !== 'preparing') return
    const late = [...this.#members.values()].filter((m) => m.joining === undefined)
    if (late.length > 0 && !outOfTime) return
    this.#joinTimer?.cancel()
    this.#joinTimer = undefined
    for (const member of late) {
      this.#members.delete(member.memberId)
      this.#silence(member, unknownMember(member.memberId))
    }
    this.#generationId++
    if (this.#members.size === 0) {
      this.#state = 'empty'
      return
    }
    this.#state = 'completing'
    if (!this.#members.has(this.#leader)) this.#leader = this.#members.keys().next().value!
    const all = [...this.#members.values()]
    const subscriptions = all.map(subscriptionOf)
    for (const member of all) {
      const { memberId } = member
      const members = memberId === this.#leader ? subscriptions : undefined
      member.joining!.resolve({ memberId, generationId: this.#generationId, members })
      member.joining = undefined
    }
  }

  #remove(member: Member, error: KafkaError | undefined): void {
    this.#members.delete(member.memberId)
    this.#silence(member, error)
    if (this.#members.size === 0) {
      this.#joinTimer?.cancel()
      this.#joinTimer = undefined
      this.#state = 'empty'
      this.#generationId++
    } else if (this.#state === 'preparing') this.#completeJoin(false)
    else this.#beginRebalance()
  }

  #silence(member: Member, error: KafkaError | undefined): void {
    member.session?.cancel()
    const reason = error ?? unknownMember(member.memberId)
    member.joining?.reject(reason)
    member.syncing?.reject(reason)
    if (error !== undefined) member.request.events.fenced(error)
  }

  #seen(member: Member): void {
    member.lastSeenMs = member.request.clock.nowMs()
  }

  /** One timer per member, set anew when it was heard of meanwhile. */
  #watch(member: Member, delayMs: number): void {
    const { clock, sessionTimeoutMs } = member.request
    member.session = clock.setTimer(delayMs, () => {
      const leftMs = member.lastSeenMs + sessionTimeoutMs - clock.nowMs()
      if (leftMs > 0) this.#watch(member, leftMs)
      else this.#remove(member, unknownMember(member.memberId))
    })
  }
}

const subscriptionOf = ({ memberId, request }: Member): Subscription => ({
  memberId,
  instanceId: request.instanceId,
  topics: request.topics,
  ownedPartitions: request.ownedPartitions,
  userData: request.userData,
})
