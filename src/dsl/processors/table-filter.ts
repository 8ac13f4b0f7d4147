// Rows of a table for which a predicate holds; others become tombstones (semantics 6.7).
import type { NodeContext, NodeSupplier } from '../../topology/processor.js'
import type { FlowRecord } from '../../topology/stream-record.js'
import type { Change } from '../change.js'
import { holds } from './checked.js'
import type { SendsOldValues } from './operator-options.js'
import type { TableLookup } from './table-lookup.js'
import { resultWriter, type ResultStore } from './table-store.js'

type RowPredicate = (value: any, key: any) => unknown

export interface TableFilterOptions extends SendsOldValues {
  readonly predicate: RowPredicate
  readonly keep: boolean
  readonly store: ResultStore | undefined
  /** Out-of-order updates of versioned tables are never held back. */
  readonly versioned: () => boolean
}

const passing = (o: { predicate: RowPredicate; keep: boolean }, context: NodeContext) => {
  const node = context.nodeName
  return (value: unknown, key: unknown): unknown =>
    value !== null && holds(o.predicate(value, key), node) === o.keep ? value : null
}

/** Forwards nothing for a row that was not there before and is not there now, where that is known. */
export const tableFilter =
  (options: TableFilterOptions): NodeSupplier =>
  (context) => {
    const sendOld = options.sendsOldValues()
    const skipsAbsent = sendOld && !options.versioned()
    const pass = passing(options, context)
    const kept = options.store !== undefined
    const result = resultWriter(context, options.store, sendOld)
    return {
      process(record: FlowRecord<unknown, Change>) {
        const { key, value: change } = record
        const newValue = pass(change.newValue, key)
        const oldValue = !sendOld ? null : kept ? result.old(key) : pass(change.oldValue, key)
        if (skipsAbsent && newValue === null && oldValue === null) return
        return result.write(record, newValue, oldValue, change.isLatest)
      },
    }
  }

/** Look-ups ask the parent and apply the predicate. */
export const tableFilterLookup = (
  parent: TableLookup,
  o: { readonly predicate: RowPredicate; readonly keep: boolean },
): TableLookup => ({
  stores: parent.stores,
  open(context) {
    const reader = parent.open(context)
    const pass = passing(o, context)
    const { getAsOf } = reader
    return {
      get(key) {
        const row = reader.get(key)
        return row === undefined || pass(row.value, key) === null ? undefined : row
      },
      getAsOf:
        getAsOf &&
        ((key, atMs) => {
          const row = getAsOf(key, atMs)
          return row === undefined || pass(row.value, key) === null ? undefined : row
        }),
    }
  },
})
