// One side of a table-table join (semantics 7).
import { IllegalStateError } from '../../errors.js'
import type { NodeSupplier } from '../../topology/processor.js'
import type {
  JoinKind,
  TableJoinMergeOptions,
  TableTableJoinOptions,
  ValueJoin,
} from './operator-options.js'
import type { TableLookup } from './table-lookup.js'

/** One side of a table-table join (semantics 7). */
export const tableTableJoin =
  (_options: TableTableJoinOptions): NodeSupplier =>
  () => {
    throw new IllegalStateError('tableTableJoin is not available in this version')
  }

/** Brings both sides together and keeps the result where it has a store. */
export const tableJoinMerge =
  (_options: TableJoinMergeOptions): NodeSupplier =>
  () => {
    throw new IllegalStateError('tableJoinMerge is not available in this version')
  }

/** Look-ups into a result that is not kept: recomputed from both inputs (semantics 7.7). */
export const tableJoinLookup = (
  _kind: JoinKind,
  _join: ValueJoin,
  _left: TableLookup,
  _right: TableLookup,
): TableLookup => {
  throw new IllegalStateError('tableJoinLookup is not available in this version')
}
