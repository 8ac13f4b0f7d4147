// A stream grouped by its key, ready to be folded.
import type { JsonSerde } from '../serde/serdes.js'
import type { Serde } from '../serde/serde.js'
import type { Acc, Del, Folder, Known } from './callbacks.js'
import { CogroupedKStream } from './cogrouped-kstream.js'
import { given } from './graph/serde-ref.js'
import { checkFold, type Grouping } from './grouping.js'
import { KTable } from './ktable.js'
import type { Aggregate, Materialized } from './options.js'
import type {
  SessionWindowDefinition,
  SlidingWindowDefinition,
  TimeWindowDefinition,
} from './processors/operator-options.js'
import { SessionWindowedKStream, TimeWindowedKStream } from './windowed-kstream.js'
import type { SessionWindows, SlidingWindows, TimeWindows } from './windows.js'

let groupingOf: (grouped: KGroupedStream<any, any, any>) => Grouping

/** The grouping behind the fluent type. */
export const groupingBehind = (grouped: KGroupedStream<any, any, any>): Grouping =>
  groupingOf(grouped)

/**
 * A stream grouped by key. Records with a null key are dropped and counted; plain folds drop null
 * values too. `N` is null where the stream may hold null values.
 *
 * @example stream.groupByKey().count({ store: 'counts' })
 */
export class KGroupedStream<K, V, N extends null = never> {
  readonly #grouping: Grouping

  static {
    groupingOf = (grouped) => grouped.#grouping
  }

  /** Made by `groupByKey` and `groupBy`. */
  constructor(grouping: Grouping) {
    this.#grouping = grouping
  }

  /**
   * How many records each key has.
   *
   * @example
   * words.groupByKey().count({ store: 'counts' })
   * // words: a=to, a=be
   * // → a=1, a=2
   */
  count(o: Materialized<K, number> = {}): KTable<K, number, never> {
    return new KTable(this.#grouping.count(o))
  }

  /**
   * Folds values of one type; a reducer that returns null deletes.
   *
   * @example
   * words.groupByKey().reduce((longest, word) => (word.length > longest.length ? word : longest))
   * // words: a=to, a=tree, a=be
   * // → a=to, a=tree, a=tree
   */
  reduce(
    reducer: (accumulator: V, value: V, key: K) => V,
    o?: Materialized<K, V>,
  ): KTable<K, V, never>
  reduce(
    reducer: (accumulator: V, value: V, key: K) => V | null,
    o?: Materialized<K, V>,
  ): KTable<K, V, null>
  reduce(
    reducer: (accumulator: V, value: V, key: K) => V | null,
    o: Materialized<K, V> = {},
  ): KTable<K, V, any> {
    return new KTable(this.#grouping.reduce(reducer, o))
  }

  /**
   * Folds into any type, which follows from `value`, else from `initial`.
   *
   * @example
   * readings
   *   .groupByKey()
   *   .aggregate({ initial: () => 0, add: (sum, { value }) => sum + value, store: 'sums' })
   * // readings: s1={"sensor":"s1","value":2}@1, s1={"sensor":"s1","value":3}@2
   * // → s1=2@1, s1=5@2
   */
  aggregate<A>(o: Aggregate<A, K, V>): KTable<K, Acc<A>, Del<A>> {
    return new KTable(this.#grouping.aggregate(o))
  }

  /**
   * Groups by window too: tumbling, hopping, sliding, unlimited or session windows.
   *
   * @example
   * words.groupByKey().windowedBy(sliding({ differenceMs: 10, graceMs: 0 })).count()
   * // words: a=to@12
   * // → a[2-12]=1@12
   */
  windowedBy(w: SlidingWindows): TimeWindowedKStream<K, V>
  windowedBy(w: TimeWindows): TimeWindowedKStream<K, V, N>
  windowedBy(w: SessionWindows): SessionWindowedKStream<K, V, N>
  windowedBy(
    w: TimeWindows | SlidingWindows | SessionWindows,
  ): TimeWindowedKStream<K, V, any> | SessionWindowedKStream<K, V, any> {
    return w.kind === 'session'
      ? new SessionWindowedKStream(this.#grouping, w as SessionWindowDefinition)
      : new TimeWindowedKStream(this.#grouping, w as TimeWindowDefinition | SlidingWindowDefinition)
  }

  /**
   * Begins a fold of several streams into one accumulator.
   *
   * @example
   * words
   *   .groupByKey()
   *   .cogroup({ initial: () => '', add: (text, word) => `${text} ${word}` })
   *   .cogroup(letters.groupByKey(), (text, letter) => text + letter)
   *   .aggregate()
   * // words: a=to
   * // letters: a=x
   * // → a= to, a= tox
   */
  cogroup<A>(o: {
    readonly initial: () => A
    readonly add: Folder<Known<A>, K, V>
    readonly value?: Serde<A> | JsonSerde | undefined
  }): CogroupedKStream<K, A> {
    checkFold(o)
    return new CogroupedKStream({
      graph: this.#grouping.stream.graph,
      initial: o.initial,
      value: given(o.value),
      inputs: [{ grouping: this.#grouping, add: o.add as Folder<any, any, any> }],
    })
  }
}
