// New values for the rows of a table: `mapValues` sees rows only, `transformValues` deletions too and
// may use stores (semantics 6.8).
import { ProcessingError, TopologyError } from '../../errors.js'
import type { NodeContext, NodeSupplier, ProcessorContext } from '../../topology/processor.js'
import { UserContext } from '../../topology/processor-adapter.js'
import type { FlowRecord } from '../../topology/stream-record.js'
import type { Change } from '../change.js'
import { checked } from './checked.js'
import type { SendsOldValues } from './operator-options.js'
import type { TableLookup, TableRow } from './table-lookup.js'
import { resultWriter, type ResultStore } from './table-store.js'

/** Makes a row's new value of the old one; null stands for a deletion. */
type RowFunction = (value: unknown, key: unknown) => unknown

/** Makes the function of one task. */
export type OpenRowFunction = (context: NodeContext) => RowFunction

/** The function of `mapValues`: null stays null without a call. */
export const rowMapper =
  (mapper: (value: any, key: any) => unknown): OpenRowFunction =>
  (context) => {
    const node = context.nodeName
    return (value, key) => (value === null ? null : checked(mapper(value, key), node, 'mapper'))
  }

/** The function of `transformValues`. */
export const rowTransformer =
  (
    supplier: (context: ProcessorContext<any, any, any>) => (value: any, key: any) => unknown,
    stores: ReadonlyMap<string, string>,
  ): OpenRowFunction =>
  (context) => {
    const node = context.nodeName
    const transform = supplier(new RowContext(context, stores))
    if (typeof transform !== 'function')
      throw new TopologyError(
        `the supplier of ${node} must return a function, (value, key) => value`,
        { node },
      )
    return (value, key) => checked(transform(value, key), node, 'transformer')
  }

/** A row has one result, which is returned: there is nothing to forward. */
class RowContext extends UserContext {
  readonly #node: string

  constructor(context: NodeContext, stores: ReadonlyMap<string, string>) {
    super(context, stores)
    this.#node = context.nodeName
  }

  override forward(): never {
    throw new ProcessingError(
      `${this.#node} cannot forward: transformValues returns the new value of a row; use toStream().process(…) to forward records`,
      { node: this.#node },
    )
  }
}

export interface TableMapOptions extends SendsOldValues {
  readonly open: OpenRowFunction
  readonly store: ResultStore | undefined
}

export const tableMapValues =
  (options: TableMapOptions): NodeSupplier =>
  (context) => {
    const sendOld = options.sendsOldValues()
    const map = options.open(context)
    const kept = options.store !== undefined
    const result = resultWriter(context, options.store, sendOld)
    return {
      process(record: FlowRecord<unknown, Change>) {
        const { key, value: change } = record
        const newValue = map(change.newValue, key)
        const oldValue = !sendOld ? null : kept ? result.old(key) : map(change.oldValue, key)
        return result.write(record, newValue, oldValue, change.isLatest)
      },
    }
  }

/** Look-ups ask the parent and apply the function. */
export const tableMapLookup = (
  parent: TableLookup,
  openFunction: OpenRowFunction,
  stores?: ReadonlyMap<string, string>,
): TableLookup => ({
  // A getter, because the function's stores get their names when its node is written.
  get stores() {
    return stores === undefined ? parent.stores : [...parent.stores, ...stores.values()]
  },
  open(context) {
    const reader = parent.open(context)
    const map = openFunction(context)
    const { getAsOf } = reader
    const mapped = (row: TableRow | undefined, key: unknown): TableRow | undefined => {
      const value = map(row?.value ?? null, key)
      if (value === null) return undefined
      return { value, timestampMs: row?.timestampMs ?? -1 }
    }
    return {
      get: (key) => mapped(reader.get(key), key),
      getAsOf: getAsOf && ((key, atMs) => mapped(getAsOf(key, atMs), key)),
    }
  },
})
