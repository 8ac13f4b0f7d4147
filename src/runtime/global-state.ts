// The global stores of an application: filled from every partition of their topics before anything
// else runs, and kept up to date in the background. They belong to no group and no transaction;
// under exactly-once they read committed records only.
import { MissingTopicError, OffsetLostError } from '../errors.js'
import {
  OffsetOutOfRangeError,
  partitionKey,
  type Client,
  type Fetcher,
  type Isolation,
  type TopicPartition,
} from '../kafka/client.js'
import type { Database } from '../state/bytes-store.js'
import type { ChangelogRecord, TaskStore } from '../state/state-store.js'
import { noHeaders } from '../serde/record-headers.js'
import type { FetchedRecords } from '../kafka/client.js'
import type { FrozenTopology, GlobalStoreNode } from '../topology/topology-node.js'
import { readCheckpoint } from './checkpoint.js'
import { closeWithDatabases } from './close-all.js'
import { globalTask, globalTaskId } from './global-task.js'
import type { StateDirectory } from './state-directory.js'
import type { StreamTask } from './stream-task.js'
import type { TaskEnvironment } from './task-environment.js'
import type { TaskDatabases } from './task-stores.js'

/** What global stores stand on. */
export interface GlobalStateOptions {
  readonly topology: FrozenTopology
  readonly environment: TaskEnvironment
  readonly client: Client
  readonly isolation: Isolation
  readonly directory: StateDirectory
  readonly memoryDatabase: () => Database
  readonly persistIntervalMs: number
  readonly yieldTurn: () => Promise<void>
  /** Called when keeping up to date failed. */
  readonly failed: (error: unknown) => void
}

/** Keeps the global stores. */
export class GlobalState {
  readonly task: StreamTask
  readonly #o: GlobalStateOptions
  readonly #databases: TaskDatabases
  readonly #sources: readonly TopicPartition[]
  readonly #fetcher: Fetcher
  #closing = false
  #work: Promise<void> | undefined
  #persistedAtMs: number

  private constructor(
    options: GlobalStateOptions,
    databases: TaskDatabases,
    sources: readonly TopicPartition[],
  ) {
    this.#o = options
    this.#databases = databases
    this.#sources = sources
    this.#fetcher = options.client.fetcher({ isolation: options.isolation })
    this.#persistedAtMs = options.environment.clock.nowMs()
    this.task = globalTask(options.topology, options.environment, databases, sources)
  }

  /** Opens the stores and reads their topics to the end. */
  static async open(options: GlobalStateOptions): Promise<GlobalState> {
    const { topology, directory, memoryDatabase } = options
    const engines = topology.globalStores.map((g) => g.store.engine)
    const databases: TaskDatabases = {
      leveldb: engines.includes('leveldb') ? await directory.open(globalTaskId) : undefined,
      memory: engines.includes('memory') ? memoryDatabase() : undefined,
    }
    const state = new GlobalState(options, databases, await partitionsOf(options))
    try {
      await state.#restore()
    } catch (error) {
      await state.close()
      throw error
    }
    return state
  }

  /** The stores by name, for the tasks. */
  get stores(): ReadonlyMap<string, TaskStore> {
    return new Map(this.task.stores.all.map((s) => [s.spec.name, s.store]))
  }

  /** Begins to follow the topics in the background. */
  follow(): void {
    this.#work = this.#follow()
  }

