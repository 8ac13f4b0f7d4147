// Takes a task over: opens its state, decides what can be trusted, restores the rest, and finds out
// where to read on. The order matters: committed offsets are read as stable, after our own open
// transaction was ended; the changelog's end is asked after that, and read to.
import { TaskCorruptedError, TaskMigratedError } from '../errors.js'
import {
  partitionKey,
  type Client,
  type CommittedOffset,
  type GroupMember,
  type TopicPartition,
} from '../kafka/client.js'
import type { Database } from '../state/bytes-store.js'
import type { FrozenTopology, SourceNode, Subtopology } from '../topology/topology-node.js'
import { parseTaskId } from '../topology/task-id.js'
import type { ChangelogReader, Restoration, RestoreTarget } from './changelog-reader.js'
import { forgetChangelog, readCheckpoint, storePrefix, type Checkpoint } from './checkpoint.js'
import { restorePlans, type StorePlan } from './restore-plans.js'
import { startOffset } from './start-offsets.js'
import type { StateDirectory } from './state-directory.js'
import type { ResolvedConfig } from './streams-config.js'
import { StreamTask } from './stream-task.js'
import type { LagOf } from './partition-group.js'
import type { TaskEnvironment } from './task-environment.js'
import type { TaskDatabases } from './task-stores.js'

/** What opening a task needs. */
export interface TaskOpenerOptions {
  readonly topology: FrozenTopology
  readonly config: ResolvedConfig
  readonly environment: TaskEnvironment
  readonly client: Client
  readonly member: GroupMember
  readonly directory: StateDirectory
  readonly memoryDatabase: () => Database
  readonly reader: ChangelogReader
  readonly lagOf: LagOf
  /** For simulations: awaited between the steps. */
  readonly reached?: ((step: string) => void | Promise<void>) | undefined
}

/** A task that is ready to process. */
export interface OpenedTask {
  readonly id: string
  readonly task: StreamTask
  readonly databases: TaskDatabases
  readonly sources: readonly TopicPartition[]
  /** Where to read each source from, by partition. */
  readonly startOffsets: ReadonlyMap<string, number>
}

/** Opens tasks; each attempt can be cancelled, and leaves nothing open when it fails. */
export class TaskOpening {
  readonly id: string
  readonly sources: readonly TopicPartition[]
  readonly done: Promise<OpenedTask>
  readonly #o: TaskOpenerOptions
  #cancelled = false
  #restoration: Restoration | undefined

  constructor(id: string, sources: readonly TopicPartition[], options: TaskOpenerOptions) {
    this.id = id
    this.sources = sources
    this.#o = options
    this.done = this.#open()
    this.done.catch(() => {})
  }

  /** Stops as soon as possible; `done` rejects with TaskMigratedError. */
  cancel(): void {
    this.#cancelled = true
    this.#restoration?.cancel()
  }

  async #open(): Promise<OpenedTask> {
    const { topology, directory, memoryDatabase } = this.#o
    const subtopology = topology.subtopologies.find(
      (s) => s.id === parseTaskId(this.id)!.subtopology,
    )!
    const { stores } = subtopology
    const databases: TaskDatabases = {
      leveldb: stores.some((s) => s.engine === 'leveldb') ? await this.#database() : undefined,
      memory: stores.some((s) => s.engine === 'memory') ? memoryDatabase() : undefined,
    }
    try {
      return await this.#prepare(subtopology, databases)
    } catch (error) {
      await databases.leveldb?.close().catch(() => {})
      await databases.memory?.close()
      if (error instanceof TaskCorruptedError && !this.#cancelled) await directory.remove(this.id)
      throw error
    }
  }

