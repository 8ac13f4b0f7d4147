// Runs a topology in a test: records go in as bytes, tasks and commits are those of production, time
// moves only when the test says so.
import { checkedMs, VirtualClock } from '../clock.js'
import { IllegalStateError, StateStoreError, TopologyError } from '../errors.js'
import type { UntypedStore } from '../runtime/kafka-streams.js'
import { LocalStore } from '../runtime/local-store.js'
import type { StreamsConfig } from '../runtime/streams-config.js'
import { checkTopology } from '../runtime/topology-checks.js'
import type { Serde } from '../serde/serde.js'
import type { StateStore } from '../state/stores.js'
import { askedName, type Queryable, type StoreOf } from '../topology/queryable.js'
import type { Topic } from '../topology/topic.js'
import type { Topology } from '../topology/topology.js'
import { driverConfig } from './driver-config.js'
import { DriverTasks } from './driver-tasks.js'
import type { ProducedBytes } from './test-records.js'
import {
  BytesInputTopic,
  BytesOutputTopic,
  checkStep,
  type TestInputTopic,
  type TestOutputTopic,
} from './test-topics.js'

/** For the recorded cases: sees each record as it is produced, before it is delivered. */
export const observeProduced: unique symbol = Symbol('observeProduced')

/** Configuration, clock and partitions of a test. */
export interface TestDriverOptions {
  /**
   * Of `KafkaStreams`; everything has a default here: `applicationId` is `test`, `stateDir` a folder of the
   * driver's own, which `close` deletes.
   */
  readonly config?: Partial<StreamsConfig> | undefined
  /** Where the clock stands at first, ms since the epoch. Default: now. */
  readonly startMs?: number | undefined
  /**
   * Of every topic, except for internal ones that get another number from the topology: tasks are
   * those of production then, and commit by `commitIntervalMs` or at `commit()`. Absent: one task `0_0`
   * runs everything and commits after each record, as the driver of Kafka Streams does.
   */
  readonly partitions?: number | undefined
  readonly [observeProduced]?: ((record: ProducedBytes) => void) | undefined
}

interface Serdes<K, V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
}

interface Times {
  readonly startMs?: number | undefined
  readonly autoAdvanceMs?: number | undefined
}

/**
 * Runs a topology on the production code path and a virtual clock: `await` each step. An error in
 * processing rejects the step that caused it; the record counts as consumed and the driver goes on.
 *
 * ```ts
 * await using driver = new TopologyTestDriver(topology, { startMs: 0 })
 * await driver.createInputTopic(readings).pipeInput('a', reading, { timestampMs: 5 })
 * expect(driver.createOutputTopic('alerts', serdes).readKeyValue()).toEqual(['a', reading])
 * ```
 */
export class TopologyTestDriver<S = {}> implements AsyncDisposable {
  readonly #clock: VirtualClock
  readonly #tasks: DriverTasks
  #step: Promise<unknown> = Promise.resolve()
  #closed = false
  /** For the compiler alone. */
  declare readonly '~stores': S

