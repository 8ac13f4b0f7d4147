// A thread's place in the group: what its tasks do when the group takes partitions away or gives new
// ones. The thread acts between two iterations; the group waits for it.
import type { Assignment, GroupListener, GroupMember, TopicPartition } from '../kafka/client.js'
import type { Committer } from './committer.js'
import { isIncomplete } from './partition-assignor.js'
import type { RecordPump } from './record-pump.js'
import type { SafePoints } from './safe-points.js'
import { FinalError, isSurvivable } from './survivable-errors.js'
import type { TaskManager } from './task-manager.js'
import type { ThreadOptions } from './thread-options.js'

/** What of a thread the group's changes reach. */
export interface MembershipTargets {
  readonly tasks: TaskManager
  readonly committer: Committer
  readonly pump: RecordPump
  readonly safePoints: SafePoints
  /** Closes every task, without what is not committed, and forgets the assignment. */
  abandon(): Promise<void>
  failed(error: unknown): void
}

/** After this a rebalance is asked for when the assignment was not complete, ms. */
const followUpMs = 1_000

export class Membership implements GroupListener {
  readonly member: GroupMember
  readonly #o: ThreadOptions
  readonly #targets: () => MembershipTargets
  #assignedOnce = false
  #rejoinAtMs = Infinity

  /** `targets` is called once the member has started. */
  constructor(options: ThreadOptions, targets: () => MembershipTargets) {
    this.#o = options
    this.#targets = targets
    const { client, config, directory } = options
    this.member = client.groupMember({
      groupId: config.applicationId,
      instanceId: config.groupInstanceId,
      formerMemberId: directory.formerMemberId,
      sessionTimeoutMs: config.sessionTimeoutMs,
      rebalanceTimeoutMs: Math.max(60_000, config.sessionTimeoutMs),
      heartbeatIntervalMs: Math.max(1, Math.floor(config.sessionTimeoutMs / 15)),
      topics: options.topics,
      assignor: options.assignor,
      listener: this,
    })
  }

  /** Whether there is an assignment, and none to come as far as is known. */
  get isSettled(): boolean {
    return this.#assignedOnce && !this.member.rebalancing
  }

  /** Asks for another rebalance where the last assignment was not complete. */
  followUp(nowMs: number): void {
    if (nowMs < this.#rejoinAtMs) return
    this.#rejoinAtMs = Infinity
    if (!this.member.rebalancing) this.member.rejoin()
  }

  onMemberId(memberId: string): void {
    this.#o.directory.noteMemberId?.(memberId)
  }

  async onRevoked(partitions: readonly TopicPartition[]): Promise<void> {
    const { tasks, committer, pump, safePoints, failed } = this.#targets()
    await safePoints.at(async () => {
      const ids = tasks.affected(partitions)
      let abort = false
      try {
        // The old generation may still commit, for all tasks: they share one transaction.
        await committer.commit()
      } catch (error) {
        if (!isSurvivable(error)) throw error
        failed(error)
        abort = true
      }
      pump.stop(ids, tasks)
      await tasks.close(ids, { abort })
    })
  }

  async onAssigned(assignment: Assignment, _added: readonly TopicPartition[]): Promise<void> {
    const { tasks, committer, pump, safePoints } = this.#targets()
    await safePoints.at(async () => {
      const gone = tasks.assign(assignment.partitions)
      let failure: { readonly error: unknown } | undefined
      if (gone.length > 0) {
        // Tasks whose partitions became others, as with a pattern: they begin anew from a commit.
        try {
          await committer.commit()
        } catch (error) {
          failure = { error }
        }
        pump.stop(gone, tasks)
        await tasks.close(gone, { abort: failure !== undefined })
        tasks.assign(assignment.partitions)
      }
      this.#assignedOnce = true
      // Who gives tasks back joins again by itself; but it may be gone, or come back as a static
      // member, which starts no rebalance. Then somebody has to ask.
      this.#rejoinAtMs = isIncomplete(assignment) ? this.#o.clock.nowMs() + followUpMs : Infinity
      if (failure !== undefined) throw failure.error
    })
  }

  async onLost(): Promise<void> {
    const { safePoints, abandon } = this.#targets()
    await safePoints.at(async () => {
      this.#o.environmentLogger.warn(
        { application: this.#o.config.applicationId },
        'the group membership was lost; tasks are closed and the group is joined again',
      )
      await abandon()
    })
  }

  /** What is open is committed, so that no transaction waits for the slowest member. */
  async onRebalance(): Promise<void> {
    const { committer, safePoints } = this.#targets()
    await safePoints.at(() => committer.commit())
  }

  onError(error: Error): void {
    // The member has ended, so beginning again could not help, whatever kind of error it is.
    this.#targets().failed(new FinalError(error))
  }
}
