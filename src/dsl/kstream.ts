// A stream of records. Each method adds a named node and returns the stream behind it; nothing runs
// before the topology is built. Callbacks get `(value, key, record)`.
import type { KeyValue } from '../state/key-value-store.js'
import type { Stores } from '../state/stores.js'
import type { Processor, ProcessorContext } from '../topology/processor.js'
import type { UserSupplier } from '../topology/processor-adapter.js'
import type { StreamRecord } from '../topology/stream-record.js'
import type { TopicFor } from '../topology/topic.js'
import type { Partitioner } from '../topology/topology-node.js'
import { callAsync } from './async-steps.js'
import { BranchedKStream, Split } from './branched-kstream.js'
import type {
  AnyPromise,
  AsyncMapper,
  Known,
  Mapper,
  NN,
  NotPromise,
  Outer2,
  Outer3,
  Refused,
} from './callbacks.js'
import type { GlobalKTable } from './global-ktable.js'
import { Grouping } from './grouping.js'
import { KGroupedStream } from './kgrouped-stream.js'
import { KTable } from './ktable.js'
import type {
  AsyncOptions,
  Grouped,
  Mapped,
  MappedKey,
  MappedValue,
  Materialized,
  Named,
  ProcessOptions,
  Produced,
  StreamJoined,
} from './options.js'
import { joinWith, type Joinable, type JoinArgs } from './stream-join-args.js'
import { joinStreams } from './stream-stream-join.js'
import type { StreamState } from './stream-state.js'
import * as steps from './stream-steps.js'

let stateOf: (stream: KStream<any, any>) => StreamState

/** What stands behind a stream. */
export const streamBehind = (stream: KStream<any, any>): StreamState => stateOf(stream)

/**
 * A stream of records with keys `K` and values `V`.
 *
 * @example builder.stream('readings').filter((reading) => reading.value > 100).to('high')
 */
export class KStream<out K, out V> {
  readonly #state: StreamState

  static {
    stateOf = (stream) => stream.#state
  }

  /** Made by the builder and by operators. */
  constructor(state: StreamState) {
    this.#state = state
  }

