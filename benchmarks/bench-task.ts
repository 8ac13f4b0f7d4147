// One task without a log around it: encoded batches go in, what it sends is counted and thrown away.
// Everything between is what production runs: queue, decoder, nodes, stores, collector, commit.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/clock.js'
import type { Topology } from '../src/index.js'
import type { TopicPartition } from '../src/kafka/client.js'
import {
  assignBaseOffset,
  parseBatchHeader,
  noIdentity,
  RecordBatchBuilder,
  RecordReader,
} from '../src/kafka/record-batch.js'
import { silentLogger } from '../src/logger.js'
import { StreamsMetrics } from '../src/metrics/streams-metrics.js'
import { Committer, type CommitterOptions } from '../src/runtime/committer.js'
import { errorHandlers } from '../src/runtime/error-handlers.js'
import { Persister } from '../src/runtime/persister.js'
import { RecordCollector } from '../src/runtime/record-collector.js'
import { StreamTask } from '../src/runtime/stream-task.js'
import { resolveConfig } from '../src/runtime/streams-config.js'
import { mergeSubtopologies, TopicNames } from '../src/runtime/task-environment.js'
import type { RunningTask } from '../src/runtime/task-manager.js'
import { LevelDatabase } from '../src/state/level-database.js'
import { MemoryDatabase } from '../src/state/memory-database.js'
import type { Generated } from './generator.js'

/** A producer that encodes batches as a real one does, and throws away what is not read again. */
class Discard {
  readonly pendingBytes = 0
  records = 0
  bytes = 0
  /** Topics that are read again, with what was sent to them. */
  readonly loops = new Map<string, Buffer[]>()

  async partitionCount(): Promise<number> {
    return 1
  }

  send(
    { topic }: TopicPartition,
    batch: RecordBatchBuilder,
    acknowledged?: (offset: number) => void,
  ): void {
    const first = this.records
    const bytes = batch.finish(noIdentity)
    this.bytes += bytes.length
    this.loops.get(topic)?.push(Buffer.from(bytes))
    this.records += batch.count
    acknowledged?.(first)
  }

  async flush(): Promise<void> {}
  async drained(): Promise<void> {}
}

/** Encodes records as batches of `size`, ready to be read any number of times. */
export function encodeBatches(records: Iterable<Generated>, size = 1000): Buffer[] {
  const batches: Buffer[] = []
  let builder = new RecordBatchBuilder()
  let offset = 0
  const finish = () => {
    const bytes = Buffer.from(builder.finish(noIdentity))
    assignBaseOffset(bytes, offset)
    offset += builder.count
    batches.push(bytes)
    builder = new RecordBatchBuilder()
  }
  for (const { key, value, timestampMs } of records) {
    builder.append(timestampMs, Buffer.from(key), Buffer.from(value))
    if (builder.count === size) finish()
  }
  if (builder.count > 0) finish()
  return batches
}

/** How long records are processed before the event loop has its turn, ms; as in a stream thread. */
const sliceMs = 5

/** Of one record, in microseconds; CPU time is that of all threads. */
export interface Cost {
  readonly wallUs: number
  readonly cpuUs: number
}

export interface BenchTaskOptions {
  readonly topic: string
  /** Default exactly-once: a commit every 100 ms. */
  readonly guarantee?: 'alos' | 'eos' | undefined
  readonly engine?: 'leveldb' | 'memory' | undefined
  readonly caching?: boolean | undefined
}

export class BenchTask {
  readonly output = new Discard()
  readonly task: StreamTask
  readonly #collector: RecordCollector
  readonly #committer: Committer
  readonly #persister: Persister
  readonly #running: RunningTask
  readonly #source: TopicPartition
  readonly #offsets = new Map<string, number>()
  readonly #close: () => Promise<void>
  #failure: unknown

