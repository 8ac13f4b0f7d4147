// One seeded run: records are counted behind a repartition while processes are cut off at random
// awaits, answers are lost and disks forget what was not synced. Judged by a model: each key's
// counts come out exactly once and in order, and the stores agree.
import { VirtualClock } from '../../src/clock.js'
import { EmbeddedTransport } from '../../src/embedded/embedded.js'
import { KafkaError, partitionKey, type Client } from '../../src/kafka/client.js'
import { RecordBatchBuilder } from '../../src/kafka/record-batch.js'
import { openClient } from '../../src/kafka/transport.js'
import { silentLogger, type Logger } from '../../src/logger.js'
import { StreamsBuilder } from '../../src/dsl/streams-builder.js'
import { json, long, string } from '../../src/serde/serdes.js'
import type { FrozenTopology } from '../../src/topology/topology-node.js'
import { Topology } from '../../src/topology/topology.js'
import { countNode, countStores } from '../runtime/count-node.js'
import { randomOf, type Random } from './random.js'
import { SimulatedProcess } from './simulated-process.js'

/** What goes wrong in a run, drawn from its seed. */
export interface RunSummary {
  readonly crashes: number
  readonly lostAnswers: number
}

const partitions = 2
const inputs = 40

/** Records keyed `n`, counted by their value, which is another key: so they are repartitioned. */
function topology(): FrozenTopology {
  const frozen = new Topology()
    .addSource('in', 'in', { key: string(), value: string() })
    .addProcessor(
      'rekey',
      (context) => ({
        process: (record) => context.forward({ ...record, key: record.value as string }),
      }),
      { parents: ['in'] },
    )
    .addSink('to-mid', 'by-value', { parents: ['rekey'], key: string(), value: string() })
    .addSource('mid', 'by-value', { key: string(), value: string() })
    .addProcessor('count', countNode, { parents: ['mid'], stores: countStores })
    .addSink('out', 'out', { parents: ['count'], key: string(), value: long() })
    .freeze()
  return { ...frozen, repartitionTopics: [{ name: 'by-value', partitions: undefined }] }
}

/** The same by the DSL: a record cache, an accumulator that is changed in place, and two stores. */
function fluentTopology(): FrozenTopology {
  const builder = new StreamsBuilder({ key: string(), value: string() })
  const grouped = builder.stream('in').groupBy((value) => value, { name: 'by-value' })
  grouped.count({ store: 'counts', caching: true }).toStream().to('out', { value: long() })
  grouped
    .aggregate({
      initial: () => ({ seen: [] as string[] }),
      add: (all, value) => {
        all.seen.push(value)
        return all
      },
      value: json<{ seen: string[] }>(),
      store: 'seen',
      caching: false,
    })
    .toStream()
    .mapValues(({ seen }) => seen.length, { value: long() })
    .to('sizes')
  return builder.build().freeze()
}

/** Calls before the repartition, behind a record cache and behind a store: some fail, some never end. */
function callsTopology(random: Random): FrozenTopology {
  const call = async <V>(value: V, attempt: number): Promise<V> => {
    for (let turns = random.below(4); turns > 0; turns--)
      await new Promise((resolve) => setImmediate(resolve))
    if (attempt < 3 && random.below(10) === 0) throw new Error('try again')
    if (attempt < 3 && random.below(40) === 0) await new Promise(() => {})
    return value
  }
  const options = (order: 'key' | 'partition' | 'none') =>
    ({ order, concurrency: 1 + random.below(5), timeoutMs: 20, retry: { attempts: 3 } }) as const
  const builder = new StreamsBuilder({ key: string(), value: string() })
  const grouped = builder
    .stream('in')
    .filterAsync((_value, _key, _record, { attempt }) => call(true, attempt), options('none'))
    .groupBy((value) => value, { name: 'by-value' })
  grouped
    .count({ store: 'counts', caching: true })
    .toStream()
    .filterAsync((_count, _key, _record, { attempt }) => call(true, attempt), options('key'))
    .to('out', { value: long() })
  grouped
    .count({ store: 'sizes', caching: false })
    .toStream()
    .filterAsync((_size, _key, _record, { attempt }) => call(true, attempt), options('partition'))
    .to('sizes', { value: long() })
  return builder.build().freeze()
}