  /**
   * Keeps the records for which `predicate` holds.
   *
   * @example
   * words.filter((word) => word.length > 2)
   * // words: a=to, a=tree
   * // → a=tree
   */
  filter<V2 extends V>(
    predicate: (value: V, key: K, record: StreamRecord<K, V>) => value is V2,
    options?: Named,
  ): KStream<K, V2>
  filter(predicate: Mapper<K, V, boolean>, options?: Named): KStream<K, V>
  filter(predicate: Mapper<K, V, boolean>, options?: Named): KStream<K, any> {
    return new KStream(steps.filterStream(this.#state, predicate, true, options))
  }

  /**
   * Drops the records for which `predicate` holds.
   *
   * @example
   * words.filterNot((word) => word.length > 2)
   * // words: a=to, a=tree
   * // → a=to
   */
  filterNot<V2 extends V>(
    predicate: (value: V, key: K, record: StreamRecord<K, V>) => value is V2,
    options?: Named,
  ): KStream<K, Exclude<V, V2>>
  filterNot(predicate: Mapper<K, V, boolean>, options?: Named): KStream<K, V>
  filterNot(predicate: Mapper<K, V, boolean>, options?: Named): KStream<K, any> {
    return new KStream(steps.filterStream(this.#state, predicate, false, options))
  }

  /**
   * A new key and value; what needs data by key repartitions afterwards.
   *
   * @example
   * words.map((word, key) => [word, key ?? 'nobody'])
   * // words: a=tree, ∅=leaf
   * // → tree=a, leaf=nobody
   */
  map<K2, V2>(mapper: Mapper<K, V, KeyValue<K2, V2>>, options?: Mapped<K2, V2>): KStream<K2, V2> {
    return new KStream(steps.mapStream(this.#state, mapper, options))
  }

  /**
   * A new value; the key stays.
   *
   * @example
   * words.mapValues((word) => word.length)
   * // words: a=tree@5
   * // → a=4@5
   */
  mapValues<P extends PromiseLike<unknown>>(
    mapper: Mapper<K, V, AnyPromise<P>>,
    options?: Mapped<never, never>,
  ): Refused
  mapValues<V2>(mapper: Mapper<K, V, V2>, options?: MappedValue<V2>): KStream<K, V2>
  mapValues(mapper: Mapper<K, V, any>, options?: steps.AnyMapped): any {
    return new KStream(steps.mapStreamValues(this.#state, mapper, options))
  }

  /**
   * Any number of pairs, forwarded one by one.
   *
   * @example
   * words.flatMap((line, key) => line.split(' ').map((word) => [word, key] as const))
   * // words: a=to be
   * // → to=a, be=a
   */
  flatMap<K2, V2>(
    mapper: Mapper<K, V, Iterable<KeyValue<K2, V2>>>,
    options?: Mapped<K2, V2>,
  ): KStream<K2, V2> {
    return new KStream(steps.flatMapStream(this.#state, mapper, options))
  }

  /**
   * Any number of values under the same key, forwarded one by one.
   *
   * @example
   * words.flatMapValues((line) => line.split(' '))
   * // words: a=to be
   * // → a=to, a=be
   */
  flatMapValues<V2>(mapper: Mapper<K, V, Iterable<V2>>, options?: MappedValue<V2>): KStream<K, V2> {
    return new KStream(steps.flatMapStreamValues(this.#state, mapper, options))
  }

  /**
   * A new key; what needs data by key repartitions afterwards, also where the key is equal.
   *
   * @example
   * words.selectKey((word) => word.slice(0, 1))
   * // words: a=tree
   * // → t=tree
   */
  selectKey<K2>(mapper: Mapper<K, V, K2>, options?: MappedKey<K2>): KStream<K2, V> {
    return new KStream(steps.selectStreamKey(this.#state, mapper, options as steps.AnyMapped))
  }

  /**
   * A side effect in passing.
   *
   * @example
   * words.peek((word, key) => console.assert(key !== word))
   * // words: a=tree
   * // → a=tree
   */
  peek<R>(action: Mapper<K, V, NotPromise<R>>, options?: Named): KStream<K, V> {
    return new KStream(steps.peekStream(this.#state, action, options))
  }

  /**
   * A side effect at the end.
   *
   * @example
   * words.forEach((word) => console.assert(word.length < 100))
   * // words: a=tree
   * // →
   */
  forEach<R>(action: Mapper<K, V, NotPromise<R>>, options?: Named): void {
    steps.forEachRecord(this.#state, action, options)
  }

  /**
   * Prints `[label]: key, value`, or what `format` makes of them; the label is the name of the stream's
   * node unless given.
   */
  print(
    o?: Named & {
      readonly label?: string | undefined
      readonly format?: Mapper<K, V, string> | undefined
    },
  ): void {
    steps.printStream(this.#state, o)
  }

  /**
   * Begins a split into branches.
   *
   * @example
   * words.split().branch('long', (word) => word.length > 2).defaultBranch('short').long
   * // words: a=to, a=tree
   * // → a=tree
   */
  split(o: Named = {}): BranchedKStream<K, V, V, {}> {
    return new BranchedKStream(new Split(this.#state, o))
  }

  /**
   * The records of both streams, as they come. A serde stays only where both have the same.
   *
   * @example
   * words.merge(letters)
   * // words: a=tree
   * // letters: a=t
   * // → a=tree, a=t
   */
  merge<V2, K2 extends K | null>(other: KStream<K2, V2>, options?: Named): KStream<K | K2, V | V2> {
    return new KStream(steps.mergeStreams(this.#state, stateOf(other), options))
  }

  /**
   * Through a topic of its own, with as many partitions as said.
   *
   * @example
   * words.repartition({ name: 'spread', partitions: 4 })
   * // words: a=tree
   * // → a=tree
   */
  repartition(
    o?: Grouped<NN<K>, NN<V>> & {
      readonly partitions?: number | undefined
      readonly partitioner?: Partitioner<NN<K>, V> | undefined
    },
  ): KStream<K, V> {
    return new KStream(steps.repartitionStream(this.#state, o))
  }

  /**
   * Writes to a topic, or to the one that a function names for each record.
   *
   * @example
   * words.to('out')
   * // words: a=tree
   * // → a=tree
   */
  to(
    topic: TopicFor<NN<K>, NN<V>> | string | Mapper<K, V, string>,
    options?: Produced<K, V>,
  ): void {
    steps.sinkStream(this.#state, topic, options)
  }

  /**
   * The records as updates of a table: null values delete, null keys are dropped.
   *
   * @example
   * words.toTable({ store: 'latest' })
   * // words: a=tree, ∅=lost, a=leaf@2
   * // → a=tree, a=leaf@2
   */
  toTable(o?: Materialized<NN<K>, NN<V>>): KTable<NN<K>, NN<V>, Extract<V, null>> {
    return new KTable(steps.streamToTable(this.#state, o))
  }

  /** Applies an operator of your own. */
  pipe<R>(operator: (stream: KStream<K, V>) => R): R {
    return operator(this)
  }

  /**
   * Groups by the key as it is.
   *
   * @example
   * words.groupByKey().count()
   * // words: a=to, b=be, a=or
   * // → a=1, b=1, a=2
   */
  groupByKey(o: Grouped<NN<K>, NN<V>> = {}): KGroupedStream<NN<K>, NN<V>, Extract<V, null>> {
    return new KGroupedStream(new Grouping(this.#state, o))
  }

  /**
   * Groups by another key, which takes a repartition. The selector sees null values too.
   *
   * @example
   * words.groupBy((word) => word.slice(0, 1)).count()
   * // words: a=to, b=tree
   * // → t=1, t=2
   */
  groupBy<K2>(
    selector: Mapper<K, V, K2>,
    o: Grouped<NN<K2>, NN<V>> = {},
  ): KGroupedStream<NN<K2>, NN<V>, Extract<V, null>> {
    const keyed = steps.selectStreamKey(this.#state, selector, { name: o.name })
    return new KGroupedStream(new Grouping(keyed, o))
  }

  /**
   * Joins with a stream `within` an interval, with a table by key, or with a global table by any key.
   *
   * @example
   * orders.join(customers, (order, { country }) => `${order.amount} to ${country}`)
   * // customers: c1={"name":"Ann","country":"NL"}
   * // orders: c1={"customer":"c1","amount":5}@3, c2={"customer":"c2","amount":7}
   * // → c1=5 to NL@3
   */
  join<O extends Joinable<K>, R, G>(
    other: O,
    ...args: JoinArgs<K, V, O, never, R, G>
  ): KStream<K, O extends GlobalKTable<unknown, unknown> ? G : R> {
    return new KStream(joinWith(this.#state, other, 'inner', args))
  }

  /**
   * The same, and what finds no partner is joined with null.
   *
   * @example
   * orders.leftJoin(
   *   countries,
   *   (order) => order.customer,
   *   (order, country) => order.amount * (1 + (country?.tax ?? 0)),
   * )
   * // countries: NL={"tax":1}
   * // orders: a={"customer":"NL","amount":5}, b={"customer":"BE","amount":7}
   * // → a=10, b=7
   */
  leftJoin<O extends Joinable<K>, R, G>(
    other: O,
    ...args: JoinArgs<K, V, O, null, R, G>
  ): KStream<K, O extends GlobalKTable<unknown, unknown> ? G : R> {
    return new KStream(joinWith(this.#state, other, 'left', args))
  }

  /**
   * Joins two streams; what finds no partner on either side is joined with null.
   *
   * @example
   * words.outerJoin(letters, (word, letter) => `${word}+${letter}`, {
   *   within: { beforeMs: 5, afterMs: 5, graceMs: 0 },
   * })
   * // words: a=tree@1
   * // letters: a=t@2, b=x@2
   * // words: b=leaf@20
   * // → a=tree+t@2, b=null+x@2
   */
  outerJoin<V2, R, K2 extends K | null = K>(
    other: KStream<K2, V2>,
    joiner: (...args: Outer3<K | K2, V, V2>) => R,
    options: StreamJoined<NN<K>, NN<V>, NN<V2>>,
  ): KStream<K | K2, R>
  outerJoin<V2, R, K2 extends K | null = K>(
    other: KStream<K2, V2>,
    joiner: (...args: Outer2<V, V2>) => R,
    options: StreamJoined<NN<K>, NN<V>, NN<V2>>,
  ): KStream<K | K2, R>
  outerJoin(
    other: KStream<any, any>,
    joiner: (...args: any) => any,
    options: StreamJoined<any, any, any>,
  ): KStream<any, any> {
    return new KStream(joinStreams(this.#state, stateOf(other), 'outer', joiner, options))
  }

  /**
   * Runs a processor of your own: it forwards as it likes, keeps state, is called by the clock.
   * The supplier is called once per task, after its stores are restored.
   *
   * @example
   * words.process((context) => ({
   *   process: (record) => context.forward({ ...record, value: record.value.toUpperCase() }),
   * }))
   * // words: a=tree
   * // → a=TREE
   */
  process<K2 = K, V2 = V, S extends Stores = {}>(
    supplier: (context: ProcessorContext<Known<K2>, Known<V2>, S>) => Processor<K, V>,
    o?: ProcessOptions<K2, V2, S>,
  ): KStream<K2, V2> {
    return new KStream(steps.processStream(this.#state, supplier as UserSupplier, o))
  }

  /**
   * The same with the key kept, so that no repartition follows.
   *
   * @example
   * words.processValues((context) => ({
   *   process: (record) => context.forward({ ...record, timestampMs: context.streamTimeMs }),
   * }))
   * // words: a=tree@9, a=leaf@5
   * // → a=tree@9, a=leaf@9
   */
  processValues<V2 = V, S extends Stores = {}>(
    supplier: (context: ProcessorContext<K, Known<V2>, S>) => Processor<K, V>,
    o?: Omit<ProcessOptions<never, V2, S>, 'key'>,
  ): KStream<K, V2> {
    return new KStream(steps.processStream(this.#state, supplier as UserSupplier, o, true))
  }

  /**
   * A new value from an asynchronous call; calls overlap, results keep the order of each key.
   *
   * @example
   * words.mapValuesAsync(async (word) => word.length, { concurrency: 4 })
   * // words: a=tree
   * // → a=4
   */
  mapValuesAsync<V2>(
    mapper: AsyncMapper<K, V, PromiseLike<V2> | V2>,
    o?: AsyncOptions & MappedValue<V2>,
  ): KStream<K, V2> {
    return new KStream(callAsync(this.#state, mapper, 'value', o))
  }

  /**
   * Keeps the records for which an asynchronous predicate holds.
   *
   * @example
   * words.filterAsync(async (word) => word.length > 2)
   * // words: a=to, a=tree
   * // → a=tree
   */
  filterAsync(predicate: AsyncMapper<K, V, PromiseLike<boolean>>, o?: AsyncOptions): KStream<K, V> {
    return new KStream(callAsync(this.#state, predicate, 'predicate', o))
  }

  /**
   * An asynchronous side effect at the end; commits wait for it.
   *
   * @example
   * words.forEachAsync(async (word) => console.assert(word.length < 100))
   * // words: a=tree
   * // →
   */
  forEachAsync(action: AsyncMapper<K, V, PromiseLike<unknown>>, o?: AsyncOptions): void {
    callAsync(this.#state, action, 'ignored', o)
  }
}
