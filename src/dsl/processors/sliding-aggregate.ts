// Folds by key and sliding window (semantics 12b, 14).
import { IllegalStateError } from '../../errors.js'
import type { NodeSupplier } from '../../topology/processor.js'
import type { SlidingWindowAggregateOptions } from './operator-options.js'

/** Folds by key and sliding window (semantics 12b, 14). */
export const slidingAggregate =
  (_options: SlidingWindowAggregateOptions): NodeSupplier =>
  () => {
    throw new IllegalStateError('slidingAggregate is not available in this version')
  }
