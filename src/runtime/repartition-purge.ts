// Deletes what was read from repartition topics: nobody reads it again once its offset is
// committed. Failures are ignored; the next round deletes more.
import { partitionKey, type Admin, type PartitionOffset } from '../kafka/client.js'
import type { StreamTask } from './stream-task.js'
import type { TaskEnvironment } from './task-environment.js'

const intervalMs = 30_000

/** Purges at most every 30 seconds, in the background. */
export class RepartitionPurge {
  readonly #admin: Admin
  readonly #environment: TaskEnvironment
  readonly #purged = new Map<string, number>()
  #lastMs: number
  #under: Promise<void> | undefined

  constructor(admin: Admin, environment: TaskEnvironment) {
    this.#admin = admin
    this.#environment = environment
    this.#lastMs = environment.clock.nowMs()
  }

  /** To be called when the tasks' offsets have just been committed. */
  afterCommit(tasks: readonly StreamTask[], nowMs: number): void {
    if (this.#under !== undefined || nowMs - this.#lastMs < intervalMs) return
    this.#lastMs = nowMs
    const before = tasks.flatMap((task) => this.#consumed(task))
    if (before.length === 0) return
    this.#under = this.#admin
      .deleteRecords(before)
      .then(() => {
        for (const p of before) this.#purged.set(partitionKey(p), p.offset)
      })
      .catch((error: unknown) =>
        this.#environment.logger.debug({ error }, 'repartition topics were not purged'),
      )
      .finally(() => (this.#under = undefined))
  }

  #consumed(task: StreamTask): Omit<PartitionOffset, 'metadata'>[] {
    const { names } = this.#environment
    const internal = new Set(
      task.subtopology.nodes.flatMap((n) =>
        n.kind === 'source' && !(n.topics instanceof RegExp)
          ? n.topics.filter((t) => names.isInternal(t)).map((t) => names.topic(t))
          : [],
      ),
    )
    return task.group.queues.flatMap(({ topic, partition }) => {
      const key = partitionKey({ topic, partition })
      const offset = task.committedOffsets.get(key)
      const isNew = offset !== undefined && offset > (this.#purged.get(key) ?? 0)
      return internal.has(topic) && isNew ? [{ topic, partition, offset }] : []
    })
  }
}
