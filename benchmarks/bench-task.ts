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
import { commitTasks } from '../src/runtime/commit.js'
import { errorHandlers } from '../src/runtime/error-handlers.js'
import { RecordCollector } from '../src/runtime/record-collector.js'
import { StreamTask } from '../src/runtime/stream-task.js'
import { mergeSubtopologies, TopicNames } from '../src/runtime/task-environment.js'
import { LevelDatabase } from '../src/state/level-database.js'
import { MemoryDatabase } from '../src/state/memory-database.js'
import type { Generated } from './generator.js'

/** A producer that encodes batches as a real one does, and throws them away. */
class Discard {
  readonly pendingBytes = 0
  records = 0
  bytes = 0

  async partitionCount(): Promise<number> {
    return 1
  }

  send(
    _: TopicPartition,
    batch: RecordBatchBuilder,
    acknowledged?: (offset: number) => void,
  ): void {
    const first = this.records
    this.bytes += batch.finish(noIdentity).length
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

export interface BenchTaskOptions {
  readonly topic: string
  /** Default 100: exactly-once. */
  readonly commitIntervalMs?: number | undefined
  readonly engine?: 'leveldb' | 'memory' | undefined
  readonly caching?: boolean | undefined
  /** How often committed rows are persisted, default 5,000. */
  readonly persistIntervalMs?: number | undefined
}

export class BenchTask {
  readonly output = new Discard()
  readonly task: StreamTask
  readonly #collector: RecordCollector
  readonly #options: BenchTaskOptions
  readonly #source: TopicPartition
  readonly #close: () => Promise<void>
  #nextOffset = 0

  private constructor(
    topology: Topology<any>,
    options: BenchTaskOptions,
    database: LevelDatabase | undefined,
    close: () => Promise<void>,
  ) {
    const frozen = topology.freeze()
    this.#options = options
    this.#source = { topic: options.topic, partition: 0 }
    this.#close = close
    const producer = this.output
    this.#collector = new RecordCollector({ producer, clock: systemClock })
    this.task = new StreamTask({
      taskId: '0_0',
      partition: 0,
      subtopology: mergeSubtopologies(frozen),
      environment: {
        applicationId: 'bench',
        stateDir: '',
        config: {},
        clock: systemClock,
        logger: silentLogger,
        metrics: new StreamsMetrics(),
        handlers: errorHandlers({}),
        collector: this.#collector,
        names: new TopicNames('bench', frozen),
        globalStores: new Map(),
        deadLetterTopic: undefined,
        maxTaskIdleMs: 0,
        cacheBytes: 10_485_760,
        recordCaches: options.caching ?? true,
      },
      databases: { leveldb: database, memory: new MemoryDatabase() },
      sources: [this.#source],
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
    const { commitIntervalMs = 100, persistIntervalMs = 5000 } = this.#options
    let processed = 0
    let committedMs = Date.now()
    let persistedMs = committedMs
    for (const bytes of batches) {
      const header = parseBatchHeader(bytes, 0)
      const reader = new RecordReader(bytes, header)
      this.#nextOffset += reader.count
      this.task.addRecords(this.#source, [reader], bytes.length, this.#nextOffset)
      let more = true
      while (more) {
        const result = this.task.process()
        more = typeof result === 'boolean' ? result : await result
        if (more) processed++
      }
      const nowMs = Date.now()
      if (nowMs - committedMs < commitIntervalMs) continue
      await this.commit()
      committedMs = Date.now()
      if (committedMs - persistedMs < persistIntervalMs) continue
      await this.task.persist()
      persistedMs = Date.now()
    }
    await this.commit()
    await this.task.persist()
    return processed
  }

  async commit(): Promise<void> {
    await commitTasks([this.task], this.#collector, async () => {})
  }

  async close(): Promise<void> {
    this.task.close()
    await this.#close()
  }
}