  private constructor(
    topology: Topology<any>,
    options: BenchTaskOptions,
    database: LevelDatabase | undefined,
    close: () => Promise<void>,
  ) {
    const frozen = topology.freeze()
    this.#source = { topic: options.topic, partition: 0 }
    this.#close = close
    const producer = this.output
    const names = new TopicNames('bench', frozen)
    const part = mergeSubtopologies(frozen)
    const topics = part.nodes.flatMap((node) =>
      node.kind === 'source' && !(node.topics instanceof RegExp) ? node.topics : [],
    )
    const sources = topics.map((topic) => ({ topic: names.topic(topic), partition: 0 }))
    for (const { topic } of sources) if (topic !== options.topic) this.output.loops.set(topic, [])
    this.#collector = new RecordCollector({ producer, clock: systemClock })
    const config = resolveConfig(
      {
        applicationId: 'bench',
        processingGuarantee: options.guarantee === 'alos' ? 'at_least_once' : 'exactly_once_v2',
        brokers: ['none:1'],
      },
      { needsLog: false },
    )
    this.task = new StreamTask({
      taskId: '0_0',
      partition: 0,
      subtopology: part,
      environment: {
        applicationId: 'bench',
        stateDir: '',
        config: {},
        clock: systemClock,
        logger: silentLogger,
        metrics: new StreamsMetrics(),
        handlers: errorHandlers({}),
        collector: this.#collector,
        names,
        globalStores: new Map(),
        deadLetterTopic: undefined,
        maxTaskIdleMs: 0,
        cacheBytes: 16 * 2 ** 20,
        packedBytes: config.rowCacheBytes,
        recordCaches: options.caching ?? true,
      },
      databases: { leveldb: database, memory: new MemoryDatabase() },
      sources,
    })
    this.#running = {
      id: '0_0',
      task: this.task,
      databases: {},
      sources,
      startOffsets: new Map(),
      persistedAtMs: Date.now(),
      persistable: false,
      persisting: undefined,
      busy: undefined,
    } as unknown as RunningTask
    // Without a log there is no transaction to end, no group and nothing to purge.
    this.#committer = new Committer({
      config,
      clock: systemClock,
      running: () => [this.#running],
      collector: this.#collector,
      unit: { end: async () => {} },
      member: { rebalancing: false },
      purge: { afterCommit() {} },
      settled: async () => {},
      committed: { add() {} },
      reached: undefined,
    } as unknown as CommitterOptions)
    this.#persister = new Persister({
      config,
      clock: systemClock,
      failed: (error) => (this.#failure ??= error),
      reached: undefined,
    })
  }

  static async open(topology: Topology<any>, options: BenchTaskOptions): Promise<BenchTask> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
    const database =
      options.engine === 'memory' ? undefined : await LevelDatabase.open(join(folder, 'db'))
    const bench = new BenchTask(topology, options, database, async () => {
      await database?.close()
      rmSync(folder, { recursive: true, force: true })
    })
    await bench.task.initialize()
    return bench
  }

  /** Processes batches with commits and persists as they fall due; gives the number of records. */
  async run(batches: readonly Buffer[]): Promise<number> {
    let processed = 0
    let sliceAtMs = Date.now()
    for (const bytes of batches) {
      processed += await this.#process(this.#source, bytes)
      for (let more = this.output.loops.size > 0; more;) more = await this.#processLoops()
      await this.#committer.commitIfDue()
      this.#persister.persistWhereDue([this.#running])
      if (this.#failure !== undefined) throw this.#failure
      if (Date.now() - sliceAtMs < sliceMs) continue
      await new Promise(setImmediate)
      sliceAtMs = Date.now()
    }
    await this.#committer.commit()
    await this.#running.persisting
    await this.task.persist()
    return processed
  }

  /** The same, with what a record costs. */
  async cost(batches: readonly Buffer[]): Promise<Cost> {
    const cpu = process.cpuUsage()
    const startedMs = performance.now()
    const processed = await this.run(batches)
    const wallUs = ((performance.now() - startedMs) * 1000) / processed
    const { user, system } = process.cpuUsage(cpu)
    return { wallUs, cpuUs: (user + system) / processed }
  }

  /** Adds one batch and processes it. */
  async #process(source: TopicPartition, bytes: Buffer): Promise<number> {
    const reader = new RecordReader(bytes, parseBatchHeader(bytes, 0))
    const nextOffset = (this.#offsets.get(source.topic) ?? 0) + reader.count
    this.#offsets.set(source.topic, nextOffset)
    this.task.addRecords(source, [reader], bytes.length, nextOffset)
    let processed = 0
    for (;;) {
      const result = this.task.process()
      if (!(typeof result === 'boolean' ? result : await result)) return processed
      processed++
    }
  }

  /** Processes what came back to internal topics; whether anything did. */
  async #processLoops(): Promise<boolean> {
    await this.#collector.flush()
    let any = false
    for (const [topic, batches] of this.output.loops)
      for (const bytes of batches.splice(0)) {
        await this.#process({ topic, partition: 0 }, bytes)
        any = true
      }
    return any
  }

  async close(): Promise<void> {
    this.task.close()
    await this.#close()
  }
}
