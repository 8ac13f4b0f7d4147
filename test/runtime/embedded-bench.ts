// A log in memory with a client of its own, a state directory that is thrown away, and applications
// on both.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/clock.js'
import { embedded } from '../../src/embedded/embedded.js'
import type { Client } from '../../src/kafka/client.js'
import { RecordBatchBuilder } from '../../src/kafka/record-batch.js'
import { clientOf, type Transport } from '../../src/kafka/transport.js'
import { silentLogger, type Logger } from '../../src/logger.js'
import { KafkaStreams } from '../../src/runtime/kafka-streams.js'
import type { CommonConfig } from '../../src/runtime/streams-config.js'
import { long, string } from '../../src/serde/serdes.js'
import { Topology } from '../../src/topology/topology.js'
import { countNode, countStores } from './count-node.js'

export interface Received {
  readonly partition: number
  readonly key: string | null
  readonly value: Buffer | null
  readonly timestampMs: number
  readonly headers: ReadonlyMap<string, string>
}

export class EmbeddedBench {
  readonly stateDir = mkdtempSync(join(tmpdir(), 'millrace-'))
  /** What applications logged at warning or above. */
  readonly logged: { readonly fields: object; readonly message: string }[] = []
  readonly #apps: KafkaStreams[] = []

  private constructor(
    readonly transport: Transport,
    readonly client: Client,
  ) {}

  static async open(...topics: string[]): Promise<EmbeddedBench> {
    const transport = embedded()
    const client = await clientOf(transport, { clock: systemClock, logger: silentLogger })
    const bench = new EmbeddedBench(transport, client)
    await bench.createTopics(2, ...topics)
    return bench
  }

  createTopics(partitions: number, ...names: string[]): Promise<void> {
    return this.client.admin.createTopics(
      names.map((name) => ({ name, partitions, replicationFactor: -1, configs: {} })),
    )
  }

  /** Sends records; null is null, keys choose the partition by their first character. */
  async send(
    topic: string,
    ...records: readonly (readonly [
      key: string | null,
      value: string | Buffer | null,
      timestampMs?: number,
    ])[]
  ): Promise<void> {
    const producer = this.client.producer()
    for (const [key, value, timestampMs = 1_000] of records) {
      const batch = new RecordBatchBuilder()
      batch.append(
        timestampMs,
        key === null ? null : Buffer.from(key),
        typeof value === 'string' ? Buffer.from(value) : value,
        [['origin', Buffer.from('test')]],
      )
      producer.send({ topic, partition: (key ?? 'a').charCodeAt(0) % 2 }, batch)
    }
    await producer.flush()
    await producer.close()
  }

  /** Waits until a read-committed reader sees `count` records of a topic, and gives them. */
  async received(topic: string, count: number): Promise<Received[]> {
    const description = await this.client.admin.describeTopics([topic])
    const fetcher = this.client.fetcher({ isolation: 'read_committed' })
    for (let partition = 0; partition < (description.get(topic)?.partitions ?? 0); partition++)
      fetcher.add({ topic, partition }, 0)
    const records: Received[] = []
    while (records.length < count) {
      const fetched = fetcher.poll()
      if (fetched === undefined) await fetcher.wait(50)
      else
        for (const reader of fetched.batches)
          while (reader.next())
            records.push({
              partition: fetched.partition,
              key: reader.key()?.toString() ?? null,
              value: reader.value(),
              timestampMs: reader.timestampMs,
              headers: new Map(
                reader
                  .headers()
                  .map(([name, value]) => [name, Buffer.from(value ?? []).toString()]),
              ),
            })
    }
    await fetcher.close()
    return records
  }

  app(topology: Topology<any>, config: Partial<CommonConfig> = {}): KafkaStreams {
    const note = (fields: object, message: string): void =>
      void this.logged.push({ fields, message })
    const logger: Logger = { debug() {}, info() {}, warn: note, error: note }
    const app = new KafkaStreams(topology, {
      applicationId: 'app',
      transport: this.transport,
      stateDir: this.stateDir,
      processingGuarantee: 'exactly_once_v2',
      commitIntervalMs: 5,
      logger,
      ...config,
    })
    this.#apps.push(app)
    return app
  }

  /** Starts an application that must end in ERROR, before or after it runs; gives what ended it. */
  async failure(topology: Topology<any>, config: Partial<CommonConfig> = {}): Promise<Error> {
    const app = this.app(topology, config)
    const ended = new Promise<void>((resolve) => {
      app.onStateChange((next) => next === 'ERROR' && resolve())
    })
    app.start().catch(() => {})
    await ended
    return app.failure as Error
  }

  /** Offsets are committed as a tool would do it. */
  async commitOffset(topic: string, partition: number, offset: number): Promise<void> {
    const member = this.client.transactionalProducer({
      transactionalId: 'tool',
      transactionTimeoutMs: 1_000,
    })
    await member.init()
    member.begin()
    await member.sendOffsets([{ topic, partition, offset, metadata: '' }], {
      groupId: 'app',
      generationId: -1,
      memberId: '',
      instanceId: undefined,
    })
    await member.commit()
    await member.close()
  }

  async close(): Promise<void> {
    for (const app of this.#apps) await app.close()
    await this.client.close()
    rmSync(this.stateDir, { recursive: true, force: true })
  }
}

/** Counts by key, from `in` to `out`. */
export const countTopology = (reset?: 'earliest' | 'latest' | 'none'): Topology =>
  new Topology()
    .addSource('in', 'in', { key: string(), value: string(), offsetReset: reset })
    .addProcessor('count', countNode, { parents: ['in'], stores: countStores })
    .addSink('out', 'out', { parents: ['count'], key: string(), value: long() })

/** Copies `in` to `out` through `callback`. */
export const mapTopology = (callback: (value: string) => unknown): Topology =>
  new Topology()
    .addSource('in', 'in', { key: string(), value: string() })
    .addProcessor(
      'map',
      (context) => ({
        process: (record) =>
          context.forward({ ...record, value: callback(record.value as string) }),
      }),
      { parents: ['in'] },
    )
    .addSink('out', 'out', { parents: ['map'], key: string(), value: string() })
