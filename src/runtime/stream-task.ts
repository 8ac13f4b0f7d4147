// One subtopology over one partition: its queues, nodes and stores. A stream thread or the test
// driver adds records, lets it process, punctuates it and commits it; it starts nothing by itself.
import { ProcessingError, StreamsError } from '../errors.js'
import { partitionKey, type PartitionOffset, type TopicPartition } from '../kafka/client.js'
import type { Counter } from '../metrics/streams-metrics.js'
import type { TaskStore } from '../state/state-store.js'
import type { NodeProcessor } from '../topology/processor.js'
import type { ProcessorNode, SinkNode, SourceNode, Subtopology } from '../topology/topology-node.js'
import { closeAll } from './close-all.js'
import type { CommittableTask } from './commit.js'
import { decodeMetadata, encodeMetadata } from './committed-metadata.js'
import { reasonOf } from './error-handlers.js'
import { NodeRunner, runAll } from './node-runner.js'
import { PartitionGroup, type LagOf } from './partition-group.js'
import { TaskNodeContext } from './processor-context.js'
import type { PunctuationQueue } from './punctuation-queue.js'
import { RecordQueue } from './record-queue.js'
import type { RecordSource } from './record-source.js'
import { SinkProcessor } from './sink-node.js'
import { SourceDecoder } from './source-decoder.js'
import type { TaskEnvironment } from './task-environment.js'
import { TaskHost } from './task-host.js'
import { TaskStores, type TaskDatabases } from './task-stores.js'

/** What a task is made of. */
export interface StreamTaskOptions {
  /** Such as `0_3`. */
  readonly taskId: string
  readonly partition: number
  readonly subtopology: Subtopology
  readonly environment: TaskEnvironment
  readonly databases: TaskDatabases
  /** The partitions of source topics that it reads, by their names in the log. */
  readonly sources: readonly TopicPartition[]
  /** False for global stores, which log nothing. */
  readonly logsStores?: boolean | undefined
  /** What is known of a partition's records that are not fetched; by default: none are left. */
  readonly lagOf?: LagOf | undefined
}

/** A task; the order of calls: constructor, restore its stores, `initialize`, then records. */
export class StreamTask extends TaskHost implements CommittableTask {
  readonly subtopology: Subtopology
  readonly stores: TaskStores
  readonly group: PartitionGroup
  readonly #lagOf: LagOf
  readonly #queues = new Map<string, RecordQueue>()
  readonly #runners = new Map<string, NodeRunner>()
  readonly #sinks: SinkProcessor[] = []
  readonly #processed: Counter
  readonly #committedOffsets = new Map<string, number>()
  /** Nodes that may leave work open, in topological order. */
  readonly #settling: NodeProcessor[] = []