/** A count alone, for runs with so little room that changed rows stay bytes until the commit. */
function crowdedTopology(caching: boolean, rows: 'numbers' | 'objects'): FrozenTopology {
  const builder = new StreamsBuilder({ key: string(), value: string() })
  const grouped = builder.stream('in').groupBy((value) => value, { name: 'by-value' })
  const counts =
    rows === 'numbers'
      ? grouped.count({ store: 'counts', caching }).toStream()
      : grouped
          .aggregate({
            initial: () => ({ count: 0 }),
            add: (all) => {
              all.count++
              return all
            },
            value: json<{ count: number }>(),
            store: 'counts',
            caching,
          })
          .toStream()
          .mapValues(({ count }) => count, { value: long() })
  counts.to('out', { value: long() })
  return builder.build().freeze()
}

/** Which guarantee a run is under, and what it is about. */
export interface RunOptions {
  readonly atLeastOnce?: boolean
  /** Little room for changed rows, which are these. */
  readonly crowded?: 'numbers' | 'objects' | undefined
  /** With asynchronous calls; only exactly-once is judged. */
  readonly calls?: boolean
}

class Run {
  readonly #random: Random
  readonly #clock = new VirtualClock(1_000_000)
  readonly #transport: EmbeddedTransport
  readonly #processes: SimulatedProcess[] = []
  readonly #expected = new Map<string, number>()
  /** Whether caches may leave counts out of the results, but no last one. */
  readonly #isCached: boolean
  /** Whether there is a second aggregate, and its results. */
  readonly #hasSizes: boolean
  readonly #isFluent: boolean
  readonly #atLeastOnce: boolean
  readonly #observers = new Set<number>()
  #events = 0
  #crashAt: number
  #crashesLeft: number
  #crashes = 0
  #lostAnswers = 0
  #lossRate: number

