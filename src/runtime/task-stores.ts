// The stores of one task: opens them, moves them through the commit, and writes committed rows with
// the changelog offsets that they reach in one batch.
import { StateStoreError } from '../errors.js'
import type { Database } from '../state/bytes-store.js'
import type { StoreRecordContext, TaskStore } from '../state/state-store.js'
import type { StoreSpec } from '../state/state-store.js'
import { closeAll } from './close-all.js'
import { reasonOf } from './error-handlers.js'
import { storePrefix, writeCheckpoint, type ChangelogPosition } from './checkpoint.js'
import { RecordTooLargeError, type TopicWriter } from './record-collector.js'
import type { TaskEnvironment } from './task-environment.js'

/** Where a task's rows lie: one database that survives, and one in memory for stores that ask for it. */
export interface TaskDatabases {
  readonly leveldb: Database | undefined
  readonly memory: Database | undefined
}

/** What the stores need of their task. */
export interface StoreHost {
  readonly taskId: string
  readonly partition: number
  /** The record in process, as stores keep it. */
  storeRecord(): StoreRecordContext
  droppedByStore(store: string, reason: string): void
  /** A changelog record is too large. Returns when it is dropped. @throws the error to end with. */
  unlogged(store: string, topic: string, error: Error): void
  /** The committed input offset of a topic at this task's partition, for stores restored from sources. */
  inputOffset(topic: string): number | undefined
}

/** One store with all that belongs to it. */
export interface OpenStore {
  readonly spec: StoreSpec
  readonly store: TaskStore
  readonly database: Database
  readonly prefix: Uint8Array
  /** The changelog topic; `undefined` without one. */
  readonly changelog: string | undefined
  /** Set when the store logs to its changelog itself. */
  readonly writer: TopicWriter | undefined
  /** The next changelog offset that is not in the committed rows. */
  position: number
  topicId: string | undefined
}

/** All stores of a task, in order of addition. */
export class TaskStores {
  readonly all: readonly OpenStore[]
  readonly #byName = new Map<string, OpenStore>()
  readonly #databases: TaskDatabases
  readonly #host: StoreHost
  readonly #environment: TaskEnvironment
  readonly #logs: boolean
  #persisting: Promise<void> | undefined

