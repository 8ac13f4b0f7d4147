// When a thread commits: at its interval, when a processor asks, or when too much is unsaved. What a
// commit does, and in which order, stands in commit.ts.
import type { Clock } from '../clock.js'
import type { GroupMember } from '../kafka/client.js'
import type { Counter } from '../metrics/streams-metrics.js'
import { commitTasks } from './commit.js'
import type { RecordCollector } from './record-collector.js'
import type { RepartitionPurge } from './repartition-purge.js'
import type { ResolvedConfig } from './streams-config.js'
import type { RunningTask } from './task-manager.js'
import type { UnitOfWork } from './unit-of-work.js'

/** What commits of a thread need. */
export interface CommitterOptions {
  readonly config: ResolvedConfig
  readonly clock: Clock
  readonly running: () => Iterable<RunningTask>
  readonly collector: RecordCollector
  readonly unit: UnitOfWork
  readonly member: GroupMember
  readonly purge: RepartitionPurge
  /** Waits for asynchronous processors. @throws what failed in the background */
  readonly settled: () => Promise<void>
  readonly committed: Counter
  /** For simulations. */
  readonly reached: ((step: string) => void | Promise<void>) | undefined
}

/** Commits all tasks of a thread together. */
export class Committer {
  readonly #o: CommitterOptions
  #lastMs: number

  constructor(options: CommitterOptions) {
    this.#o = options
    this.#lastMs = options.clock.nowMs()
  }

  /** When the next commit is due, if there is anything to commit by then. */
  get dueMs(): number {
    return this.#lastMs + this.#o.config.commitIntervalMs
  }

  async commitIfDue(): Promise<void> {
    const { config, clock, member, running } = this.#o
    let needed = false
    let requested = false
    let heldBytes = 0
    for (const { task } of running()) {
      if (!task.needsCommit) continue
      needed = true
      if (task.commitRequested) requested = true
      heldBytes += task.stores.heldBytes
    }
    if (!needed) return
    const nowMs = clock.nowMs()
    if (nowMs >= this.dueMs || requested || (this.#isFull() && !(await this.#makeRoom()))) {
      // A rebalance commits by itself before anything is taken away; one that lasts must not let the
      // transaction run out of time.
      const isLate = config.exactlyOnce && nowMs - this.#lastMs > config.transactionTimeoutMs / 2
      if (!member.rebalancing || isLate) await this.commit()
    } else if (config.cacheMaxBytes > 0 && heldBytes > config.cacheMaxBytes) {
      await this.#flushCaches()
    }
  }

  /** Whether changed rows take too much room. */
  #isFull(): boolean {
    return this.#dirtyBytes() > this.#o.config.persistBytes
  }

  /** Makes changed rows of very many keys smaller; false where that gives too little. */
  async #makeRoom(): Promise<boolean> {
    await this.#flushCaches()
    for (const { task } of this.#o.running()) task.stores.compact()
    return this.#dirtyBytes() <= 0.9 * this.#o.config.persistBytes
  }

  async #flushCaches(): Promise<void> {
    await this.#o.settled()
    for (const { task } of this.#o.running()) await task.flushCaches()
  }

  #dirtyBytes(): number {
    let bytes = 0
    for (const { task } of this.#o.running()) bytes += task.stores.dirtyBytes
    return bytes
  }

  /** Commits now, if there is anything to commit. */
  async commit(): Promise<void> {
    const { clock, collector, unit, member, purge, running, settled, committed, reached } = this.#o
    await settled()
    const tasks = [...running()].map(({ task }) => task)
    if (tasks.some((task) => task.needsCommit)) {
      await commitTasks(
        tasks,
        collector,
        (offsets) => unit.end(offsets, member),
        reached && ((step) => reached(`commit.${step}`)),
      )
      for (const each of running()) each.persistable = true
      committed.add()
      purge.afterCommit(tasks, clock.nowMs())
    }
    this.#lastMs = clock.nowMs()
  }
}
