// What the real-broker tests share: topics, a feeder, reading until something is there, and the
// model of the counting worker.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import {
  json,
  string,
  topic,
  topicClient,
  type Topic,
  type TopicClient,
  type TopicRecord,
} from '../../src/index.js'
import { AppProcess } from './app-process.js'
import type { KafkaAddress } from './kafka-server.js'
import { uniqueName } from './use-kafka.js'
import type { WorkerTask } from './worker.js'

/** Numbers by text: what workers read. */
export const numbers = (name: string): Topic<string, number> =>
  topic(name, { key: string(), value: json<number>() })

export interface Counts {
  readonly count: number
  readonly sum: number
}
/** What the counting worker writes. */
export const countsOf = (name: string): Topic<string, Counts> =>
  topic(name, { key: string(), value: json<Counts>() })

/** mulberry32, in `[0, 1)`: the seed is printed by the test that uses it. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** One test's topics, processes and folders; everything ends with the test. */
export class Bench {
  readonly log: TopicClient
  readonly input: string
  readonly output: string
  readonly applicationId: string
  readonly #kafka: KafkaAddress
  readonly #folder = mkdtempSync(join(tmpdir(), 'millrace-app-'))
  readonly #apps: AppProcess[] = []

  private constructor(kafka: KafkaAddress, name: string) {
    this.#kafka = kafka
    this.applicationId = uniqueName(name)
    this.input = `${this.applicationId}-in`
    this.output = `${this.applicationId}-out`
    this.log = topicClient({ brokers: kafka.brokers })
  }

  static async open(kafka: KafkaAddress, name: string, partitions = 2): Promise<Bench> {
    const bench = new Bench(kafka, name)
    onTestFinished(() => bench.#close())
    await bench.log.createTopics([
      { name: bench.input, partitions },
      { name: bench.output, partitions },
    ])
    return bench
  }

  /** Starts a worker on these topics; `instance` has a state folder of its own. */
  start(
    topology: WorkerTask['topology'],
    config: Partial<WorkerTask['config']> = {},
    instance = 'one',
  ): AppProcess {
    const app = new AppProcess({
      topology,
      input: this.input,
      output: this.output,
      config: {
        applicationId: this.applicationId,
        brokers: this.#kafka.brokers,
        stateDir: this.stateDir(instance),
        processingGuarantee: 'exactly_once_v2',
        sessionTimeoutMs: 1000,
        ...config,
      } as WorkerTask['config'],
    })
    this.#apps.push(app)
    return app
  }

  stateDir(instance = 'one'): string {
    return join(this.#folder, instance)
  }

  forgetState(instance = 'one'): void {
    rmSync(this.stateDir(instance), { recursive: true, force: true })
  }

  /** Waits until the application has committed all of its input. @throws after `timeoutMs`. */
  async untilCaughtUp(timeoutMs = 60_000): Promise<void> {
    const deadlineMs = Date.now() + timeoutMs
    for (;;) {
      const committed = await this.log.committed(this.applicationId, this.input)
      let behind = 0
      for (const [partition, end] of await this.log.endOffsets(this.input))
        behind += end - (committed.get(partition) ?? 0)
      if (behind <= 0) return
      if (Date.now() > deadlineMs)
        throw new Error(
          `${behind} records behind after ${timeoutMs} ms\n${this.#apps.map((a) => a.errors.slice(-2000)).join('\n')}`,
        )
      await delay(50)
    }
  }

  /** Reads a topic until it holds `count` committed records; more are returned too. @throws after `timeoutMs`. */
  async untilRead<K, V>(
    from: Topic<K, V>,
    count: number,
    timeoutMs = 60_000,
  ): Promise<TopicRecord<K, V>[]> {
    const deadlineMs = Date.now() + timeoutMs
    const records: TopicRecord<K, V>[] = []
    const next = new Map<number, number>()
    for (;;) {
      for await (const record of this.log.read(from, next)) {
        records.push(record)
        next.set(record.partition, record.offset + 1)
      }
      if (records.length >= count) return records
      if (Date.now() > deadlineMs)
        throw new Error(
          `${records.length} of ${count} records of ${from.name} after ${timeoutMs} ms\n${this.#apps.map((a) => a.errors.slice(-2000)).join('\n')}`,
        )
      await delay(50)
    }
  }

  async #close(): Promise<void> {
    await Promise.all(this.#apps.map((app) => app.kill()))
    await this.log.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** What the counting worker's output must be: per group the running count, and the last sum. */
export class CountModel {
  readonly groups = new Map<string, Counts>()
  total = 0

  feed(key: string, value: number): void {
    const group = key.split('-')[0] ?? ''
    const { count, sum } = this.groups.get(group) ?? { count: 0, sum: 0 }
    this.groups.set(group, { count: count + 1, sum: sum + value })
    this.total++
  }

  /** How the output differs from the model; empty when it is equal to the record. */
  differences(output: readonly TopicRecord<string, Counts>[]): string[] {
    const differences: string[] = []
    const seen = new Map<string, Counts>()
    for (const { key, value, partition, offset } of output) {
      if (key === null || value === null) continue
      const expected = (seen.get(key)?.count ?? 0) + 1
      if (value.count !== expected)
        differences.push(`${key} at ${partition}/${offset}: count ${value.count}, not ${expected}`)
      seen.set(key, value)
    }
    if (output.length !== this.total)
      differences.push(`${output.length} records, not ${this.total}`)
    for (const [group, { count, sum }] of this.groups) {
      const last = seen.get(group)
      if (last?.count !== count || last.sum !== sum)
        differences.push(`${group}: ${JSON.stringify(last)}, not ${count} and ${sum}`)
    }
    return differences.slice(0, 20)
  }
}

/** Sends numbers under random keys at a steady rate until stopped; the model gets each one. */
export class Feeder {
  readonly #done: Promise<void>
  #stopped = false

  constructor(
    bench: Bench,
    model: CountModel,
    options: { readonly seed: number; readonly perSecond: number },
  ) {
    const random = seeded(options.seed)
    const to = numbers(bench.input)
    const run = async () => {
      while (!this.#stopped) {
        const startedMs = Date.now()
        const records = Array.from({ length: Math.ceil(options.perSecond / 20) }, () => ({
          key: `g${Math.floor(random() * 10)}-${Math.floor(random() * 1000)}`,
          value: Math.floor(random() * 1000),
        }))
        await bench.log.send(to, records)
        for (const { key, value } of records) model.feed(key, value)
        await delay(Math.max(0, 50 - (Date.now() - startedMs)))
      }
    }
    this.#done = run()
    this.#done.catch(() => {}) // `stop` rejects with it
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#done
  }
}
