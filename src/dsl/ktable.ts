// A table: the latest value of each key, and the stream of its updates. Each method adds a named node
// and returns the table behind it. Callbacks of rows get `(value, key)` and never see deletions,
// except where they say so.
import type { KeyValue } from '../state/key-value-store.js'
import type { Stores } from '../state/stores.js'
import type { ProcessorContext } from '../topology/processor.js'
import type { Windowed, WindowKind } from '../serde/windowed.js'
import type { QueryableTable } from '../topology/queryable.js'
import type { Acc, Del, Known, NN, Outer2, Outer3 } from './callbacks.js'
import { joinByForeignKey } from './foreign-key-join.js'
import { KGroupedTable } from './kgrouped-table.js'
import { KStream } from './kstream.js'
import type {
  Grouped,
  MappedKey,
  Materialized,
  Named,
  UntilTimeLimit,
  UntilWindowCloses,
} from './options.js'
import type { JoinKind } from './processors/operator-options.js'
import { toStream } from './processors/to-stream.js'
import { addStep, type StreamState } from './stream-state.js'
import { selectStreamKey } from './stream-steps.js'
import { suppressTable } from './suppress-step.js'
import { TableGrouping } from './table-grouping.js'
import { joinTables } from './table-joins.js'
import type { TableState } from './table-state.js'
import { filterTable, mapTableValues, transformTableValues } from './table-steps.js'

type AnyFunction = (...args: any[]) => any

let stateOf: (table: KTable<any, any, any>) => TableState

/** What stands behind a table. */
export const tableBehind = (table: KTable<any, any, any>): TableState => stateOf(table)

/** The updates of a table as a stream. */
function streamOf(table: TableState, o: Named): StreamState {
  const { graph, node, key, value, sources } = table
  const name = graph.nameOr(o.name, 'KTABLE-TOSTREAM-')
  return addStep({ graph, node, name, key, value, sources, rekeyed: false }, name, toStream)
}

/**
 * A table with keys `K` and values `V`. `D` is what a deletion looks like downstream: null where rows
 * may be deleted, never where they cannot.
 *
 * @example
 * const names = builder.table('customers', { value: json<Customer>() }).mapValues((c) => c.name)
 */
export class KTable<out K, out V, out D extends null = null> implements QueryableTable<K, V> {
  /** For the compiler alone. */
  declare readonly '~row': readonly [key: K, value: V]
  readonly #state: TableState

  static {
    stateOf = (table) => table.#state
  }

  /** Made by the builder and by operators. */
  constructor(state: TableState) {
    this.#state = state
  }

