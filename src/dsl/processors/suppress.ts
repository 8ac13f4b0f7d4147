// Holds updates back until a time limit or the end of their window (semantics 13).
import { IllegalStateError } from '../../errors.js'
import type { NodeSupplier } from '../../topology/processor.js'
import type { SuppressOptions } from './operator-options.js'
import type { TableLookup } from './table-lookup.js'

/** Holds updates back until a time limit or the end of their window (semantics 13). */
export const suppress =
  (_options: SuppressOptions): NodeSupplier =>
  () => {
    throw new IllegalStateError('suppress is not available in this version')
  }

/** Look-ups see the prior value while a key is buffered, else the parent's (semantics 13.9). */
export const suppressLookup = (_store: string, _parent: TableLookup): TableLookup => {
  throw new IllegalStateError('suppressLookup is not available in this version')
}