  constructor(
    specs: readonly StoreSpec[],
    options: {
      readonly databases: TaskDatabases
      readonly host: StoreHost
      readonly environment: TaskEnvironment
      /** Whether stores have changelogs at all. */
      readonly logs: boolean
    },
  ) {
    this.#databases = options.databases
    this.#host = options.host
    this.#environment = options.environment
    this.#logs = options.logs
    this.all = specs.map((spec) => this.#open(spec))
    for (const open of this.all) this.#byName.set(open.spec.name, open)
  }

  get(name: string): TaskStore | undefined {
    return this.#byName.get(name)?.store
  }

  /** Bytes that only a persist can release. */
  get pinnedBytes(): number {
    let bytes = 0
    for (const { store } of this.all) bytes += store.pinnedBytes
    return bytes
  }

  /** Bytes written since the last commit. */
  get dirtyBytes(): number {
    let bytes = 0
    for (const { store } of this.all) bytes += store.dirtyBytes
    return bytes
  }

  /** Bytes that record caches hold back. */
  get heldBytes(): number {
    let bytes = 0
    for (const { store } of this.all) bytes += store.heldBytes ?? 0
    return bytes
  }

  async restored(): Promise<void> {
    for (const { store } of this.all) await store.restored?.()
  }

  flushCaches(): void | Promise<void> {
    for (let n = 0; n < this.all.length; n++) {
      const result = this.all[n]!.store.flushCache()
      if (result !== undefined) return this.#flushRest(result, n + 1)
    }
  }

  /** Makes what waits for the next commit smaller, where it can. */
  compact(): void {
    for (const { store } of this.all) store.compact?.()
  }

  writeChangelogs(): void {
    for (const { store } of this.all) store.writeChangelog()
  }

  committed(): void {
    for (const open of this.all) {
      open.store.committed()
      const acknowledged = open.writer?.acknowledged[this.#host.partition]
      if (acknowledged !== undefined && acknowledged > open.position) open.position = acknowledged
      if (open.changelog !== undefined && open.writer === undefined) {
        const input = this.#host.inputOffset(open.changelog)
        if (input !== undefined) open.position = input
      }
      open.store.flush?.()
    }
  }

  aborted(): void {
    for (const { store } of this.all) store.aborted()
  }

  /**
   * Writes committed rows, the changelog offsets they reach and `inputs` in one batch. One at a
   * time; a second call waits for the first.
   * @throws StateStoreError when the disk refuses.
   */
  async persist(inputs: ReadonlyMap<string, number>): Promise<void> {
    while (this.#persisting !== undefined) await this.#persisting
    this.#persisting = this.#persist(inputs)
    try {
      await this.#persisting
    } finally {
      this.#persisting = undefined
    }
  }

  close(): void {
    closeAll(Array.from(this.all, (opened) => () => opened.store.close()))
  }

  async #persist(inputs: ReadonlyMap<string, number>): Promise<void> {
    const { leveldb, memory } = this.#databases
    const batches = [memory, leveldb]
      .filter((database) => database !== undefined)
      .map((database) => ({ database, batch: database.batch() }))
    for (const { store, database, prefix } of this.all) {
      const { batch } = batches.find((b) => b.database === database)!
      store.persist(database.partBatch(batch, prefix))
    }
    const atMs = this.#environment.clock.nowMs()
    for (const { database, batch } of batches)
      if (database === leveldb) writeCheckpoint(batch, this.#positions(atMs), inputs)
    try {
      for (const { database, batch } of batches)
        await database.write(batch, { sync: database === leveldb })
    } catch (error) {
      throw persistError(error, this.#host.taskId, this.#environment.stateDir)
    }
    for (const { store } of this.all) store.persisted()
  }

  #positions(atMs: number): [string, ChangelogPosition][] {
    return this.all
      .filter((o) => o.changelog !== undefined && o.database === this.#databases.leveldb)
      .map((o) => [
        o.spec.name,
        { topic: o.changelog!, topicId: o.topicId, offset: o.position, atMs },
      ])
  }

  async #flushRest(first: Promise<void>, from: number): Promise<void> {
    await first
    for (let n = from; n < this.all.length; n++) await this.all[n]!.store.flushCache()
  }

  #open(spec: StoreSpec): OpenStore {
    const { names, collector, applicationId, stateDir, handlers } = this.#environment
    const host = this.#host
    const database = this.#databases[spec.engine]
    if (database === undefined)
      throw new StateStoreError(`no ${spec.engine} database for store '${spec.name}'`)
    const prefix = storePrefix(spec.name)
    const topic = names.changelog(spec.name)
    const fromSource = this.#logs && names.hasSourceChangelog(spec.name)
    const logs = this.#logs && spec.logging !== false && !fromSource
    const writer = logs ? collector.writer(topic) : undefined
    const store = spec.open({
      taskId: host.taskId,
      partition: host.partition,
      applicationId,
      directory: `${stateDir}/${host.taskId}/${spec.name}`,
      topic,
      rows: database.part(prefix),
      log: (key, value, timestampMs, headers) => {
        if (writer === undefined) return
        try {
          collector.sendBytes(writer, host.partition, timestampMs, key, value, headers)
        } catch (error) {
          if (!(error instanceof RecordTooLargeError)) throw error
          host.unlogged(spec.name, topic, error)
        }
      },
      record: () => host.storeRecord(),
      drop: (reason) => host.droppedByStore(spec.name, reason),
      mayContinue: handlers.mayContinue,
      cacheBytes: this.#environment.cacheBytes,
      packedBytes: spec.engine === 'memory' ? 0 : this.#environment.packedBytes,
      recordCaches: this.#environment.recordCaches,
      guardsValues: this.#environment.guardsValues,
    })
    const changelog = logs || fromSource ? topic : undefined
    return { spec, store, database, prefix, changelog, writer, position: 0, topicId: undefined }
  }
}

/** A full disk and its like, with the remedy. */
export function persistError(error: unknown, task: string, directory: string): StateStoreError {
  if (error instanceof StateStoreError) return error
  const reason = reasonOf(error)
  const isFull =
    /ENOSPC|no space left/i.test(reason) ||
    /ENOSPC/.test(String((error as { cause?: unknown }).cause))
  return new StateStoreError(
    isFull
      ? `the disk of ${directory} is full, so the state of task ${task} cannot be written; nothing is lost: make room, or set stateDir to another disk, and start again`
      : `the state of task ${task} cannot be written to ${directory}: ${reason}`,
    { cause: error, task },
  )
}
