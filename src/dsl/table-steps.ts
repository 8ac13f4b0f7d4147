// The operators of tables that work row by row: sources, filters, new values (semantics 6).
import type { Stores } from '../state/stores.js'
import { connectStores } from '../topology/topology-stores.js'
import type { TopologyGraph } from '../topology/topology-graph.js'
import { GraphNode } from './graph/graph-node.js'
import { given } from './graph/serde-ref.js'
import {
  addPlanned,
  engineFor,
  isMaterialized,
  planStore,
  tableSpec,
  type AnyMaterialized,
  type PlannedStore,
} from './materialize.js'
import { tableFilter, tableFilterLookup } from './processors/table-filter.js'
import { keyValueLookup, versionedLookup, type TableLookup } from './processors/table-lookup.js'
import {
  rowMapper,
  rowTransformer,
  tableMapLookup,
  tableMapValues,
  type OpenRowFunction,
} from './processors/table-map-values.js'
import { tableSource } from './processors/table-source.js'
import { OldValues, type TableState } from './table-state.js'

/** How rows in a planned store of one row per key are looked up. */
export const storeLookup = (plan: PlannedStore): TableLookup =>
  plan.versioned ? versionedLookup(plan.name) : keyValueLookup(plan.name)

/**
 * A table whose rows come from a stream, and which keeps them only when it must: because the user
 * named the store, or because something downstream looks rows up or wants old values.
 */
export class SourceTable {
  readonly plan: PlannedStore
  readonly #name: string
  #isKept: boolean
  readonly oldValues = new OldValues((force) => {
    if (force) this.#isKept = true
    return this.#isKept
  })

  constructor(name: string, plan: PlannedStore) {
    this.#name = name
    this.plan = plan
    this.#isKept = plan.given !== undefined
  }

  get isKept(): boolean {
    return this.#isKept
  }

  readonly lookup = (): TableLookup => {
    this.#isKept = true
    return storeLookup(this.plan)
  }

  /** Adds the table node, and its store where rows are kept; `logging: false` leaves out the changelog. */
  write(
    out: TopologyGraph,
    parents: readonly string[],
    graph: TableState['graph'],
    o: { readonly unlogged?: boolean } = {},
  ): void {
    const store = this.#isKept
      ? { name: this.plan.name, versioned: this.plan.versioned }
      : undefined
    const supplier = tableSource({ store: () => store, sendsOldValues: this.oldValues.sent })
    out.addProcessor(this.#name, supplier, parents)
    if (store === undefined) return
    const plan =
      o.unlogged === true
        ? { ...this.plan, options: { ...this.plan.options, logging: false as const } }
        : this.plan
    addPlanned(out, plan, tableSpec(graph, plan, this.#name), [this.#name])
  }

  /** Whether what it forwards is versioned. */
  get outputVersioned(): boolean {
    return this.plan.given !== undefined && this.plan.versioned
  }
}

/** The store of a filter or map: made only where it is named; an unnamed one mostly takes an index. */
function ownStore({
  table,
  prefix,
  options,
  value,
  indexed,
}: RowOperator): PlannedStore | undefined {
  if (!isMaterialized(options) || (options.store === undefined && !indexed)) return undefined
  const { graph, key } = table
  const plan = planStore(graph, prefix, options, { key, value }, (p) => graph.newStoreName(p))
  return plan.given === undefined ? undefined : plan
}

interface RowOperator {
  readonly table: TableState
  readonly prefix: string
  readonly options: AnyMaterialized
  readonly value: TableState['value']
  /** Adds what the operator is; `store` is its own, if it has one. */
  readonly write: (
    out: TopologyGraph,
    name: string,
    parents: readonly string[],
    operator: {
      readonly node: GraphNode
      readonly store: PlannedStore | undefined
      readonly oldValues: OldValues
    },
  ) => void
  readonly lookup: (parent: TableLookup) => TableLookup
  /** Old values are used when they can be had, though nobody asks. */
  readonly asksSoftly: boolean
  /** Whether a store that is not named uses up an index. */
  readonly indexed: boolean
}

function rowOperator(o: RowOperator): TableState {
  const { table, options } = o
  const { graph } = table
  const store = ownStore(o)
  const name = graph.nameOr(options.name, o.prefix)
  const parentSends = o.asksSoftly && table.oldValues.ask(false)
  const oldValues = new OldValues((force) => store !== undefined || table.oldValues.ask(force))
  if (parentSends) oldValues.ask(false)
  const node: GraphNode = new GraphNode(
    name,
    (out, parents) => {
      o.write(out, name, parents, { node, store, oldValues })
      if (store !== undefined) addPlanned(out, store, tableSpec(graph, store, name), [name])
    },
    // What is given a plain store is not versioned any more, also where none is made of it.
    { outputVersioned: isMaterialized(options) ? store?.versioned === true : undefined },
  )
  graph.add(table.node, node)
  return {
    ...table,
    node,
    name,
    key: given(options.key) ?? table.key,
    value: given(options.value) ?? o.value,
    storeName: store?.given,
    lookup: () => (store === undefined ? o.lookup(table.lookup()) : storeLookup(store)),
    oldValues,
  }
}

const resultStore = (store: PlannedStore | undefined) =>
  store === undefined ? undefined : { name: store.name, versioned: store.versioned }

/** `filter` and `filterNot` of tables. */
export function filterTable(
  table: TableState,
  predicate: (value: any, key: any) => unknown,
  keep: boolean,
  options: AnyMaterialized = {},
): TableState {
  return rowOperator({
    table,
    prefix: 'KTABLE-FILTER-',
    options,
    value: table.value,
    asksSoftly: true,
    indexed: true,
    lookup: (parent) => tableFilterLookup(parent, { predicate, keep }),
    write(out, name, parents, { node, store, oldValues }) {
      const filter = tableFilter({
        predicate,
        keep,
        store: resultStore(store),
        sendsOldValues: oldValues.sent,
        versioned: () => node.versionedInput,
      })
      out.addProcessor(name, filter, parents)
    },
  })
}

const mapRows = (
  table: TableState,
  prefix: string,
  open: OpenRowFunction,
  options: AnyMaterialized,
  connect: (out: TopologyGraph, name: string) => void = () => {},
  stores?: ReadonlyMap<string, string>,
): TableState =>
  rowOperator({
    table,
    prefix,
    options,
    value: undefined,
    asksSoftly: false,
    indexed: prefix === 'KTABLE-MAPVALUES-',
    lookup: (parent) => tableMapLookup(parent, open, stores),
    write(out, name, parents, { store, oldValues }) {
      const map = tableMapValues({
        open,
        store: resultStore(store),
        sendsOldValues: oldValues.sent,
      })
      out.addProcessor(name, map, parents)
      connect(out, name)
    },
  })

/** `mapValues` of tables. */
export const mapTableValues = (
  table: TableState,
  mapper: (value: any, key: any) => unknown,
  options: AnyMaterialized = {},
): TableState => mapRows(table, 'KTABLE-MAPVALUES-', rowMapper(mapper), options)

/** `transformValues` of tables. */
export function transformTableValues(
  table: TableState,
  supplier: (context: any) => (value: any, key: any) => unknown,
  options: AnyMaterialized & { readonly stores?: Stores | undefined } = {},
): TableState {
  const names = new Map<string, string>()
  const engine = engineFor(table.graph, {})
  const { stores = {} } = options
  const open = rowTransformer(supplier, names)
  const connect = (out: TopologyGraph, name: string): void =>
    connectStores(out, name, stores, engine, names)
  return mapRows(table, 'KTABLE-TRANSFORMVALUES-', open, options, connect, names)
}
