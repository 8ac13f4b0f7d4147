// One application with everything it stands on injected; `KafkaStreams` is its public face, and
// simulations make their own.
import { delay, type Clock, type Timer } from '../clock.js'
import { IllegalStateError } from '../errors.js'
import type { Client } from '../kafka/client.js'
import type { Logger } from '../logger.js'
import { StreamsMetrics } from '../metrics/streams-metrics.js'
import type { Database } from '../state/bytes-store.js'
import type { TaskStore } from '../state/state-store.js'
import type { FrozenTopology } from '../topology/topology-node.js'
import { errorHandlers } from './error-handlers.js'
import { GlobalState } from './global-state.js'
import { hasPatterns, prepareInternalTopics, sourceTopics } from './internal-topics.js'
import type { LocalStore } from './local-store.js'
import { PartitionAssignor } from './partition-assignor.js'
import { PatternWatch } from './pattern-watch.js'
import { queriedStore } from './queried-store.js'
import { reach } from './reach.js'
import { RecordCollector } from './record-collector.js'
import type { StateDirectory } from './state-directory.js'
import { StateMachine, type StateListener, type StreamsState } from './streams-state.js'
import { StreamThread } from './stream-thread.js'
import type { ResolvedConfig } from './streams-config.js'
import { TopicNames, type TaskEnvironment } from './task-environment.js'
import { checkTopology } from './topology-checks.js'

/** Everything that is not the program itself. */
export interface StreamsSeams {
  readonly clock: Clock
  readonly openClient: () => Promise<Client>
  readonly openDirectory: () => StateDirectory
  readonly memoryDatabase: () => Database
  readonly yieldTurn: () => Promise<void>
  /** For simulations: awaited at the steps of opening, commit and persist. */
  readonly reached?: ((step: string) => void | Promise<void>) | undefined
}

/** What closing may take after everything in flight was rejected, ms. */
const cutOffMs = 2_000
/** Clean rows that each store may hold, bytes. */
const cacheBytes = 16 * 2 ** 20

/** Runs a topology. */
export class StreamsApplication {
  readonly metrics = new StreamsMetrics()
  readonly #topology: FrozenTopology
  readonly #config: ResolvedConfig
  readonly #seams: StreamsSeams
  readonly #logger: Logger
  readonly #names: TopicNames
  readonly #machine = new StateMachine()
  #client: Client | undefined
  #directory: StateDirectory | undefined
  #global: GlobalState | undefined
  #thread: StreamThread | undefined
  #patterns: PatternWatch | undefined
  #failure: unknown
  #closing: Promise<void> | undefined

  /** @throws TopologyError when topology and configuration do not go together */
  constructor(topology: FrozenTopology, config: ResolvedConfig, seams: StreamsSeams) {
    this.#topology = topology
    this.#config = config
    this.#seams = seams
    this.#logger = config.logger
    this.#names = new TopicNames(config.applicationId, topology)
    checkTopology(topology, config)
  }

  get state(): StreamsState {
    return this.#machine.state
  }

  /** What ended it, in state ERROR. */
  get failure(): unknown {
    return this.#failure
  }

  /** What it is busy with, for logs and tests. */
  describe(): string {
    const thread = this.#thread
    if (thread === undefined) return `${this.state}, no thread yet`
    const { tasks, member } = thread
    const group = member.metadata()
    const tasksText = tasks.assignedIds
      .map((id) => `${id}${tasks.running.has(id) ? '' : ' opening'}`)
      .join(' ')
    return `${this.state}, generation ${group?.generationId ?? 'none'}${member.rebalancing ? ' rebalancing' : ''}, tasks ${tasksText || 'none'}, ${thread.describe()}`
  }

  listen(listener: StateListener): () => void {
    return this.#machine.listen(listener)
  }

