// Joins of tables by key: two nodes, each driven by one table and reading the other, and the node
// that brings their results together (semantics 7).
import type { NodeSupplier } from '../../topology/processor.js'
import type { FlowRecord } from '../../topology/stream-record.js'
import { Change } from '../change.js'
import { checked } from './checked.js'
import type {
  JoinKind,
  TableJoinMergeOptions,
  TableTableJoinOptions,
  ValueJoin,
} from './operator-options.js'
import type { TableLookup } from './table-lookup.js'
import { resultWriter } from './table-store.js'

/** Whether a side may be missing in the result. */
const mayMiss = (kind: JoinKind, side: 'left' | 'right'): boolean =>
  kind === 'outer' || (kind === 'left' && side === 'right')

/** One side of a table-table join, driven by `side`. */
export const tableTableJoin =
  (options: TableTableJoinOptions): NodeSupplier =>
  (context) => {
    const { side, kind, join } = options
    const node = context.nodeName
    const sendOld = options.sendsOldValues()
    const versioned = options.versioned()
    const other = options.other.open(context)
    const isLeft = side === 'left'
    // Whether the result stands though the arriving side, or the other, has no row.
    const withoutOwn = mayMiss(kind, side)
    const withoutOther = mayMiss(kind, isLeft ? 'right' : 'left')
    const result = (own: unknown, others: unknown, key: unknown): unknown => {
      if (own === null && (!withoutOwn || others === null)) return null
      return checked(isLeft ? join(own, others, key) : join(others, own, key), node, 'joiner')
    }
    return {
      process(record: FlowRecord<unknown, Change>) {
        const { key, value: change, timestampMs } = record
        if (key === null) return context.drop('null key')
        if (versioned && !change.isLatest) return context.drop('out of order')
        const { newValue, oldValue } = change
        const row = other.get(key)
        if (row === undefined && (!withoutOther || (newValue === null && oldValue === null))) return
        const others = row === undefined ? null : row.value
        const timeMs = row === undefined ? timestampMs : Math.max(timestampMs, row.timestampMs)
        return context.forward(
          record.with(
            key,
            new Change(
              result(newValue, others, key),
              sendOld ? result(oldValue, others, key) : null,
            ),
            timeMs,
          ),
        )
      },
    }
  }

/** Brings both sides together and keeps the result where it has a store. */
export const tableJoinMerge =
  (options: TableJoinMergeOptions): NodeSupplier =>
  (context) => {
    const { write } = resultWriter(context, options.store, options.sendsOldValues())
    return {
      process(record: FlowRecord<unknown, Change>) {
        const { newValue, oldValue, isLatest } = record.value
        return write(record, newValue, oldValue, isLatest)
      },
    }
  }

/** Look-ups into a result that is not kept: recomputed from both inputs (semantics 7.7). */
export const tableJoinLookup = (
  kind: JoinKind,
  join: ValueJoin,
  left: TableLookup,
  right: TableLookup,
): TableLookup => ({
  stores: [...new Set([...left.stores, ...right.stores])],
  open(context) {
    const lefts = left.open(context)
    const rights = right.open(context)
    return {
      get(key) {
        const a = lefts.get(key)
        if (a === undefined && kind !== 'outer') return undefined
        // Rows are good until the next call on their store, and both may lie in one.
        const leftValue = a === undefined ? null : a.value
        const leftMs = a === undefined ? -1 : a.timestampMs
        const b = rights.get(key)
        if (b === undefined && (kind === 'inner' || a === undefined)) return undefined
        const value = checked(
          join(leftValue, b === undefined ? null : b.value, key),
          context.nodeName,
          'joiner',
        )
        if (value === null) return undefined
        return { value, timestampMs: Math.max(leftMs, b === undefined ? -1 : b.timestampMs) }
      },
    }
  },
})
