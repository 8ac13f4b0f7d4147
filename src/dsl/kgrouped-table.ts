// A table grouped anew: rows leave one group and enter another.
import type { Acc, Del, Folder, Known } from './callbacks.js'
import { checkFold } from './grouping.js'
import { KTable } from './ktable.js'
import type { AnyMaterialized } from './materialize.js'
import type { Aggregate, Materialized } from './options.js'
import type { TableGrouping } from './table-grouping.js'

/**
 * A grouped table. A row that changes is subtracted from its old group and added to its new one.
 *
 * @example customers.groupBy((customer, id) => [customer.country, id]).count({ store: 'by-country' })
 */
export class KGroupedTable<K, V> {
  readonly #grouping: TableGrouping

  /** Made by `groupBy` of a table. */
  constructor(grouping: TableGrouping) {
    this.#grouping = grouping
  }

  /**
   * How many rows each group has; a group that is empty again stays at 0.
   *
   * @example
   * customers.groupBy(({ country, name }) => [country, name]).count()
   * // customers: a={"name":"Ann","country":"NL"}, a=∅@3
   * // → NL=1, NL=0@3
   */
  count(o: Materialized<K, number> = {}): KTable<K, number, never> {
    return new KTable(this.#grouping.count(o))
  }

  /**
   * Folds values of one type.
   *
   * @example
   * prices
   *   .groupBy((price) => ['all', price])
   *   .reduce({ add: (sum, price) => sum + price, subtract: (sum, price) => sum - price })
   * // prices: a=3, b=4, a=1
   * // → all=3, all=7, all=5
   */
  reduce(
    o: Materialized<K, V> & {
      readonly add: (a: V, value: V, key: K) => V
      readonly subtract: (a: V, value: V, key: K) => V
    },
  ): KTable<K, V, null> {
    const { add, subtract } = checkedFolders(o)
    return new KTable(this.#grouping.reduce({ kind: 'reduce', add, subtract }, o))
  }

  /**
   * Folds into any type, which follows from `value`, else from `initial`.
   *
   * @example
   * orderTable
   *   .groupBy((order) => [order.customer, order.amount])
   *   .aggregate({
   *     initial: () => ({ orders: 0 }),
   *     add: ({ orders }) => ({ orders: orders + 1 }),
   *     subtract: ({ orders }) => ({ orders: orders - 1 }),
   *   })
   * // orderTable: o1={"customer":"c1","amount":5}, o1=∅
   * // → c1={"orders":1}, c1={"orders":0}
   */
  aggregate<A>(
    o: Aggregate<A, K, V> & { readonly subtract: Folder<Known<A>, K, V> },
  ): KTable<K, Acc<A>, Del<A>> {
    checkFold(o)
    const { add, subtract } = checkedFolders(o)
    const fold = { kind: 'aggregate' as const, initial: o.initial, add, subtract }
    return new KTable(this.#grouping.aggregate(fold, o as AnyMaterialized))
  }
}

function checkedFolders(o: { readonly add: unknown; readonly subtract: unknown }) {
  if (typeof o.add !== 'function' || typeof o.subtract !== 'function')
    throw new TypeError('a grouped table needs `add` and `subtract`: rows enter and leave groups')
  return o as { add: Folder<any, any, any>; subtract: Folder<any, any, any> }
}
