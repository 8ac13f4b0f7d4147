// A topology as one production task that a test commits, persists, aborts, crashes and wipes: its
// disk loses what was not synced, its changelogs keep what was committed. Under exactly-once nobody
// sees what an aborted transaction sent, and its inputs are read again.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VirtualClock } from '../../src/clock.js'
import type { Producer } from '../../src/kafka/client.js'
import { silentLogger } from '../../src/logger.js'
import { StreamsMetrics } from '../../src/metrics/streams-metrics.js'
import { readCheckpoint } from '../../src/runtime/checkpoint.js'
import { commitTasks } from '../../src/runtime/commit.js'
import { errorHandlers } from '../../src/runtime/error-handlers.js'
import { RecordCollector } from '../../src/runtime/record-collector.js'
import { recordsOf, type RawRecord } from '../../src/runtime/record-source.js'
import { StreamTask } from '../../src/runtime/stream-task.js'
import { mergeSubtopologies, TopicNames } from '../../src/runtime/task-environment.js'
import type { HeaderEntry } from '../../src/serde/record-headers.js'
import type { Database } from '../../src/state/bytes-store.js'
import { LevelDatabase } from '../../src/state/level-database.js'
import { MemoryDatabase } from '../../src/state/memory-database.js'
import type { Topology } from '../../src/topology/topology.js'
import type { FrozenTopology } from '../../src/topology/topology-node.js'
import { VirtualDisk } from '../state/virtual-disk.js'

/** A record as a test writes and reads it. */
export interface TextRecord {
  readonly topic: string
  readonly key: string | null
  readonly value: string | null
  readonly timestampMs: number
}

export type Fault = 'commit' | 'persist' | 'abort' | 'crash' | 'wipe'
export const faults: readonly Fault[] = ['commit', 'persist', 'abort', 'crash', 'wipe']

export interface RestartableOptions {
  /** Whether record caches are on. */
  readonly caching?: boolean
  /** LevelDB in a directory of its own; it cannot be cut off, only closed. */
  readonly onLevelDb?: boolean
  /** Bytes of clean rows in memory; 0 makes every look-up reach the engine. */
  readonly cacheBytes?: number
}

const applicationId = 'app'
const bytesOf = (text: string | null): Buffer | null => (text === null ? null : Buffer.from(text))
const textOf = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString()

interface Sent extends RawRecord {
  readonly topic: string
  readonly isChangelog: boolean
}

/** One life of the task follows the other on the same disk and changelogs. */
export class RestartableTask {
  readonly outputs: TextRecord[] = []
  readonly #topology: FrozenTopology
  readonly #names: TopicNames
  readonly #options: RestartableOptions
  readonly #changelogs = new Map<string, Sent[]>()
  readonly #ends = new Map<string, number>()
  #disk = new VirtualDisk()
  #directory: string | undefined
  #database: Database | undefined
  #collector: RecordCollector | undefined
  #task: StreamTask | undefined
  #pending: Sent[] = []
  #undelivered: Sent[] = []
  #inputs: TextRecord[] = []

  constructor(topology: Topology<any>, options: RestartableOptions = {}) {
    this.#topology = topology.freeze()
    this.#names = new TopicNames(applicationId, this.#topology)
    this.#options = options
  }

  /** Feeds a record and processes what follows of it. */
  async pipe(record: TextRecord): Promise<void> {
    if (this.#task === undefined) await this.#open()
    this.#inputs.push(record)
    await this.#pipe(record)
  }

  /** What outputs are there for, in `key=value@time`; committed ones only. */
  texts(): string[] {
    return this.outputs.map(({ key, value, timestampMs }) => `${key}=${value}@${timestampMs}`)
  }

  async do(fault: Fault): Promise<void> {
    if (this.#task === undefined) await this.#open()
    if (fault === 'abort') {
      this.#pending = []
      this.#undelivered = []
      this.#task!.aborted()
      await this.#reopen(false)
      for (const record of this.#inputs) await this.#pipe(record)
      return
    }
    await this.#commit()
    if (fault === 'persist') await this.#task!.persist()
    if (fault === 'crash') await this.#reopen(false)
    if (fault === 'wipe') await this.#reopen(true)
  }

  async close(): Promise<void> {
    this.#task?.close()
    await this.#database?.close()
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true })
  }

  async #pipe(record: TextRecord): Promise<void> {
    const { topic, key, value, timestampMs } = record
    this.#deliver({ topic, key: bytesOf(key), value: bytesOf(value), timestampMs })
    await this.#work()
  }