  /** A damaged database is deleted and restored. */
  async #database(): Promise<Database> {
    const { directory } = this.#o
    try {
      return await directory.open(this.id)
    } catch (error) {
      if (!(error instanceof TaskCorruptedError)) throw error
      this.#wiped('LevelDB reports corruption')
      await directory.remove(this.id)
      return await directory.open(this.id)
    }
  }

  async #prepare(subtopology: Subtopology, databases: TaskDatabases): Promise<OpenedTask> {
    const { environment, client, member, config, lagOf } = this.#o
    const checkpoint = await readCheckpoint(databases.leveldb)
    await this.#step('checkpointRead')
    const committed = await member.committed(this.sources)
    await this.#step('offsetsFetched')
    const plans = await restorePlans(subtopology.stores, {
      taskId: this.id,
      names: environment.names,
      clock: environment.clock,
      admin: client.admin,
      checkpoint,
      committed,
      onOffsetLost: config.onOffsetLost,
    })
    await this.#wipe(plans, databases)
    await this.#step('planned')
    const task = new StreamTask({
      taskId: this.id,
      partition: parseTaskId(this.id)!.partition,
      subtopology,
      environment,
      databases,
      sources: this.sources,
      lagOf,
    })
    try {
      const records = await this.#restore(task, plans, databases)
      await this.#step('restored')
      const startOffsets = await this.#startOffsets(subtopology, committed, checkpoint, records)
      for (const source of this.sources) {
        const key = partitionKey(source)
        const found = committed.get(key)
        task.startedAt(source, found?.offset)
        if (found !== undefined && startOffsets.get(key) === found.offset)
          task.restoreTimes(source, found.metadata)
      }
      await task.initialize()
      await this.#step('initialized')
      return { id: this.id, task, databases, sources: this.sources, startOffsets }
    } catch (error) {
      try {
        task.close()
      } catch (another) {
        environment.logger.error({ error: another }, 'closing a task that could not be opened')
      }
      throw error
    }
  }

  async #wipe(plans: readonly StorePlan[], databases: TaskDatabases): Promise<void> {
    const { leveldb } = databases
    if (leveldb === undefined) return
    for (const { spec, plan } of plans) {
      if (plan.wipe === undefined) continue
      this.#wiped(plan.wipe, spec.name)
      const prefix = storePrefix(spec.name)
      const end = Uint8Array.from(prefix)
      end[end.length - 1] = 1
      const batch = leveldb.batch()
      batch.deleteRange(prefix, end)
      forgetChangelog(batch, spec.name)
      await leveldb.write(batch, { sync: true })
    }
  }

  #wiped(reason: string, store?: string): void {
    const { logger, metrics } = this.#o.environment
    logger.warn({ task: this.id, store, reason }, 'local state is dropped and restored')
    metrics.counter('state-wiped-total', { task: this.id, reason }).add()
  }

  /** Gives the records read from changelogs that are the stores' own. */
  async #restore(
    task: StreamTask,
    plans: readonly StorePlan[],
    databases: TaskDatabases,
  ): Promise<number> {
    const { reader, config } = this.#o
    let ownRecords = 0
    const targets = plans.map(({ spec, topic, partition, topicId, own, plan }): RestoreTarget => {
      const open = task.stores.all.find((s) => s.spec === spec)!
      open.position = plan.from
      open.topicId = topicId
      return {
        taskId: this.id,
        store: spec.name,
        topic,
        partition,
        from: plan.from,
        to: plan.to,
        apply: (records, position) => {
          if (own) ownRecords += records.length
          if (records.length > 0) open.store.restore(records)
          open.position = position
          if (task.stores.pinnedBytes > config.persistBytes / 4 || records.length > 50_000)
            return databases.leveldb === undefined && databases.memory === undefined
              ? undefined
              : task.stores.persist(new Map())
        },
      }
    })
    this.#check()
    this.#restoration = reader.restore(targets)
    await this.#restoration.done
    return ownRecords
  }

  async #startOffsets(
    subtopology: Subtopology,
    committed: ReadonlyMap<string, CommittedOffset>,
    checkpoint: Checkpoint,
    restored: number,
  ): Promise<Map<string, number>> {
    const { client, config, environment } = this.#o
    const { names, logger, metrics } = environment
    const earliest = await client.admin.offsets(this.sources, 'earliest')
    const latest = await client.admin.offsets(this.sources, 'latest')
    const hadState = committed.size === 0 && restored > 0
    const offsets = new Map<string, number>()
    for (const source of this.sources) {
      const key = partitionKey(source)
      const node = sourceOf(subtopology, source.topic, (topic) => names.topic(topic))
      const start = startOffset({
        ...source,
        committed: committed.get(key)?.offset,
        persisted: checkpoint.inputs.get(key),
        earliest: earliest.get(key) ?? 0,
        latest: latest.get(key) ?? 0,
        reset: this.#resetOf(node, source.topic),
        onOffsetLost: config.onOffsetLost,
        evidence: hadState ? 'its changelogs hold records' : undefined,
        evidenceStops: config.exactlyOnce,
      })
      if (start.warning !== undefined)
        logger.warn({ task: this.id, ...source, offset: start.offset }, start.warning)
      if (start.skipped !== undefined)
        metrics.counter('skipped-offsets-total', { task: this.id }).add(start.skipped)
      offsets.set(key, start.offset)
    }
    return offsets
  }

  #resetOf(node: SourceNode | undefined, topic: string): 'earliest' | 'latest' | 'none' {
    const { names } = this.#o.environment
    const isInternal =
      node !== undefined &&
      !(node.topics instanceof RegExp) &&
      node.topics.some((t) => names.isInternal(t) && names.topic(t) === topic)
    return isInternal ? 'earliest' : (node?.offsetReset ?? 'earliest')
  }

  async #step(step: string): Promise<void> {
    await this.#o.reached?.(step)
    this.#check()
  }

  #check(): void {
    if (this.#cancelled)
      throw new TaskMigratedError(`task ${this.id} was taken away while it was opened`, {
        task: this.id,
      })
  }
}

/** The source node that reads a topic. */
const sourceOf = (
  subtopology: Pick<Subtopology, 'nodes'>,
  topic: string,
  nameOf: (topic: string) => string,
): SourceNode | undefined =>
  subtopology.nodes.find(
    (n): n is SourceNode =>
      n.kind === 'source' &&
      (n.topics instanceof RegExp
        ? n.topics.test(topic)
        : n.topics.some((t) => nameOf(t) === topic)),
  )
