// The tasks of a test driver and the records on their way between them. Tasks, stores and commits
// are the production ones; what a stream thread gets from the log, they get from here.
import { rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { systemClock, VirtualClock } from '../clock.js'
import { IllegalStateError } from '../errors.js'
import { partitionKey } from '../kafka/client.js'
import { partitionOfKey } from '../kafka/partitioner.js'
import { silentLogger } from '../logger.js'
import { StreamsMetrics } from '../metrics/streams-metrics.js'
import { closeAll } from '../runtime/close-all.js'
import { commitTasks } from '../runtime/commit.js'
import { errorHandlers } from '../runtime/error-handlers.js'
import { globalTask } from '../runtime/global-task.js'
import { checkQueryable } from '../runtime/queried-store.js'
import { RecordCollector } from '../runtime/record-collector.js'
import { recordsOf } from '../runtime/record-source.js'
import { StreamTask } from '../runtime/stream-task.js'
import {
  mergeSubtopologies,
  TopicNames,
  type TaskEnvironment,
} from '../runtime/task-environment.js'
import { MemoryDatabase } from '../state/memory-database.js'
import type { TaskStore } from '../state/state-store.js'
import type { FrozenTopology, Subtopology } from '../topology/topology-node.js'
import type { DriverConfig } from './driver-config.js'
import { DriverTopics } from './driver-topics.js'
import { ProducedRecords, type PipedBytes, type ProducedBytes } from './test-records.js'
import { TestLog } from './test-log.js'

export interface DriverTasksOptions {
  readonly topology: FrozenTopology
  readonly config: DriverConfig
  readonly clock: VirtualClock
  /** Of every topic; absent: one task over all subtopologies that commits after each record. */
  readonly partitions: number | undefined
  /** Sees each record as it is produced. */
  readonly observe: ((record: ProducedBytes) => void) | undefined
}

/** Bytes of clean rows that a store may hold. */
const cacheBytes = 1 << 20
/** The same of rows on disk, as bytes. */
const packedBytes = 1 << 20

/** Processes records to the end, one at a time. */
export class DriverTasks {
  readonly produced = new ProducedRecords()
  readonly metrics = new StreamsMetrics()
  readonly topics: DriverTopics
  readonly #options: DriverTasksOptions
  readonly #names: TopicNames
  readonly #log: TestLog
  readonly #collector: RecordCollector
  readonly #global: StreamTask | undefined
  readonly #tasks: StreamTask[] = []
  readonly #readers = new Map<string, StreamTask[]>()
  readonly #ends = new Map<string, number>()
  #sent: ProducedBytes[] = []
  #initialized: Promise<void> | undefined
  #keyless = 0
  #lastCommitMs: number
  #lastPersistMs: number

  constructor(options: DriverTasksOptions) {
    const { topology, config, clock } = options
    this.#options = options
    this.#names = new TopicNames(config.applicationId, topology)
    this.topics = new DriverTopics(topology, this.#names, options.partitions)
    this.#lastCommitMs = this.#lastPersistMs = clock.nowMs()
    this.#log = new TestLog({
      clock,
      partitions: (topic) => this.topics.count(topic),
      transactionalId: this.#holds ? `${config.applicationId}-test-1` : undefined,
      transactionTimeoutMs: config.transactionTimeoutMs,
    })
    this.#collector = new RecordCollector({
      producer: this.#log,
      clock,
      maxRecordBytes: config.maxRequestSize,
      onSend: (topic, partition, key, value, timestampMs, headers) =>
        this.#onSend({ topic, partition, key, value, timestampMs, headers }),
    })
    const globals = [...this.topics.global].flatMap((topic) => this.topics.partitionsOf(topic))
    this.#global =
      globals.length === 0
        ? undefined
        : globalTask(topology, this.#globalEnvironment(), databases(), globals)
  }

  /** Names a topic that matches a pattern; tasks that exist already cannot read it. */
  addTopic(topic: string): void {
    if (!this.topics.isNew(topic)) return
    if (this.#tasks.length > 0)
      throw new IllegalStateError(
        `create the input topic ${topic} before the first record: the tasks that read its pattern are running`,
      )
    this.topics.add(topic)
  }

  /** Delivers one record and processes until nothing is left. @throws what processing throws */
  async pipe(record: PipedBytes): Promise<void> {
    this.addTopic(record.topic)
    await this.#initialize()
    const { topic, key } = record
    const partitions = this.topics.count(topic)
    const partition =
      record.partition ??
      (key === null ? this.#keyless++ % partitions : partitionOfKey(key, partitions))
    if (!(Number.isInteger(partition) && partition >= 0 && partition < partitions))
      throw new RangeError(
        `${topic} has no partition ${partition}: it has ${partitions}, see the driver's option partitions`,
      )
    await this.#deliver({ ...record, partition })
    await this.#work()
  }

  /** Moves the wall clock, runs what is due on it, each schedule once, and what follows. */
  async advance(ms: number): Promise<void> {
    // Schedules are made before time moves: they count from the start of the driver.
    await this.#initialize()
    this.#options.clock.advance(ms)
    for (const task of this.#tasks) {
      task.systemTimeMs = this.#options.clock.nowMs()
      await task.punctuateWall()
    }
    const asked = this.#tasks.some(({ commitRequested }) => commitRequested)
    if (this.#options.partitions === undefined || asked || this.#commitIsDue()) await this.commit()
    await this.#deliverSent()
    await this.#work()
  }

  /** Commits all tasks, and processes what that let through. */
  async commit(): Promise<void> {
    await this.#initialize()
    await this.#commit()
    await this.#deliverSent()
    await this.#work()
  }

  /** What a step failed with is no matter of the next one. */
  async forgetFailure(): Promise<void> {
    for (const task of this.#tasks) await task.forgetFailure()
  }

  /** A store of a partition's task, or a global one; `undefined` when there is none of that name. */
  store(name: string, partition: number | undefined): TaskStore | undefined {
    this.#start()
    const global = this.#global?.stores.get(name)
    if (global !== undefined) return global
    for (const task of this.#tasks)
      if (partition === undefined || task.partition === partition) {
        const store = task.stores.get(name)
        if (store !== undefined) return store
      }
    return undefined
  }

  /**
   * The stores of that name in all tasks, for queries.
   * @throws StateStoreError when there is none, or it may not be asked
   */
  queried(name: string): readonly TaskStore[] {
    checkQueryable(this.#options.topology, name)
    this.#start()
    return [...(this.#global === undefined ? [] : [this.#global]), ...this.#tasks]
      .map((task) => task.stores.get(name))
      .filter((store) => store !== undefined)
  }

  async close(): Promise<void> {
    try {
      closeAll([...this.#tasks.map((task) => () => task.close()), () => this.#global?.close()])
    } finally {
      await this.#log.close()
      const { ownsStateDir, stateDir } = this.#options.config
      if (ownsStateDir) await rm(stateDir, { recursive: true, force: true })
    }
  }

  // ---------- making tasks

  #start(): void {
    if (this.#tasks.length > 0) return
    const { topology, partitions } = this.#options
    const parts = partitions === undefined ? [mergeSubtopologies(topology)] : topology.subtopologies
    for (const part of parts) this.#addTasks(part)
  }

  /** One task per partition of the widest source. */
  #addTasks(part: Subtopology): void {
    const all = this.topics.readBy(part).flatMap((topic) => this.topics.partitionsOf(topic))
    const width = Math.max(1, ...all.map(({ partition }) => partition + 1))
    for (let partition = 0; partition < width; partition++) {
      const sources = all.filter((source) => source.partition === partition)
      const task = new StreamTask({
        taskId: `${part.id}_${partition}`,
        partition,
        subtopology: part,
        environment: this.#environment(this.#globalStores()),
        databases: databases(),
        sources,
      })
      this.#tasks.push(task)
      for (const source of sources) {
        const readers = this.#readers.get(partitionKey(source)) ?? []
        this.#readers.set(partitionKey(source), [...readers, task])
      }
    }
  }

  #globalStores(): ReadonlyMap<string, TaskStore> {
    return new Map(this.#global?.stores.all.map(({ spec, store }) => [spec.name, store]))
  }

  /** Global stores skip what cannot be read, as in Kafka Streams (semantics 25.6). */
  #globalEnvironment(): TaskEnvironment {
    const { given } = this.#options.config
    const handlers = errorHandlers({ ...given, deserializationHandler: 'continue' })
    return { ...this.#environment(new Map()), handlers }
  }

  #environment(globalStores: ReadonlyMap<string, TaskStore>): TaskEnvironment {
    const { config, clock } = this.#options
    return {
      applicationId: config.applicationId,
      stateDir: resolve(config.stateDir, config.applicationId),
      config: config.handled,
      clock,
      // A step waits for the calls that it began, and while it waits no test moves its clock.
      callClock: systemClock,
      logger: silentLogger,
      metrics: this.metrics,
      handlers: errorHandlers(config.given),
      collector: this.#collector,
      names: this.#names,
      globalStores,
      deadLetterTopic: config.deadLetterTopic,
      maxTaskIdleMs: -1,
      cacheBytes,
      packedBytes,
      recordCaches: config.cacheMaxBytes > 0,
      guardsValues: true,
    }
  }

  /** Once: a supplier that throws has tasks behind it that are made, and would be made again. */
  #initialize(): Promise<void> {
    return (this.#initialized ??= this.#initializeAll())
  }

  async #initializeAll(): Promise<void> {
    this.#start()
    if (this.#global !== undefined) await this.#global.initialize()
    for (const task of this.#tasks) await task.initialize()
    await this.#log.open()
  }

  // ---------- records

  #onSend(record: ProducedBytes): void {
    this.#options.observe?.(record)
    this.#sent.push(record)
  }

  /** Under exactly-once nobody sees a record before its commit. */
  get #holds(): boolean {
    return this.#options.partitions !== undefined && this.#options.config.exactlyOnce
  }

  /** What was produced goes to those who read it, in order of production. */
  async #deliverSent(committed = !this.#holds): Promise<void> {
    if (!committed) return
    const sent = this.#sent
    this.#sent = []
    for (const record of sent) {
      this.produced.add(record)
      await this.#deliver({
        ...record,
        timestampMs: record.timestampMs ?? this.#options.clock.nowMs(),
      })
    }
  }

  async #deliver(record: PipedBytes & { readonly partition: number }): Promise<void> {
    const { topic, partition } = record
    const key = partitionKey(record)
    const readers = this.#readers.get(key)
    const isGlobal = this.topics.global.has(topic)
    if (readers === undefined && !isGlobal) return
    const offset = this.#ends.get(key) ?? 0
    this.#ends.set(key, offset + 1)
    const raw = { ...record, offset }
    for (const task of readers ?? [])
      task.addRecords({ topic, partition }, [recordsOf([raw])], 1, offset + 1)
    if (isGlobal) {
      this.#global!.addRecords({ topic, partition }, [recordsOf([raw])], 1, offset + 1)
      await this.#updateGlobal()
    }
  }

  async #updateGlobal(): Promise<void> {
    const task = this.#global!
    task.systemTimeMs = this.#options.clock.nowMs()
    while (await task.process()) continue
    await commitTasks([task], this.#collector, async () => {})
  }

  /** One record of each task in turn, until no task has any. */
  async #work(): Promise<void> {
    for (let worked = true; worked;) {
      worked = false
      for (const task of this.#tasks) {
        task.systemTimeMs = this.#options.clock.nowMs()
        if (task.group.isEmpty) {
          // A driver has no later moment: what calls left open goes on now.
          await task.settle()
          if (this.#sent.length === 0 || this.#holds) continue
          worked = true
          await this.#deliverSent()
          continue
        }
        worked = true
        await task.process()
        await task.punctuateStream()
        await this.#commitIfDue(task)
        await this.#deliverSent()
      }
    }
  }

  // ---------- commits

  async #commitIfDue(task: StreamTask): Promise<void> {
    const { partitions, config } = this.#options
    const isFull = task.stores.heldBytes > config.cacheMaxBytes
    if (partitions === undefined || task.commitRequested || isFull) await this.#commit()
  }

  #commitIsDue(): boolean {
    const { clock, config } = this.#options
    return clock.nowMs() - this.#lastCommitMs > config.commitIntervalMs
  }

  async #commit(): Promise<void> {
    const nowMs = this.#options.clock.nowMs()
    await commitTasks(this.#tasks, this.#collector, () => this.#log.end())
    this.#lastCommitMs = nowMs
    await this.#deliverSent(true)
    if (nowMs - this.#lastPersistMs < this.#options.config.persistIntervalMs) return
    this.#lastPersistMs = nowMs
    for (const task of this.#tasks) await task.persist()
  }
}

/** Every engine in memory: how a store lies and scans follows from its spec, not from the database. */
const databases = () => ({ leveldb: new MemoryDatabase(), memory: new MemoryDatabase() })