  #deliver(record: Omit<RawRecord, 'offset'> & { readonly topic: string }): void {
    const source = { topic: record.topic, partition: 0 }
    const task = this.#task!
    if (task.queue(source) === undefined) return
    const offset = this.#next(`input ${record.topic}`)
    task.addRecords(source, [recordsOf([{ ...record, offset }])], 1, offset + 1)
  }

  async #work(): Promise<void> {
    const task = this.#task!
    while (!task.group.isEmpty || this.#undelivered.length > 0) {
      for (const sent of this.#undelivered.splice(0)) this.#deliver(sent)
      await task.process()
    }
  }

  async #commit(): Promise<void> {
    // What caches let through may go round once more through a repartition topic.
    do {
      await commitTasks([this.#task!], this.#collector!, async () => {})
      await this.#work()
    } while (this.#task!.needsCommit)
    for (const sent of this.#pending.splice(0))
      if (sent.isChangelog) this.#changelog(sent.topic).push(sent)
      else if (!sent.topic.startsWith(`${applicationId}-`))
        this.outputs.push({
          topic: sent.topic,
          key: textOf(sent.key),
          value: textOf(sent.value),
          timestampMs: sent.timestampMs,
        })
    this.#inputs = []
  }

  async #reopen(wiped: boolean): Promise<void> {
    this.#task!.close()
    await this.#database!.close()
    if (this.#directory !== undefined && wiped) {
      await rm(this.#directory, { recursive: true, force: true })
      this.#directory = undefined
    }
    if (wiped) this.#disk = new VirtualDisk()
    else this.#disk.crash(0)
    await this.#open()
  }

  async #open(): Promise<void> {
    this.#database = await this.#openDatabase()
    const clock = new VirtualClock(0)
    this.#collector = new RecordCollector({
      producer: this.#producer(),
      clock,
      onSend: (topic, _partition, key, value, timestampMs, headers) =>
        this.#onSend(topic, key, value, timestampMs, headers),
    })
    const part = mergeSubtopologies(this.#topology)
    const topics = part.nodes.flatMap((node) =>
      node.kind === 'source' && !(node.topics instanceof RegExp) ? node.topics : [],
    )
    const task = new StreamTask({
      taskId: '0_0',
      partition: 0,
      subtopology: part,
      environment: {
        applicationId,
        stateDir: '/nowhere',
        config: { emitIntervalMs: 0 },
        clock,
        logger: silentLogger,
        metrics: new StreamsMetrics(),
        handlers: errorHandlers({ processingHandler: 'continue' }),
        collector: this.#collector,
        names: this.#names,
        globalStores: new Map(),
        deadLetterTopic: undefined,
        maxTaskIdleMs: -1,
        cacheBytes: this.#options.cacheBytes ?? 1 << 20,
        packedBytes: this.#options.cacheBytes === 0 ? 0 : 1 << 20,
        recordCaches: this.#options.caching === true,
      },
      databases: { leveldb: this.#database, memory: new MemoryDatabase() },
      sources: topics.map((topic) => ({ topic: this.#names.topic(topic), partition: 0 })),
    })
    const { changelogs } = await readCheckpoint(this.#database)
    for (const store of task.stores.all) {
      if (store.changelog === undefined) continue
      const survives = store.database === this.#database
      const from = survives ? (changelogs.get(store.spec.name)?.offset ?? 0) : 0
      const records = this.#changelog(store.changelog).filter(({ offset }) => offset >= from)
      store.store.restore(
        records.map(({ key, value, timestampMs, headers }) => ({
          key: key!,
          value,
          timestampMs,
          headers: headers ?? [],
        })),
      )
      store.position = (records.at(-1)?.offset ?? from - 1) + 1
    }
    await task.initialize()
    this.#task = task
  }

  async #openDatabase(): Promise<Database> {
    if (this.#options.onLevelDb !== true) return this.#disk.open('db')
    this.#directory ??= await mkdtemp(join(tmpdir(), 'millrace-'))
    return LevelDatabase.open(this.#directory)
  }

  #onSend(
    topic: string,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number | null,
    headers: readonly HeaderEntry[],
  ): void {
    const sent: Sent = {
      topic,
      isChangelog: topic.endsWith('-changelog'),
      offset: this.#next(topic),
      key: key && new Uint8Array(key),
      value: value && new Uint8Array(value),
      timestampMs: timestampMs ?? 0,
      headers,
    }
    this.#pending.push(sent)
    if (!sent.isChangelog) this.#undelivered.push(sent)
  }

  #changelog(topic: string): Sent[] {
    let records = this.#changelogs.get(topic)
    if (records === undefined) this.#changelogs.set(topic, (records = []))
    return records
  }

  #next(topic: string): number {
    const next = this.#ends.get(topic) ?? 0
    this.#ends.set(topic, next + 1)
    return next
  }

  /** Acknowledges at once. */
  #producer(): ConstructorParameters<typeof RecordCollector>[0]['producer'] {
    const bases = new Map<string, number>(this.#ends)
    return {
      partitionCount: async () => 1,
      send: (({ topic }, batch, acknowledged) => {
        const base = bases.get(topic) ?? 0
        bases.set(topic, base + batch.count)
        acknowledged?.(base)
      }) satisfies Producer['send'],
      flush: async () => {},
      drained: async () => {},
      pendingBytes: 0,
    }
  }
}
