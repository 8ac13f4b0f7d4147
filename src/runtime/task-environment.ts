// What the tasks of one stream thread share: names, services and limits. The test driver makes one
// of its own.
import type { Clock } from '../clock.js'
import type { Logger } from '../logger.js'
import type { StreamsMetrics } from '../metrics/streams-metrics.js'
import type { TaskStore } from '../state/state-store.js'
import type { FrozenTopology, Subtopology } from '../topology/topology-node.js'
import type { ErrorHandlers } from './error-handlers.js'
import type { RecordCollector } from './record-collector.js'

/** Names, services and limits of an application, as its tasks see them. */
export interface TaskEnvironment {
  readonly applicationId: string
  /** The application's folder below `stateDir`. */
  readonly stateDir: string
  /** The configuration as processors may read it. */
  readonly config: Readonly<Record<string, unknown>>
  readonly clock: Clock
  /** Of calls to the outside, where it is another: a test driver's own clock stands still meanwhile. */
  readonly callClock?: Clock | undefined
  readonly logger: Logger
  readonly metrics: StreamsMetrics
  readonly handlers: ErrorHandlers
  readonly collector: RecordCollector
  readonly names: TopicNames
  readonly globalStores: ReadonlyMap<string, TaskStore>
  readonly deadLetterTopic: string | undefined
  readonly maxTaskIdleMs: number
  /** Bytes of clean rows that each store may hold in memory. */
  readonly cacheBytes: number
  /** Bytes of rows on disk that each store may hold in memory besides, as bytes. */
  readonly packedBytes: number
  /** Whether record caches are on at all. */
  readonly recordCaches: boolean
  /** Whether stores watch the objects that became rows: in tests. */
  readonly guardsValues?: boolean | undefined
  /** Called when a task has something to do though no record came. */
  readonly wake?: (() => void) | undefined
}

/** The names of topics in the log: internal ones carry the application id. */
export class TopicNames {
  readonly #applicationId: string
  readonly #internal: ReadonlySet<string>
  readonly #sourceChangelogs: ReadonlyMap<string, string>

  constructor(applicationId: string, topology: FrozenTopology) {
    this.#applicationId = applicationId
    this.#internal = new Set(topology.repartitionTopics.map((t) => t.name))
    this.#sourceChangelogs = topology.sourceChangelogs
  }

  /** The name in the log of a topic as the topology has it. */
  topic(name: string): string {
    return this.#internal.has(name) ? `${this.#applicationId}-${name}` : name
  }

  /** Whether a pattern may match a topic: not those of the log itself, nor our own internal ones. */
  matchesPattern(topic: string): boolean {
    if (topic.startsWith('__')) return false
    const prefix = `${this.#applicationId}-`
    if (!topic.startsWith(prefix)) return true
    return !topic.endsWith('-changelog') && !this.#internal.has(topic.slice(prefix.length))
  }

  isInternal(name: string): boolean {
    return this.#internal.has(name)
  }

  /** The changelog of a store; for a reused or read-only source the source topic. */
  changelog(store: string): string {
    const source = this.#sourceChangelogs.get(store)
    return source === undefined ? `${this.#applicationId}-${store}-changelog` : this.topic(source)
  }

  /** Whether a store is restored from its source topic and logs nothing itself. */
  hasSourceChangelog(store: string): boolean {
    return this.#sourceChangelogs.has(store)
  }
}

/** All subtopologies as one, for a test driver that runs a single task `0_0`. */
export const mergeSubtopologies = (topology: FrozenTopology): Subtopology => ({
  id: 0,
  nodes: topology.subtopologies.flatMap((s) => s.nodes),
  stores: topology.subtopologies.flatMap((s) => s.stores),
})
