// A table that every instance holds in full: stream joins look rows up in it by any key.
import type { QueryableTable } from '../topology/queryable.js'
import type { LogicalGraph } from './graph/logical-graph.js'
import type { TableLookup } from './processors/table-lookup.js'

export interface GlobalTableState {
  readonly graph: LogicalGraph
  readonly name: string
  readonly storeName: string | undefined
  readonly lookup: TableLookup
}

let stateOf: (table: GlobalKTable<any, any>) => GlobalTableState

/** What stands behind a global table. */
export const globalTableBehind = (table: GlobalKTable<any, any>): GlobalTableState => stateOf(table)

/** A global table; its updates trigger nothing downstream. */
export class GlobalKTable<out K, out V> implements QueryableTable<K, V> {
  readonly #state: GlobalTableState
  /** For the compiler alone. */
  declare readonly '~row': readonly [key: K, value: V]

  static {
    stateOf = (table) => table.#state
  }

  /** Made by `globalTable`. */
  constructor(state: GlobalTableState) {
    this.#state = state
  }

  /** The store's name, where `store` gave it; only then can it be asked by name. */
  get queryableStoreName(): string | undefined {
    return this.#state.storeName
  }
}