  /**
   * Keeps the rows for which `predicate` holds; others are deletions.
   *
   * @example
   * prices.filter((price) => price > 5)
   * // prices: a=3, a=7, a=2
   * // → a=∅, a=7, a=∅
   */
  filter<V2 extends V>(
    predicate: (value: V, key: K) => value is V2,
    o?: Materialized<K, V2>,
  ): KTable<K, V2, null>
  filter(predicate: (value: V, key: K) => boolean, o?: Materialized<K, V>): KTable<K, V, null>
  filter(predicate: (value: V, key: K) => boolean, o?: Materialized<K, any>): KTable<K, any, null> {
    return new KTable(filterTable(this.#state, predicate, true, o))
  }

  /**
   * Deletes the rows for which `predicate` holds.
   *
   * @example
   * prices.filterNot((price) => price > 5)
   * // prices: a=3, a=7
   * // → a=3, a=∅
   */
  filterNot(predicate: (value: V, key: K) => boolean, o?: Materialized<K, V>): KTable<K, V, null> {
    return new KTable(filterTable(this.#state, predicate, false, o))
  }

  /**
   * A new value for each row; null deletes.
   *
   * @example
   * prices.mapValues((price) => price * 2)
   * // prices: a=3, a=∅
   * // → a=6, a=∅
   */
  mapValues<V2>(
    mapper: (value: V, key: K) => V2,
    o?: Materialized<K, NN<V2>>,
  ): KTable<K, Acc<V2>, D | Del<V2>> {
    return new KTable(mapTableValues(this.#state, mapper, o))
  }

  /**
   * The same with stores and a context; it is called for deletions too, with null.
   *
   * @example
   * prices.transformValues(() => (price, key) => price ?? `no price for ${key}`)
   * // prices: a=3, a=∅
   * // → a=3, a=no price for a
   */
  transformValues<V2, S extends Stores = {}>(
    supplier: (context: ProcessorContext<K, never, S>) => (value: V | null, key: K) => V2,
    o?: Materialized<K, NN<V2>> & { readonly stores?: S | undefined },
  ): KTable<K, Acc<V2>, D | Del<V2>> {
    return new KTable(transformTableValues(this.#state, supplier, o))
  }

  /**
   * Applies an operator of your own.
   *
   * @example
   * prices.pipe((table) => table.mapValues((price) => price + 1))
   * // prices: a=3
   * // → a=4
   */
  pipe<R>(operator: (table: KTable<K, V, D>) => R): R {
    return operator(this)
  }

  /**
   * The updates as a stream, under another key if a function is given.
   *
   * @example
   * prices.toStream((price, key) => `${key}!`)
   * // prices: a=3
   * // → a!=3
   */
  toStream<K2>(keyMapper: (value: V | D, key: K) => K2, o?: MappedKey<K2>): KStream<K2, V | D>
  toStream(o?: Named): KStream<K, V | D>
  toStream(
    first: ((value: V | D, key: K) => unknown) | Named = {},
    o: MappedKey<any> = {},
  ): KStream<any, V | D> {
    if (typeof first !== 'function') return new KStream(streamOf(this.#state, first))
    const stream = streamOf(this.#state, { name: o.name })
    return new KStream(selectStreamKey(stream, first as AnyFunction, { key: o.key }))
  }

  /**
   * Holds updates back: for a time, or until their window closes, which gives one result a window.
   *
   * @example
   * prices.suppress({ untilTimeLimitMs: 5 })
   * // prices: a=1@1, a=2@3, b=9@10
   * // → a=2@3
   */
  suppress(o: UntilTimeLimit): KTable<K, V, D>
  suppress(
    this: KTable<Windowed<unknown, WindowKind>, unknown, null>,
    o: UntilWindowCloses,
  ): KTable<K, V, never>
  suppress(o: UntilTimeLimit | UntilWindowCloses): KTable<K, V, any> {
    return new KTable(suppressTable(stateOf(this as KTable<any, any, any>), o))
  }

  /**
   * Regroups rows under a new key with a new value; null leaves the row out.
   *
   * @example
   * customers.groupBy(({ country, name }) => [country, name]).count()
   * // customers: a={"name":"Ann","country":"NL"}, a={"name":"Ann","country":"BE"}@2
   * // → NL=1, NL=0@2, BE=1@2
   */
  groupBy<K2, V2>(
    selector: (value: V, key: K) => KeyValue<K2, V2> | null,
    o: Grouped<NN<K2>, NN<V2>> = {},
  ): KGroupedTable<NN<K2>, NN<V2>> {
    return new KGroupedTable(new TableGrouping(this.#state, selector, o))
  }

  /**
   * Rows that both tables have: by key, or with one more function by a foreign key.
   *
   * @example
   * orderTable.join(
   *   customers,
   *   (order) => order.customer,
   *   (order, { name }) => `${name} pays ${order.amount}`,
   * )
   * // orderTable: o1={"customer":"c1","amount":5}
   * // customers: c1={"name":"Ann","country":"NL"}@2
   * // → o1=Ann pays 5@2
   */
  join<V2, D2 extends null, R>(
    other: KTable<K, V2, D2>,
    joiner: (value: V, other: V2, key: K) => R,
    o?: Materialized<K, NN<R>>,
  ): KTable<K, Acc<R>, D | D2 | Del<R>>
  join<V2, FK, R>(
    other: KTable<FK, V2>,
    foreignKey: (value: V, key: K) => Known<FK> | null,
    joiner: (value: V, other: V2, key: K) => R,
    o?: Materialized<K, NN<R>>,
  ): KTable<K, Acc<R>, null>
  join(other: KTable<any, any, any>, ...args: unknown[]): KTable<any, any, any> {
    return this.#join(other, 'inner', args)
  }

  /**
   * All rows of this table, with the other's where it has one.
   *
   * @example
   * prices.leftJoin(history, (price, former) => `${former} to ${price}`)
   * // prices: a=3@1
   * // history: a=2@2
   * // → a=null to 3@1, a=2 to 3@2
   */
  leftJoin<V2, D2 extends null, R>(
    other: KTable<K, V2, D2>,
    joiner: (value: V, other: V2 | null, key: K) => R,
    o?: Materialized<K, NN<R>>,
  ): KTable<K, Acc<R>, D | Del<R>>
  leftJoin<V2, FK, R>(
    other: KTable<FK, V2>,
    foreignKey: (value: V, key: K) => Known<FK> | null,
    joiner: (value: V, other: V2 | null, key: K) => R,
    o?: Materialized<K, NN<R>>,
  ): KTable<K, Acc<R>, D | Del<R>>
  leftJoin(other: KTable<any, any, any>, ...args: unknown[]): KTable<any, any, any> {
    return this.#join(other, 'left', args)
  }

  /**
   * All rows of both tables.
   *
   * @example
   * prices.outerJoin(history, (price, former) => (price ?? 0) - (former ?? 0))
   * // history: a=2
   * // prices: a=3
   * // → a=-2, a=1
   */
  outerJoin<V2, D2 extends null, R>(
    other: KTable<K, V2, D2>,
    joiner: (...args: Outer3<K, V, V2>) => R,
    o?: Materialized<K, NN<R>>,
  ): KTable<K, Acc<R>, D | D2 | Del<R>>
  outerJoin<V2, D2 extends null, R>(
    other: KTable<K, V2, D2>,
    joiner: (...args: Outer2<V, V2>) => R,
    o?: Materialized<K, NN<R>>,
  ): KTable<K, Acc<R>, D | D2 | Del<R>>
  outerJoin(other: KTable<any, any, any>, joiner: AnyFunction, o?: object): KTable<any, any, any> {
    return this.#join(other, 'outer', [joiner, o])
  }

  #join(other: unknown, kind: JoinKind, args: readonly unknown[]): KTable<any, any, any> {
    if (!(other instanceof KTable))
      throw new TypeError(
        'a table joins with another KTable; use toTable() to make one of a stream',
      )
    const right = stateOf(other)
    const [first, second, third] = args as [AnyFunction, unknown, object | undefined]
    if (typeof second === 'function')
      return new KTable(
        joinByForeignKey(
          this.#state,
          right,
          kind === 'left',
          first,
          second as AnyFunction,
          third ?? {},
        ),
      )
    return new KTable(joinTables(this.#state, right, kind, first, (second as object) ?? {}))
  }

  /** The store's name where the user gave it; only then can the table be asked by name. */
  get queryableStoreName(): string | undefined {
    return this.#state.storeName
  }
}
