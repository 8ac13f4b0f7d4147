// Folds the records of a grouped stream by key (semantics 11).
import { IllegalStateError } from '../../errors.js'
import type { NodeSupplier } from '../../topology/processor.js'
import type { AggregateOptions } from './operator-options.js'

/** Folds the records of a grouped stream by key (semantics 11). */
export const aggregate =
  (_options: AggregateOptions): NodeSupplier =>
  () => {
    throw new IllegalStateError('aggregate is not available in this version')
  }
