// What a stream thread is given.
import type { Clock } from '../clock.js'
import type { Assignor, Client } from '../kafka/client.js'
import type { Logger } from '../logger.js'
import type { Counter } from '../metrics/streams-metrics.js'
import type { Database } from '../state/bytes-store.js'
import type { FrozenTopology } from '../topology/topology-node.js'
import type { RecordCollector } from './record-collector.js'
import type { StateDirectory } from './state-directory.js'
import type { ResolvedConfig } from './streams-config.js'
import type { TaskEnvironment } from './task-environment.js'

/** What a thread tells its application. */
export interface ThreadEvents {
  /** Tasks or group changed: `isRunning` may be another. */
  changed(): void
  /** It cannot go on and is closing. */
  failing(error: unknown): void
  /** It is closed after a failure. */
  failed(error: unknown): void
}

/** Everything that a thread stands on. */
export interface ThreadOptions {
  readonly topology: FrozenTopology
  readonly config: ResolvedConfig
  readonly client: Client
  readonly directory: StateDirectory
  readonly clock: Clock
  readonly environmentLogger: Logger
  readonly environment: (collector: RecordCollector) => TaskEnvironment
  readonly memoryDatabase: () => Database
  readonly topics: () => readonly string[]
  readonly assignor: Assignor
  readonly committed: Counter
  readonly events: ThreadEvents
  /** Gives the event loop its turn. */
  readonly yieldTurn: () => Promise<void>
  readonly delay: (ms: number) => Promise<void>
  /** For simulations: awaited at the steps of opening, commit and persist. */
  readonly reached?: ((step: string) => void | Promise<void>) | undefined
}
