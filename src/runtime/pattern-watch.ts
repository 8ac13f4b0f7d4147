// Looks for topics that begin to match the pattern of a source, or are gone: the group is asked to
// assign anew then.
import type { Clock, Timer } from '../clock.js'
import type { Admin } from '../kafka/client.js'
import type { Logger } from '../logger.js'
import type { FrozenTopology } from '../topology/topology-node.js'
import { matchingTopics } from './internal-topics.js'
import type { TopicNames } from './task-environment.js'

const intervalMs = 30_000

/** What to look for, and whom to tell. */
export interface PatternWatchOptions {
  readonly topology: FrozenTopology
  readonly names: TopicNames
  readonly admin: Admin
  readonly clock: Clock
  readonly logger: Logger
  readonly changed: () => void
}

/** Looks every 30 seconds, until it is stopped. */
export class PatternWatch {
  readonly #o: PatternWatchOptions
  #known: string | undefined
  #timer: Timer | undefined
  #stopped = false

  constructor(options: PatternWatchOptions) {
    this.#o = options
    void this.#look()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  async #look(): Promise<void> {
    const { topology, names, admin, clock, logger, changed } = this.#o
    try {
      const topics = (await matchingTopics(topology, names, admin)).toSorted().join('\n')
      if (this.#stopped) return
      if (this.#known !== undefined && this.#known !== topics) {
        logger.info({}, 'topics that match a pattern have changed; tasks are assigned anew')
        changed()
      }
      this.#known = topics
    } catch (error) {
      logger.debug({ error }, 'topics could not be listed')
    }
    if (!this.#stopped) this.#timer = clock.setTimer(intervalMs, () => void this.#look())
  }
}