  constructor(options: StreamTaskOptions) {
    const { environment, subtopology } = options
    super(options.taskId, options.partition, environment)
    this.subtopology = subtopology
    this.#lagOf = options.lagOf ?? (() => 0)
    this.#processed = environment.metrics.counter('process-total', { task: this.taskId })
    this.stores = new TaskStores(subtopology.stores, {
      databases: options.databases,
      host: this,
      environment,
      logs: options.logsStores ?? true,
    })
    for (const node of subtopology.nodes)
      this.#runners.set(node.name, new NodeRunner(node.name, this))
    for (const node of subtopology.nodes)
      if (node.kind !== 'source')
        for (const parent of node.parents)
          this.#runners.get(parent)!.children.push(this.#runners.get(node.name)!)
    for (const source of options.sources) this.#addQueue(source)
    this.group = new PartitionGroup([...this.#queues.values()], environment.maxTaskIdleMs)
  }

  // ---------- what the task reads

  /** Makes sinks and processors, in topological order, once the stores are restored. */
  async initialize(): Promise<void> {
    const { collector, deadLetterTopic } = this.environment
    await this.stores.restored()
    for (const node of this.subtopology.nodes) {
      const runner = this.#runners.get(node.name)!
      if (node.kind === 'sink') this.#addSink(node, runner)
    }
    for (const sink of this.#sinks) await sink.prepare()
    if (deadLetterTopic !== undefined)
      await collector.prepare(collector.writer(deadLetterTopic), 'is the deadLetterTopic')
    for (const node of this.subtopology.nodes)
      if (node.kind === 'processor') this.#addProcessor(node, this.#runners.get(node.name)!)
    for (const queue of this.#queues.values()) {
      const { children } = queue.runner
      if (children.every(({ processor }) => processor?.ignoresValues === true)) queue.ignoreValues()
      if (children.every(({ processor }) => processor?.forgetsRecords === true))
        queue.reuseRecords()
    }
  }

  /** Takes over what was committed beside an offset: partition time, stream time, emit times. */
  restoreTimes(source: TopicPartition, metadata: string): void {
    const found = decodeMetadata(metadata)
    const queue = this.#queues.get(partitionKey(source))
    if (queue === undefined) return
    if (found === undefined) {
      if (metadata !== '')
        this.environment.logger.warn(
          { task: this.taskId, ...source },
          'ignored committed offset metadata that cannot be read',
        )
      return
    }
    queue.partitionTimeMs = found.partitionTimeMs
    if (found.partitionTimeMs > this.group.streamTimeMs)
      this.group.streamTimeMs = found.partitionTimeMs
    for (const [name, ms] of found.times)
      this.times.set(name, Math.max(ms, this.times.get(name) ?? ms))
  }

  /** Notes the offset that processing of a partition starts from, committed earlier. */
  startedAt(source: TopicPartition, committed: number | undefined): void {
    if (committed !== undefined) this.#committedOffsets.set(partitionKey(source), committed)
  }

  /** The queue of a partition. */
  queue(source: TopicPartition): RecordQueue | undefined {
    return this.#queues.get(partitionKey(source))
  }

  /** Buffers records of a partition, in offset order. `nextOffset` is the position after them. */
  addRecords(
    source: TopicPartition,
    records: readonly RecordSource[],
    byteLength: number,
    nextOffset: number,
  ): void {
    const queue = this.#queues.get(partitionKey(source))
    if (queue === undefined)
      throw new StreamsError(`task ${this.taskId} does not read ${partitionKey(source)}`, {
        task: this.taskId,
      })
    this.group.add(queue, records, byteLength, nextOffset)
    this.work = true
  }

  // ---------- processing

  /** Whether a record may be processed now (`max.task.idle.ms`). */
  get ready(): boolean {
    return this.group.ready(this.systemTimeMs, this.#lagOf)
  }

  /**
   * Processes the next record; false when none may be processed now. A promise is returned only
   * when a processor was asynchronous; nothing else of this task may run until it settles.
   * @throws the error to end with; the record counts as taken then.
   */
  process(): boolean | Promise<boolean> {
    if (this.outside.length > 0) return this.#runLater()
    const { group } = this
    if (!group.ready(this.systemTimeMs, this.#lagOf)) return false
    const queue = group.peek()!
    this.taken = queue
    this.work = true
    const record = group.take(queue)
    this.node = queue.runner
    this.record = record
    try {
      const result = runAll(queue.runner.children, record)
      if (result !== undefined || this.kept.length > 0) return this.#processLater(result)
    } catch (error) {
      this.leave()
      this.fatal = undefined
      throw this.ofThisTask(error)
    }
    this.leave()
    this.#processed.add()
    if (this.fatal !== undefined) this.throwFatal()
    return true
  }

  /**
   * Processes up to `limit` records; gives the number, or a promise of it as soon as a processor
   * was asynchronous.
   */
  processUpTo(limit: number): number | Promise<number> {
    for (let count = 0; count < limit; count++) {
      const processed = this.process()
      if (processed === false) return count
      if (processed !== true) return processed.then((done) => count + (done ? 1 : 0))
    }
    return limit
  }

  /** Runs the stream-time callbacks that are due; whether any ran. */
  punctuateStream(): boolean | Promise<boolean> {
    if (this.group.streamTimeMs < 0) return false
    return this.#punctuate(this.streamPunctuations, this.group.streamTimeMs)
  }

  /** Runs the wall-clock callbacks that are due at `systemTimeMs`; whether any ran. */
  punctuateWall(): boolean | Promise<boolean> {
    return this.#punctuate(this.wallPunctuations, this.systemTimeMs)
  }

  // ---------- the commit, see commit.ts

  /** Whether a commit would have anything to do. */
  get needsCommit(): boolean {
    return this.work || this.commitRequested
  }

  settle(): void | Promise<void> {
    if (this.#settling.length > 0) return this.#settleNodes().then(() => this.#settleKept())
    if (this.kept.length > 0) return this.#settleKept()
    if (this.fatal !== undefined) this.throwFatal()
  }

  flushCaches(): void | Promise<void> {
    this.taken = undefined
    const flushed = this.stores.flushCaches()
    return this.#settling.length === 0 ? flushed : this.#flushAgain(flushed)
  }

  writeChangelogs(): void {
    this.stores.writeChangelogs()
  }

  offsetsToCommit(): readonly PartitionOffset[] {
    const offsets: PartitionOffset[] = []
    for (const [key, queue] of this.#queues) {
      const offset = queue.committableOffset
      if (offset === undefined || offset === this.#committedOffsets.get(key)) continue
      const { topic, partition, partitionTimeMs } = queue
      const metadata = encodeMetadata({ partitionTimeMs, times: this.times })
      offsets.push({ topic, partition, offset, metadata })
    }
    return offsets
  }

  committed(offsets: readonly PartitionOffset[]): void {
    for (const offset of offsets) this.#committedOffsets.set(partitionKey(offset), offset.offset)
    this.stores.committed()
    this.work = false
    this.commitRequested = false
  }

  /** Ends the calls that are open; what waits for them fails with a TaskMigratedError. */
  giveUp(): void {
    for (const node of this.#settling) node.giveUp?.()
  }

  /** Returns to the committed rows; what was processed since is to be processed again by a new task. */
  aborted(): void {
    this.kept = []
    this.outside = []
    this.stores.aborted()
  }

  /** Waits for what was begun and forgets why it failed, for a driver that goes on with this task. */
  async forgetFailure(): Promise<void> {
    while (this.kept.length > 0) await Promise.allSettled(this.kept.splice(0))
    this.leave()
    this.fatal = undefined
  }

  /** Writes committed rows to the database, apart from commits. */
  persist(): Promise<void> {
    return this.stores.persist(this.#committedOffsets)
  }

  /** The committed input offsets, by partition. */
  get committedOffsets(): ReadonlyMap<string, number> {
    return this.#committedOffsets
  }

  /**
   * Closes processors in topological order, then stores. The databases are the caller's.
   * @throws what the first of them threw, when all are closed
   */
  close(): void {
    this.streamPunctuations.clear()
    this.wallPunctuations.clear()
    const runners = Array.from(this.#runners.values(), (runner) => () => this.#closeRunner(runner))
    closeAll([...runners, () => this.stores.close()])
  }

  // ---------- what nodes and stores ask

  get streamTimeMs(): number {
    return this.group.streamTimeMs
  }

  connectedStore(name: string): TaskStore | undefined {
    return this.stores.get(name)
  }

  inputOffset(topic: string): number | undefined {
    return this.#committedOffsets.get(partitionKey({ topic, partition: this.partition }))
  }

  // ---------- inside

  #addQueue(source: TopicPartition): void {
    const { names } = this.environment
    const node = this.subtopology.nodes.find(
      (n): n is SourceNode =>
        n.kind === 'source' &&
        (n.topics instanceof RegExp
          ? n.topics.test(source.topic)
          : n.topics.some((topic) => names.topic(topic) === source.topic)),
    )
    if (node === undefined)
      throw new StreamsError(`no source of task ${this.taskId} reads ${source.topic}`)
    const decoder = new SourceDecoder(node, source.topic, source.partition, this)
    const runner = this.#runners.get(node.name)!
    this.#queues.set(
      partitionKey(source),
      new RecordQueue(source.topic, source.partition, runner, decoder),
    )
  }

  #addSink(node: SinkNode, runner: NodeRunner): void {
    const sink = new SinkProcessor(node, this)
    this.#sinks.push(sink)
    runner.processor = sink
  }

  #addProcessor(node: ProcessorNode, runner: NodeRunner): void {
    const context = new TaskNodeContext(this, node, runner)
    this.node = runner
    try {
      runner.processor = node.supplier(context)
      if (runner.processor.settle !== undefined) this.#settling.push(runner.processor)
    } catch (cause) {
      if (cause instanceof StreamsError) throw cause
      const { taskId: task } = this
      const text = `the supplier of ${node.name} failed in task ${task}: ${reasonOf(cause)}`
      throw new ProcessingError(text, { node: node.name, task, cause })
    } finally {
      this.node = undefined
    }
  }

  #closeRunner(runner: NodeRunner): void {
    const { processor, name } = runner
    runner.processor = undefined
    try {
      processor?.close?.()
    } catch (cause) {
      const { taskId: task } = this
      const text = `${name} could not be closed in task ${task}: ${reasonOf(cause)}`
      throw new StreamsError(text, { node: name, task, cause })
    }
  }

  #punctuate(queue: PunctuationQueue, nowMs: number): boolean | Promise<boolean> {
    this.taken = undefined
    const ran = queue.punctuate(nowMs)
    if (ran === false) return false
    this.work = true
    if (ran === true && this.kept.length === 0) {
      if (this.fatal !== undefined) this.throwFatal()
      return true
    }
    return Promise.resolve(ran).then(async (done) => {
      await this.#settleKept()
      return done
    })
  }

  /** What came from outside goes on before the next record. */
  #runLater(): true | Promise<true> {
    const action = this.outside.shift()!
    this.taken = undefined
    try {
      const result = action()
      if (result !== undefined || this.kept.length > 0) return this.#processLater(result, 0)
    } catch (error) {
      this.leave()
      this.fatal = undefined
      throw error
    }
    this.leave()
    if (this.fatal !== undefined) this.throwFatal()
    return true
  }

  /** Whether any node had work open. */
  async #settleNodes(): Promise<boolean> {
    let any = false
    for (const node of this.#settling) {
      const open = node.settle!()
      if (open === undefined) continue
      any = true
      await open
    }
    return any
  }

  /** Caches feed nodes whose results may fill caches again. */
  async #flushAgain(first: void | Promise<void>): Promise<void> {
    await first
    while (await this.#settleNodes()) await this.stores.flushCaches()
  }

  async #processLater(result: void | Promise<void>, records = 1): Promise<true> {
    try {
      await result
      await this.#settleKept()
    } catch (error) {
      this.fatal = undefined
      throw error
    } finally {
      this.leave()
    }
    if (records > 0) this.#processed.add(records)
    return true
  }

  async #settleKept(): Promise<void> {
    while (this.kept.length > 0) await Promise.all(this.kept.splice(0))
    if (this.fatal !== undefined) this.throwFatal()
  }
}