  /**
   * Resolves at the first RUNNING.
   * @throws IllegalStateError when it was started before; what ends it before RUNNING
   */
  start(): Promise<void> {
    if (this.state !== 'CREATED')
      return Promise.reject(
        new IllegalStateError(
          `start() is possible once, in state CREATED; this application is ${this.state}. Make a new KafkaStreams to start again`,
        ),
      )
    const started = this.#firstRunning()
    this.#machine.change('REBALANCING')
    void this.#boot()
    return started
  }

  /** Commits, persists, leaves the group; gives up after `timeoutMs`. Resolves when all is closed. */
  close(timeoutMs = this.#config.closeTimeoutMs): Promise<void> {
    if (this.state === 'ERROR' || this.state === 'NOT_RUNNING') return Promise.resolve()
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  /**
   * A store as queries see it.
   * @throws StateStoreError for an unknown name
   */
  store(name: string): LocalStore {
    return queriedStore(this.#topology, name, () => ({
      state: this.state,
      global: this.#global,
      tasks: this.#thread?.tasks,
    }))
  }

  #firstRunning(): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = this.#machine.listen((next) => {
        if (next === 'REBALANCING' || next === 'PENDING_ERROR') return
        stop()
        if (next === 'RUNNING') resolve()
        else if (next === 'ERROR') reject(this.#failure as Error)
        else reject(new IllegalStateError('closed before it was running'))
      })
    })
  }

  // ---------- starting

  async #boot(): Promise<void> {
    try {
      this.#directory = this.#seams.openDirectory()
      const client = await this.#seams.openClient()
      this.#client = client
      await this.#reach(() => client.admin.describeTopics(this.#subscription()))
      if (this.#isEnding) return
      await this.#openGlobalStores(client)
      if (this.#isEnding) return
      const thread = (this.#thread = this.#makeThread(client))
      await this.#reach(() => thread.start())
      if (hasPatterns(this.#topology) && !this.#isEnding)
        this.#patterns = new PatternWatch({
          topology: this.#topology,
          names: this.#names,
          admin: client.admin,
          clock: this.#seams.clock,
          logger: this.#logger,
          changed: () => thread.member.rejoin(),
        })
    } catch (error) {
      if (!this.#isEnding) await this.#fail(error)
    }
  }

  async #openGlobalStores(client: Client): Promise<void> {
    if (this.#topology.globalStores.length === 0) return
    this.#global = await GlobalState.open({
      topology: this.#topology,
      environment: this.#environment(
        // Global stores send nothing.
        new RecordCollector({ producer: client.producer(), clock: this.#seams.clock }),
        new Map(),
      ),
      client,
      isolation: this.#config.exactlyOnce ? 'read_committed' : 'read_uncommitted',
      directory: this.#directory!,
      memoryDatabase: this.#seams.memoryDatabase,
      persistIntervalMs: this.#config.persistIntervalMs,
      yieldTurn: this.#seams.yieldTurn,
      failed: (error) => void this.#fail(error),
    })
    this.#global.follow()
  }

  #makeThread(client: Client): StreamThread {
    const { clock, memoryDatabase, yieldTurn, reached } = this.#seams
    const directory = this.#directory!
    const counts = (): Promise<ReadonlyMap<string, number>> =>
      prepareInternalTopics({
        topology: this.#topology,
        names: this.#names,
        admin: client.admin,
        replicationFactor: this.#config.replicationFactor,
        topicConfig: this.#config.topicConfig,
        logger: this.#logger,
      })
    this.metrics.gauge('task-count', {}, () => this.#thread?.tasks.running.size ?? 0)
    this.metrics.gauge(
      'restore-remaining-records-total',
      {},
      () => this.#thread?.recordsToRestore ?? 0,
    )
    this.metrics.gauge('records-lag', {}, () => this.#thread?.lag ?? 0)
    return new StreamThread({
      topology: this.#topology,
      config: this.#config,
      client,
      directory,
      clock,
      environmentLogger: this.#logger,
      environment: (collector) => this.#environment(collector, this.#global?.stores ?? new Map()),
      memoryDatabase,
      topics: () => this.#subscription(),
      assignor: new PartitionAssignor({
        topology: this.#topology,
        names: this.#names,
        memberData: () => ({ processId: directory.processId, stored: directory.taskIds() }),
        prepare: counts,
      }),
      committed: this.metrics.counter('commit-total'),
      events: {
        changed: () => this.#changed(),
        failing: (error) => this.#failing(error),
        failed: (error) => void this.#fail(error),
      },
      yieldTurn,
      delay: (ms) => delay(clock, ms),
      reached,
    })
  }

  #environment(
    collector: RecordCollector,
    globalStores: ReadonlyMap<string, TaskStore>,
  ): TaskEnvironment {
    const config = this.#config
    return {
      applicationId: config.applicationId,
      stateDir: this.#directory!.directory,
      config: config.given as unknown as Readonly<Record<string, unknown>>,
      clock: this.#seams.clock,
      logger: this.#logger,
      metrics: this.metrics,
      handlers: errorHandlers(config.given),
      collector,
      names: this.#names,
      globalStores,
      deadLetterTopic: config.deadLetterTopic,
      maxTaskIdleMs: config.maxTaskIdleMs,
      cacheBytes,
      packedBytes: config.rowCacheBytes,
      recordCaches: config.cacheMaxBytes > 0,
    }
  }

  #subscription(): string[] {
    const all = this.#topology.subtopologies.flatMap((s) => sourceTopics(s, this.#names, []))
    return [...new Set(all)]
  }

  /** Tries again while the log cannot be reached, up to `startTimeoutMs`. */
  #reach(attempt: () => Promise<unknown>): Promise<void> {
    return reach(attempt, {
      clock: this.#seams.clock,
      logger: this.#logger,
      timeoutMs: this.#config.startTimeoutMs,
      isEnding: () => this.#isEnding,
    })
  }

  // ---------- changes and the end

  get #isEnding(): boolean {
    return this.#machine.isEnding
  }

  #changed(): void {
    if (this.#isEnding) return
    this.#machine.change(this.#thread?.isRunning === true ? 'RUNNING' : 'REBALANCING')
  }

  #failing(error: unknown): void {
    if (this.#isEnding) return
    this.#failure = error
    this.#logger.error({ error }, 'the application ends with an error')
    this.#machine.change('PENDING_ERROR')
  }

  async #fail(error: unknown): Promise<void> {
    this.#failing(error)
    if (this.state !== 'PENDING_ERROR') return
    await this.#closeParts()
    this.#machine.change('ERROR')
  }

  async #close(timeoutMs: number): Promise<void> {
    const failing = this.state === 'PENDING_ERROR'
    if (!failing) this.#machine.change('PENDING_SHUTDOWN')
    const { clock } = this.#seams
    const timers: Timer[] = []
    const outOfTime = new Promise<void>((resolve) => {
      const cut = (): void => {
        this.#logger.warn(
          { timeoutMs },
          'closing took too long; what was not committed is processed again',
        )
        // Rejects whatever is in flight, so that everything that waits comes to its end.
        void this.#client?.close().catch(() => {})
        this.#thread?.giveUp()
        timers.push(clock.setTimer(cutOffMs, resolve))
      }
      timers.push(clock.setTimer(timeoutMs, cut))
    })
    await Promise.race([this.#closeParts(), outOfTime])
    for (const timer of timers) timer.cancel()
    this.#directory?.release()
    this.#machine.change(failing ? 'ERROR' : 'NOT_RUNNING')
  }

  async #closeParts(): Promise<void> {
    const parts: (() => Promise<void> | void)[] = [
      () => this.#patterns?.stop(),
      () => this.#thread?.close(),
      () => this.#global?.close(),
      () => this.#client?.close(),
      () => this.#directory?.release(),
    ]
    for (const part of parts)
      try {
        await part()
      } catch (error) {
        this.#logger.error({ error }, 'closing')
      }
  }
}
