// Folds by key and time window (semantics 12a, 14).
import { IllegalStateError } from '../../errors.js'
import type { NodeSupplier } from '../../topology/processor.js'
import type { TimeWindowAggregateOptions } from './operator-options.js'

/** Folds by key and time window (semantics 12a, 14). */
export const windowAggregate =
  (_options: TimeWindowAggregateOptions): NodeSupplier =>
  () => {
    throw new IllegalStateError('windowAggregate is not available in this version')
  }