  /** @throws TopologyError where topics need equal numbers of partitions and have others; ConfigError */
  constructor(topology: Topology<S>, options: TestDriverOptions = {}) {
    const { partitions } = options
    if (partitions !== undefined && !(Number.isInteger(partitions) && partitions > 0))
      throw new TypeError(`partitions must be a whole number above 0, not ${partitions}`)
    this.#clock = new VirtualClock(checkedMs(options.startMs ?? Date.now(), 'startMs', 0))
    const config = driverConfig(options.config ?? {})
    const frozen = topology.freeze()
    checkTopology(frozen, config)
    this.#tasks = new DriverTasks({
      topology: frozen,
      config,
      clock: this.#clock,
      partitions,
      observe: options[observeProduced],
    })
  }

  /**
   * The way into a source topic. Records without a timestamp get `startMs`, which moves on by `autoAdvanceMs`.
   * @throws TopologyError when nothing reads the topic
   */
  createInputTopic<K, V>(topic: Topic<K, V>, options?: Times): TestInputTopic<K, V>
  createInputTopic<K, V>(topic: string, options: Serdes<K, V> & Times): TestInputTopic<K, V>
  createInputTopic<K, V>(
    topic: Topic<K, V> | string,
    options?: Partial<Serdes<K, V>> & Times,
  ): TestInputTopic<K, V> {
    const { name, serdes } = named(topic, options)
    if (!this.#tasks.topics.isInput(name))
      throw new TopologyError(
        `nothing reads the topic ${name}; the topology reads ${this.#tasks.topics.inputs.join(', ') || 'no topic'}`,
      )
    this.#tasks.addTopic(name)
    const times = {
      startMs: options?.startMs ?? this.#clock.nowMs(),
      autoAdvanceMs: options?.autoAdvanceMs,
    }
    return new BytesInputTopic(name, serdes, times, (record) =>
      this.#next(() => this.#tasks.pipe(record)),
    )
  }

  /** What is produced to a topic, internal ones included. */
  createOutputTopic<K, V>(topic: Topic<K, V>): TestOutputTopic<K, V>
  createOutputTopic<K, V>(topic: string, options: Serdes<K, V>): TestOutputTopic<K, V>
  createOutputTopic<K, V>(
    topic: Topic<K, V> | string,
    options?: Serdes<K, V>,
  ): TestOutputTopic<K, V> {
    const { name, serdes } = named(topic, options)
    return new BytesOutputTopic(name, serdes, this.#tasks.produced, () => this.#clock.nowMs())
  }

  /** Moves the wall clock on; each schedule that is due runs once. @throws RangeError to go back, TypeError for parts of a ms */
  async advanceWallClockTime(ms: number): Promise<void> {
    checkStep(ms, 'advanceWallClockTime')
    await this.#next(() => this.#tasks.advance(ms))
  }

  /** Flushes caches, logs changed rows and commits, as a due commit interval does. */
  async commit(): Promise<void> {
    await this.#next(() => this.#tasks.commit())
  }

  /**
   * What queries see of a store, over all partitions.
   * @throws StateStoreError for an unknown store, or a table that keeps no rows
   */
  store<T extends Queryable>(table: T): StoreOf<T>
  store<N extends ([keyof S] extends [never] ? string : keyof S & string)>(
    name: N,
  ): N extends keyof S ? StoreOf<S[N]> : UntypedStore
  store(asked: Queryable | string): unknown {
    const name = askedName(asked)
    const views = () => this.#tasks.queried(name).map(({ view }) => view)
    views()
    return new LocalStore(name, views)
  }

  /**
   * The live store of a partition, of the first task that has it unless said: writes go to its
   * changelog and forward nothing.
   * @throws StateStoreError when there is no such store
   */
  stateStore<T>(store: StateStore<T>, partition?: number): T
  stateStore(name: string, partition?: number): unknown
  stateStore(store: StateStore<unknown> | string, partition?: number): unknown {
    const name = typeof store === 'string' ? store : store.name
    const found = this.#tasks.store(name, partition)
    if (found === undefined)
      throw new StateStoreError(
        `there is no store ${name}${partition === undefined ? '' : ` in partition ${partition}`}`,
      )
    return found.api
  }

  /** Counters by Java's names, summed over tasks and nodes. */
  metrics(): ReadonlyMap<string, number> {
    return this.#tasks.metrics.totals()
  }

  /** Every topic that something was produced to, internal ones by their names in the log. */
  get producedTopicNames(): ReadonlySet<string> {
    return this.#tasks.produced.topics
  }

  /** Closes processors and stores; what was produced can still be read. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#step.catch(() => {})
    await this.#tasks.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Steps never overlap, also when nobody waits for them. */
  async #next(step: () => Promise<void>): Promise<void> {
    if (this.#closed) throw new IllegalStateError('the driver is closed: make another one')
    const next = this.#step.then(step).catch(async (error: unknown) => {
      await this.#tasks.forgetFailure()
      throw error
    })
    this.#step = next.catch(() => {})
    await next
  }
}

function named<K, V>(
  topic: Topic<K, V> | string,
  options: Partial<Serdes<K, V>> | undefined,
): { readonly name: string; readonly serdes: Serdes<K, V> } {
  if (typeof topic !== 'string') return { name: topic.name, serdes: topic }
  const { key, value } = options ?? {}
  if (key === undefined || value === undefined)
    throw new TypeError(`give the serdes of ${topic}: { key, value }`)
  return { name: topic, serdes: { key, value } }
}
