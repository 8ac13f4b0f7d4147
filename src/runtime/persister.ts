// Writes committed rows to the disk, apart from commits: every few seconds, or when too many bytes
// wait. It runs in the background, one persist per task at a time.
import type { Clock } from '../clock.js'
import type { ResolvedConfig } from './streams-config.js'
import type { RunningTask } from './task-manager.js'

/** How often to persist, and whom to tell of a failure. */
export interface PersisterOptions {
  readonly config: Pick<ResolvedConfig, 'persistIntervalMs' | 'persistBytes'>
  readonly clock: Clock
  readonly failed: (error: unknown) => void
  /** For simulations. */
  readonly reached: ((step: string) => void | Promise<void>) | undefined
}

/** Decides when the stores of which task are persisted. */
export class Persister {
  readonly #o: PersisterOptions

  constructor(options: PersisterOptions) {
    this.#o = options
  }

  /** Begins what is due. */
  persistWhereDue(tasks: Iterable<RunningTask>): void {
    const { config, clock } = this.#o
    const nowMs = clock.nowMs()
    for (const running of tasks) {
      const { task } = running
      if (running.persisting !== undefined || task.subtopology.stores.length === 0) continue
      const pinned = task.stores.pinnedBytes
      const due = nowMs - running.persistedAtMs >= config.persistIntervalMs
      // What is pinned by the open transaction alone cannot be written yet.
      if (pinned === 0 || !running.persistable || (!due && pinned <= config.persistBytes)) continue
      running.persistable = false
      running.persistedAtMs = nowMs
      running.persisting = this.#persist(running)
    }
  }

  /** When a task has to be looked at again, ms. */
  dueMs(running: RunningTask): number {
    const isWaiting =
      running.persisting === undefined && running.persistable && running.task.stores.pinnedBytes > 0
    return isWaiting ? running.persistedAtMs + this.#o.config.persistIntervalMs : Infinity
  }

  async #persist(running: RunningTask): Promise<void> {
    const { reached, failed } = this.#o
    try {
      await reached?.('persist.begun')
      await running.task.persist()
      await reached?.('persist.done')
    } catch (error) {
      failed(error)
    } finally {
      running.persisting = undefined
    }
  }
}