  constructor(seed: number, logger: Logger, options: RunOptions) {
    const { atLeastOnce = false, crowded, calls = false } = options
    const random = randomOf(seed)
    this.#random = random
    // Drawn apart, so that seeds which failed keep their schedules.
    const isCrowded = crowded !== undefined
    this.#isCached = calls || ((isCrowded || !atLeastOnce) && randomOf(seed + 1007).below(2) === 0)
    this.#hasSizes = this.#isCached && !isCrowded
    this.#isFluent = this.#isCached || isCrowded
    this.#atLeastOnce = atLeastOnce
    this.#crashesLeft = random.below(5)
    this.#crashAt = 1 + random.below(120)
    this.#lossRate = random.pick([0, 0, 0.02, 0.1])
    this.#transport = new EmbeddedTransport({
      faults: (operation, { client }) => this.#fault(operation, client),
    })
    const drawn = {
      applicationId: 'app',
      processingGuarantee: atLeastOnce ? 'at_least_once' : 'exactly_once_v2',
      commitIntervalMs: random.pick([0, 1, 5, 50]),
      persistIntervalMs: random.pick([0, 1, 20, 5_000]),
      persistBytes: random.pick([0, 1, 100, 2 ** 26]),
      cacheMaxBytes: random.pick([0, 1, 10_000_000]),
      // Drawn apart too.
      stateCleanupDelayMs: randomOf(seed + 2003).pick([0, 20, 600_000]),
      rowCacheBytes: randomOf(seed + 3001).pick([0, 2 ** 17, 2 ** 27]),
      sessionTimeoutMs: 300,
      transactionTimeoutMs: 2_000,
    } as const
    // More than one row is too many then, but not when it is bytes.
    const config = isCrowded ? { ...drawn, commitIntervalMs: 50, persistBytes: 250 } : drawn
    const isStatic = random.below(2) === 0
    const machines = random.pick([1, 1, 2])
    for (let n = 0; n < machines; n++)
      this.#processes.push(
        new SimulatedProcess({
          name: `machine-${n}`,
          topology: calls ? callsTopology(randomOf(seed + 3001)) : this.#topology(crowded),
          config: { ...config, groupInstanceId: isStatic ? `member-${n}` : undefined },
          transport: this.#transport,
          clock: this.#clock,
          logger,
          reached: (step) => this.#reached(step, this.#processes[n]!),
        }),
      )
  }

  #topology(crowded: RunOptions['crowded']): FrozenTopology {
    if (crowded !== undefined) return crowdedTopology(this.#isCached, crowded)
    return this.#isCached ? fluentTopology() : topology()
  }

  async judge(): Promise<RunSummary> {
    this.#observers.add(0)
    const client = await this.#transport[openClient]({ clock: this.#clock, logger: silentLogger })
    await client.admin.createTopics(
      ['in', 'out', 'sizes'].map((name) => ({
        name,
        partitions,
        replicationFactor: -1,
        configs: {},
      })),
    )
    await this.#send(client, inputs / 2)
    for (const process of this.#processes) process.start()
    await this.#turns(this.#random.below(60))
    await this.#send(client, inputs / 2)
    await this.#untilDone(client)
    // Under at-least-once nothing is lost, which is all that it promises.
    if (!this.#atLeastOnce) this.#check(await this.#read(client, 'out'), this.#isCached)
    if (this.#hasSizes) this.#check(await this.#read(client, 'sizes'), false)
    if (!this.#atLeastOnce) await this.#checkStores()
    else await this.#stop()
    await client.close()
    if (this.#processes.some(({ disk }) => disk.removedOpen > 0))
      throw new Error('a folder was deleted that was open')
    return { crashes: this.#crashes, lostAnswers: this.#lostAnswers }
  }

  // ---------- what goes wrong

  async #reached(_step: string, process: SimulatedProcess): Promise<void> {
    await this.#perhapsCrash(process)
  }

  async #fault(operation: string, client: number): Promise<void> {
    if (this.#observers.has(client) || operation.startsWith('fetch.wait')) return
    const process = this.#processes.find((p) => p.client?.number === client)
    if (process !== undefined) await this.#perhapsCrash(process)
    if (this.#lossRate === 0 || this.#random.next() >= this.#lossRate) return
    if (operation.startsWith('group.leave')) return
    this.#lostAnswers++
    if (this.#lostAnswers > 30) this.#lossRate = 0
    throw new KafkaError(`${operation} was lost`, 'retriable')
  }

  async #perhapsCrash(process: SimulatedProcess): Promise<void> {
    if (++this.#events < this.#crashAt || this.#crashesLeft === 0) return
    this.#crashesLeft--
    this.#crashes++
    this.#crashAt = this.#events + 1 + this.#random.below(150)
    process.crash(this.#random.below(3))
    const downMs = this.#random.pick([0, 10, 400])
    if (this.#random.below(6) === 0) process.wipe()
    this.#clock.setTimer(downMs, () => process.start())
    await new Promise(() => {})
  }

  // ---------- driving

  async #turns(count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      for (let k = 0; k < 3; k++) await new Promise((resolve) => setImmediate(resolve))
      this.#clock.advance(5)
    }
  }

  async #send(client: Client, count: number): Promise<void> {
    const producer = client.producer()
    for (let n = 0; n < count; n++) {
      const key = `k${this.#random.below(5)}`
      this.#expected.set(key, (this.#expected.get(key) ?? 0) + 1)
      const batch = new RecordBatchBuilder()
      batch.append(n, Buffer.from(String(n)), Buffer.from(key))
      producer.send({ topic: 'in', partition: this.#random.below(partitions) }, batch)
    }
    await producer.flush()
    await producer.close()
  }

  async #untilDone(client: Client): Promise<void> {
    for (let round = 0; round < 400; round++) {
      await this.#turns(10)
      for (const { app } of this.#processes) if (app?.state === 'ERROR') throw app.failure
      if (this.#crashesLeft > 0 && round < 50) continue
      // Each by itself: an open transaction of a process that is down holds a topic back for a while.
      const results = [await this.#read(client, 'out')]
      if (this.#hasSizes) results.push(await this.#read(client, 'sizes'))
      const isThere = results.every((last) =>
        [...this.#expected].every(([key, count]) => this.#isTotal(last.get(key), count)),
      )
      if (isThere && (await this.#caughtUp(client))) return
    }
    const states = this.#processes.map((p) => p.app?.describe()).join(' | ')
    throw new Error(
      `not done: states ${states}; read ${JSON.stringify([...(await this.#read(client, 'out'))])}; expected ${JSON.stringify([...this.#expected])}`,
    )
  }

  async #caughtUp(client: Client): Promise<boolean> {
    const repartition = this.#isFluent ? 'app-by-value-repartition' : 'app-by-value'
    const sources = ['in', repartition].flatMap((topic) =>
      Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
    )
    const committed = await client.admin.committed('app', sources)
    const ends = await client.admin.offsets(sources, 'latest')
    return sources.every((s) => {
      const key = partitionKey(s)
      // The last marker of a partition need not be committed past.
      return (committed.get(key)?.offset ?? 0) >= (ends.get(key) ?? 0) - 1
    })
  }

  /** The counts of each key as a read-committed reader sees them, in order. */
  async #read(client: Client, topic: string): Promise<Map<string, number[]>> {
    const fetcher = client.fetcher({ isolation: 'read_committed' })
    const counts = new Map<string, number[]>()
    for (let partition = 0; partition < partitions; partition++) {
      fetcher.add({ topic, partition }, 0)
      for (let fetched = fetcher.poll(); fetched; fetched = fetcher.poll())
        for (const reader of fetched.batches)
          while (reader.next()) {
            const key = String(reader.key())
            const values = counts.get(key) ?? []
            counts.set(key, values)
            values.push(Number(reader.value()!.readBigInt64BE()))
          }
    }
    await fetcher.close()
    return counts
  }

  // ---------- judging

  #check(produced: ReadonlyMap<string, readonly number[]>, cached: boolean): void {
    for (const [key, count] of this.#expected) {
      const found = produced.get(key) ?? []
      const all = Array.from({ length: count }, (_, n) => n + 1)
      const isRight = cached
        ? found.at(-1) === count && found.every((n, at) => n > (found[at - 1] ?? 0))
        : found.join() === all.join()
      if (!isRight)
        throw new Error(
          `counts of ${key}: ${found.join()}, expected ${cached ? 'some of ' : ''}${all.join()}`,
        )
    }
  }

  #isTotal(found: readonly number[] | undefined, count: number): boolean {
    const last = found?.at(-1) ?? 0
    return this.#atLeastOnce ? Math.max(0, ...(found ?? [])) >= count : last === count
  }

  /** The stores hold the totals: as they are, from the disk after a clean stop, and from the changelog alone. */
  async #checkStores(): Promise<void> {
    this.#crashesLeft = 0
    this.#lossRate = 0
    while (this.#processes.some((p) => p.app === undefined)) await this.#turns(1)
    await this.#compareStores('while running')
    await this.#stop()
    const [first] = this.#processes
    first!.start()
    await this.#compareStores('after a restart', [first!])
    first!.crash(0)
    first!.wipe()
    first!.start()
    await this.#compareStores('after a restore', [first!])
    first!.crash(0)
  }

  async #stop(): Promise<void> {
    this.#crashesLeft = 0
    this.#lossRate = 0
    while (this.#processes.some((p) => p.app === undefined)) await this.#turns(1)
    for (const process of this.#processes) {
      const closed = process.close()
      for (let open = true; open;) {
        await this.#turns(2)
        await Promise.race([closed.then(() => (open = false)), Promise.resolve()])
      }
    }
  }

  async #compareStores(when: string, processes = this.#processes): Promise<void> {
    let difference = 'nothing runs'
    for (let round = 0; round < 300; round++) {
      await this.#turns(5)
      difference = ''
      for (const [key, count] of this.#expected) {
        const found = await Promise.all(
          processes.map(async ({ app }) =>
            app?.state === 'RUNNING'
              ? await app
                  .store('counts')
                  .get(key)
                  .then(countOf, () => undefined)
              : undefined,
          ),
        )
        if (!found.includes(count)) difference += ` ${key}: ${found.join()} instead of ${count};`
      }
      if (difference === '') return
    }
    const states = processes.map((p) => p.app?.describe()).join(' | ')
    throw new Error(`store ${when} (${states}):${difference}`)
  }
}

/** Of a row that is a number, or an object with one. */
const countOf = (row: unknown): number | undefined =>
  typeof row === 'object' && row !== null
    ? (row as { readonly count: number }).count
    : (row as number | undefined)

/**
 * Runs a seed.
 * @throws when a result is there twice or missing, or with `atLeastOnce` when one is missing
 */
export async function crashRun(
  seed: number,
  logger: Logger = silentLogger,
  options: RunOptions = {},
): Promise<RunSummary> {
  return new Run(seed, logger, options).judge()
}
