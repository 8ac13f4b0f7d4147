// Joins of two tables by their key: a node per side looks the other side's row up, a third brings
// their results together (semantics 7; KTableKTableInnerJoin and its siblings).
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
import type { TableLookup, TableRow } from './table-lookup.js'
import { resultWriter } from './table-store.js'

/** Whether a side is joined with null where the other side has no row. */
const isOuterSide = (kind: JoinKind, side: 'left' | 'right'): boolean =>
  kind === 'outer' || (kind === 'left' && side === 'left')

/**
 * One side of a table-table join: joins each update with the other side's row and forwards the
 * change of the result, at the later of both times. A side that cannot stand alone forwards nothing
 * while the other row is absent; a deletion of an absent row is only held back then (semantics 7.2).
 *
 * @example
 * // users.leftJoin(cities, (user, city) => `${user} of ${city}`)
 * tableTableJoin({ side: 'left', kind: 'left', join, other: cities, versioned, sendsOldValues })
 */
export const tableTableJoin =
  (options: TableTableJoinOptions): NodeSupplier =>
  (context) => {
    const { side, kind, join } = options
    const node = context.nodeName
    const isLeft = side === 'left'
    const alone = isOuterSide(kind, side)
    const otherAlone = isOuterSide(kind, isLeft ? 'right' : 'left')
    const versioned = options.versioned()
    const sendOld = options.sendsOldValues()
    const other = options.other.open(context)
    const joined = (mine: unknown, theirs: unknown, key: unknown): unknown => {
      // The result exists while a side does that may stand alone, or both do.
      if (mine === null && !(otherAlone && theirs !== null)) return null
      const result = isLeft ? join(mine, theirs, key) : join(theirs, mine, key)
      return checked(result, node, 'joiner')
    }
    return {
      process(record: FlowRecord<unknown, Change>) {
        const { key, value: change } = record
        if (key === null || key === undefined) return context.drop('null key')
        if (versioned && !change.isLatest) return context.drop('out-of-order update')
        const row = other.get(key)
        if (row === undefined) {
          if (!alone || (change.newValue === null && change.oldValue === null)) return
        }
        // Read before the joiner runs: a look-up may hand out the live row of a store.
        const theirs: unknown = row === undefined ? null : row.value
        const timestampMs =
          row !== undefined && row.timestampMs > record.timestampMs
            ? row.timestampMs
            : record.timestampMs
        const newValue = joined(change.newValue, theirs, key)
        const oldValue = sendOld ? joined(change.oldValue, theirs, key) : null
        return context.forward(
          record.with(key, new Change(newValue, oldValue, change.isLatest), timestampMs),
        )
      },
    }
  }

/** Brings both sides together and keeps the result where it has a store. */
export const tableJoinMerge =
  (options: TableJoinMergeOptions): NodeSupplier =>
  (context) => {
    const result = resultWriter(context, options.store, options.sendsOldValues())
    return {
      process(record: FlowRecord<unknown, Change>) {
        const { newValue, oldValue, isLatest } = record.value
        return result.write(record, newValue, oldValue, isLatest)
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
    const node = context.nodeName
    const leftRows = left.open(context)
    const rightRows = right.open(context)
    return {
      get(key): TableRow | undefined {
        // Both rows are read at once: the first is good only until the next call on its store.
        const leftRow = leftRows.get(key)
        if (leftRow === undefined && kind !== 'outer') return undefined
        const leftValue: unknown = leftRow === undefined ? null : leftRow.value
        const leftMs = leftRow === undefined ? -1 : leftRow.timestampMs
        const rightRow = rightRows.get(key)
        if (rightRow === undefined && (kind === 'inner' || leftRow === undefined)) return undefined
        const rightValue: unknown = rightRow === undefined ? null : rightRow.value
        const timestampMs = Math.max(leftMs, rightRow === undefined ? -1 : rightRow.timestampMs)
        const value: unknown = checked(join(leftValue, rightValue, key), node, 'joiner')
        return value === null ? undefined : { value, timestampMs }
      },
    }
  },
})
