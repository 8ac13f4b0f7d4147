// Deletes the folders of tasks that moved away. A folder has to be without an owner for the whole
// delay while this process looks on, so a task that comes back soon finds its rows.
import type { Clock } from '../clock.js'
import type { Logger } from '../logger.js'
import type { StateDirectory } from './state-directory.js'

export interface StateCleanerOptions {
  readonly directory: Pick<StateDirectory, 'taskIds' | 'remove'>
  /** `stateCleanupDelayMs`; `Infinity`: never. */
  readonly delayMs: number
  readonly clock: Clock
  readonly logger: Logger
}

/** The longest time between two looks at the folders, ms. */
const maxIntervalMs = 30_000

export class StateCleaner {
  readonly #o: StateCleanerOptions
  /** Since when a folder was seen without an owner, ms. */
  readonly #sinceMs = new Map<string, number>()
  #nextLookMs = 0

  constructor(options: StateCleanerOptions) {
    this.#o = options
  }

  /** The task is here: its folder is in use from now on. */
  keep(id: string): void {
    this.#sinceMs.delete(id)
  }

  /** Looks, now and then, for folders of tasks other than `owned`. */
  clean(owned: ReadonlyMap<string, unknown>): void {
    const { directory, delayMs, clock, logger } = this.#o
    const nowMs = clock.nowMs()
    if (nowMs < this.#nextLookMs || delayMs === Infinity) return
    this.#nextLookMs = nowMs + Math.min(delayMs, maxIntervalMs)
    for (const task of this.#folders()) {
      if (owned.has(task)) continue
      const sinceMs = this.#sinceMs.get(task) ?? nowMs
      this.#sinceMs.set(task, sinceMs)
      if (nowMs - sinceMs < delayMs) continue
      this.#sinceMs.delete(task)
      logger.info({ task }, 'the task has been elsewhere for long; its folder is deleted')
      directory.remove(task).catch((error: unknown) => {
        logger.warn({ task, error }, 'the folder of a task that moved away could not be deleted')
      })
    }
  }

  /** None when the disk does not answer: cleaning up is no reason to stop. */
  #folders(): readonly string[] {
    try {
      return this.#o.directory.taskIds()
    } catch (error) {
      this.#o.logger.warn({ error }, 'the state directory could not be listed')
      return []
    }
  }
}
