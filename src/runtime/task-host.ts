// What nodes, stores, decoders and sinks ask of their task: the current record, names, times, what to
// do when something fails, and what has to be waited for.
import type { Clock } from '../clock.js'
import { TaskCorruptedError, type StreamsError } from '../errors.js'
import { noHeaders } from '../serde/record-headers.js'
import type { StoreRecordContext, TaskStore } from '../state/state-store.js'
import type { NodeContext } from '../topology/processor.js'
import { PassingRecord } from '../topology/passing-record.js'
import type { FlowRecord } from '../topology/stream-record.js'
import { sendDeadLetter } from './dead-letter.js'
import { DroppedRecords } from './dropped-records.js'
import { decided, positionOf, processingError, waysOut } from './error-handlers.js'
import type { NodeHost, NodeRunner } from './node-runner.js'
import type { ContextHost } from './processor-context.js'
import { PunctuationQueue } from './punctuation-queue.js'
import type { RecordQueue } from './record-queue.js'
import type { SinkHost } from './sink-node.js'
import type { DecoderHost, SourceBytes } from './source-decoder.js'
import type { TaskEnvironment } from './task-environment.js'
import type { StoreHost } from './task-stores.js'
import { dropUnsent } from './unsent-record.js'

/** The side of a task that its parts see; `StreamTask` is the side that its driver sees. */
export abstract class TaskHost implements NodeHost, ContextHost, DecoderHost, SinkHost, StoreHost {
  readonly taskId: string
  readonly partition: number
  readonly environment: TaskEnvironment
  readonly streamPunctuations = new PunctuationQueue()
  readonly wallPunctuations = new PunctuationQueue()
  node: NodeRunner | undefined
  record: FlowRecord | undefined
  /** Wall-clock time at the start of the current iteration, ms; the driver of the task sets it. */
  systemTimeMs: number
  /** Whether a processor asked for a commit. */
  commitRequested = false
  /** Numbers that are committed beside offsets, by store name. */
  protected readonly times = new Map<string, number>()
  /** Actions that wait for a turn between two records. */
  protected outside: (() => void | Promise<void>)[] = []
  /** Promises that the next record waits for. */
  protected kept: Promise<void>[] = []
  /** An error that was decided; code on the way up cannot swallow it. */
  protected fatal: { readonly error: unknown } | undefined
  held: SourceBytes | undefined
  /** The queue of the record in process, for its original bytes. */
  protected taken: RecordQueue | undefined
  /** Whether anything happened since the last commit. */
  protected work = false
  readonly #dropped: DroppedRecords
  /** Whether a node may change the headers of a record that others see too. */
  headersMayChange = false
  #storeRecord: StoreRecordContext | undefined
  #storeRecordOf: unknown

  constructor(taskId: string, partition: number, environment: TaskEnvironment) {
    this.taskId = taskId
    this.partition = partition
    this.environment = environment
    this.systemTimeMs = environment.clock.nowMs()
    this.#dropped = new DroppedRecords(taskId, environment.logger, environment.metrics)
  }

  abstract get streamTimeMs(): number
  abstract connectedStore(name: string): TaskStore | undefined
  abstract inputOffset(topic: string): number | undefined

  get applicationId(): string {
    return this.environment.applicationId
  }

  get stateDir(): string {
    return this.environment.stateDir
  }

  get config(): Readonly<Record<string, unknown>> {
    return this.environment.config
  }

  get callClock(): Clock {
    const { callClock, clock } = this.environment
    return callClock ?? clock
  }

  get metrics(): TaskEnvironment['metrics'] {
    return this.environment.metrics
  }

  get handlers(): TaskEnvironment['handlers'] {
    return this.environment.handlers
  }

  get collector(): TaskEnvironment['collector'] {
    return this.environment.collector
  }

  get mayContinue(): boolean {
    return this.environment.handlers.mayContinue
  }

  readonly committedTimes: NodeContext['committedTimes'] = {
    get: (name) => this.times.get(name),
    set: (name, ms) => {
      this.times.set(name, ms)
    },
  }

  topicName(name: string): string {
    return this.environment.names.topic(name)
  }

  globalStore(name: string): TaskStore | undefined {
    return this.environment.globalStores.get(name)
  }