  async close(): Promise<void> {
    this.#closing = true
    this.#fetcher.wake()
    await this.#work
    await this.#fetcher.close()
    try {
      if (this.#databases.leveldb !== undefined) await this.task.persist()
    } finally {
      await closeWithDatabases(this.task, this.#databases)
    }
  }

  async #restore(): Promise<void> {
    const { client, environment } = this.#o
    const { inputs } = await readCheckpoint(this.#databases.leveldb)
    const earliest = await client.admin.offsets(this.#sources, 'earliest')
    const latest = await client.admin.offsets(this.#sources, 'latest')
    await this.task.initialize()
    const ends = new Map<string, number>()
    for (const source of this.#sources) {
      const key = partitionKey(source)
      const stored =
        this.#nodeOf(source.topic)?.store.engine === 'memory' ? undefined : inputs.get(key)
      const from = Math.max(stored ?? 0, earliest.get(key) ?? 0)
      const end = latest.get(key) ?? 0
      if (stored !== undefined && stored > end)
        throw new OffsetLostError(
          `the global store's stored offset ${stored} of ${key} lies beyond the log, which ends at ${end}; was the topic made anew? Delete the folder ${environment.stateDir}/${globalTaskId} to read it again`,
        )
      this.task.startedAt(source, from)
      this.#fetcher.add(source, from)
      if (from < end) ends.set(key, end)
    }
    while (ends.size > 0) {
      const fetched = this.#fetcher.poll()
      if (fetched === undefined) await this.#fetcher.wait(500)
      else await this.#apply(fetched, true)
      for (const source of this.#sources) {
        const key = partitionKey(source)
        if ((this.#fetcher.position(source) ?? -1) >= (ends.get(key) ?? Infinity)) ends.delete(key)
      }
      await this.#o.yieldTurn()
    }
    environment.logger.info({ stores: this.task.stores.all.length }, 'global stores are filled')
  }

  async #follow(): Promise<void> {
    const { clock } = this.#o.environment
    try {
      while (!this.#closing) {
        const fetched = this.#fetcher.poll()
        if (fetched !== undefined) await this.#apply(fetched, false)
        else await this.#fetcher.wait(500)
        await this.#o.yieldTurn()
        const dueMs = this.#persistedAtMs + this.#o.persistIntervalMs
        if (clock.nowMs() >= dueMs && this.task.stores.pinnedBytes > 0) {
          this.#persistedAtMs = clock.nowMs()
          await this.task.persist()
        }
      }
    } catch (error) {
      if (this.#closing) return
      this.#o.failed(
        error instanceof OffsetOutOfRangeError
          ? new OffsetLostError(
              `the topic of a global store has moved past ${error.offset}; delete the folder ${this.#o.environment.stateDir}/${globalTaskId} and start again`,
              { cause: error },
            )
          : error,
      )
    }
  }

  async #apply(fetched: FetchedRecords, restoring: boolean): Promise<void> {
    const { task } = this
    const node = this.#nodeOf(fetched.topic)
    if (restoring && node?.restore === 'copy') {
      task.stores.all.find((s) => s.spec === node.store)!.store.restore(rowsOf(fetched))
      task.startedAt(fetched, fetched.nextOffset)
      if (task.stores.pinnedBytes > 16 * 2 ** 20) await task.persist()
      return
    }
    task.systemTimeMs = this.#o.environment.clock.nowMs()
    task.addRecords(fetched, fetched.batches, fetched.byteLength, fetched.nextOffset)
    while (task.ready) await task.processUpTo(1000)
    await task.settle()
    await task.flushCaches()
    task.writeChangelogs()
    task.committed(task.offsetsToCommit())
  }

  #nodeOf(topic: string): GlobalStoreNode | undefined {
    return this.#o.topology.globalStores.find(
      ({ source }) => !(source.topics instanceof RegExp) && source.topics.includes(topic),
    )
  }
}

async function partitionsOf(options: GlobalStateOptions): Promise<TopicPartition[]> {
  const topics = options.topology.globalStores.flatMap(({ source }) =>
    source.topics instanceof RegExp ? [] : source.topics,
  )
  const found = await options.client.admin.describeTopics(topics)
  const missing = topics.filter((t) => !found.has(t))
  if (missing.length > 0)
    throw new MissingTopicError(
      `the topics of global stores do not exist: ${missing.join(', ')}; create them and start again`,
    )
  return [...found].flatMap(([topic, { partitions }]) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
  )
}

function rowsOf(fetched: FetchedRecords): ChangelogRecord[] {
  const records: ChangelogRecord[] = []
  for (const reader of fetched.batches)
    while (reader.next())
      if (reader.keyStart >= 0)
        records.push({
          key: Uint8Array.from(reader.buffer.subarray(reader.keyStart, reader.keyEnd)),
          value:
            reader.valueStart < 0
              ? null
              : Uint8Array.from(reader.buffer.subarray(reader.valueStart, reader.valueEnd)),
          timestampMs: reader.timestampMs,
          headers: reader.headerCount === 0 ? noHeaders : reader.headers(),
        })
  return records
}