  storeRecord(): StoreRecordContext {
    const { record } = this
    if (record === undefined) return { timestampMs: 0, headers: noHeaders, metadata: undefined }
    if (record instanceof PassingRecord) return record.context
    const headers = record.headers.entries
    const known = this.#storeRecord
    // Stores ask several times for one record; its headers may have changed between.
    if (record === this.#storeRecordOf && known?.headers === headers) return known
    this.#storeRecordOf = record
    return (this.#storeRecord = {
      timestampMs: record.timestampMs,
      headers,
      live: this.headersMayChange ? record.headers : undefined,
      metadata: record.metadata,
    })
  }

  requestCommit(): void {
    this.commitRequested = true
  }

  ended(error: unknown): void {
    this.fatal = { error }
  }

  later(action: () => void | Promise<void>): void {
    this.outside.push(action)
    this.work = true
    this.environment.wake?.()
  }

  keep(promise: Promise<void>): void {
    promise.catch(() => {})
    this.kept.push(promise)
  }

  failed(node: NodeRunner, record: FlowRecord, error: unknown): void {
    const position = positionOf(record)
    const wrapped = processingError(error, node.name, this.taskId, position)
    let answer
    try {
      answer = this.handlers.processing(wrapped)
    } catch (thrown) {
      this.fatal = { error: thrown }
      throw typeof thrown === 'object' && thrown !== null ? decided(thrown as Error) : thrown
    }
    if (answer === 'fail') {
      const final = decided(withMessage(wrapped, waysOut('processingHandler')))
      this.fatal = { error: final }
      throw final
    }
    if (answer === 'deadLetter') this.deadLetterCurrent(wrapped)
    this.dropped(node.name, 'processing', record)
  }

  drop(node: string, reason: string, topic: string, partition: number, offset: number): void {
    this.#dropped.drop(node, reason, { topic, partition, offset })
  }

  dropped(node: string, reason: string, record: FlowRecord | undefined): void {
    this.#dropped.drop(node, reason, record === undefined ? undefined : positionOf(record))
  }

  droppedByStore(store: string, reason: string): void {
    this.dropped(this.node?.name ?? store, reason, this.record)
  }

  unlogged(store: string, topic: string, error: Error): void {
    const { record } = this
    const reason = error.message
    try {
      dropUnsent(this, { name: store, topic, part: 'record', reason, cause: error, record })
    } catch (final) {
      // A store of a user's own logs while a processor runs, whose code may swallow this.
      if (this.node !== undefined) this.ended(final)
      throw final
    }
  }

  deadLetter(source: SourceBytes, error: StreamsError): void {
    const { collector, deadLetterTopic } = this.environment
    if (deadLetterTopic !== undefined)
      sendDeadLetter(collector, deadLetterTopic, source, source.timestampMs, error)
  }

  deadLetterCurrent(error: StreamsError): void {
    const { collector, deadLetterTopic } = this.environment
    if (deadLetterTopic === undefined) return
    const timestampMs = this.record?.timestampMs ?? this.systemTimeMs
    sendDeadLetter(collector, deadLetterTopic, this.#sourceBytes(), timestampMs, error)
  }

  bytesToHold(): SourceBytes | undefined {
    return this.environment.deadLetterTopic === undefined ? undefined : this.#sourceBytes()
  }

  /** A record that left a cache or buffer is neither the one that was taken last nor one that is held. */
  #sourceBytes(): SourceBytes | undefined {
    const metadata = this.record?.metadata
    const isSource = (bytes: SourceBytes | undefined): boolean =>
      bytes !== undefined &&
      metadata?.topic === bytes.topic &&
      metadata.partition === bytes.partition &&
      metadata.offset === bytes.offset
    if (isSource(this.held)) return this.held
    const taken = this.taken?.takenBytes()
    return isSource(taken) ? taken : undefined
  }

  /** Logs what was dropped, when a summary is due. */
  summarizeDropped(): void {
    this.#dropped.summarize(this.systemTimeMs)
  }

  /** A damaged database does not know whose it is. */
  protected ofThisTask(error: unknown): unknown {
    if (!(error instanceof TaskCorruptedError) || error.task !== undefined) return error
    return new TaskCorruptedError(error.message, { task: this.taskId, cause: error })
  }

  protected leave(): void {
    this.node = undefined
    this.record = undefined
  }

  protected throwFatal(): never {
    const { error } = this.fatal!
    this.fatal = undefined
    throw error
  }
}

const withMessage = <E extends StreamsError>(error: E, suffix: string): E => {
  error.message += suffix
  return error
}
