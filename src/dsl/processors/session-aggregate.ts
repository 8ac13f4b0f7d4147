// Folds by key and session (semantics 12c, 14).
import { IllegalStateError } from '../../errors.js'
import type { NodeSupplier } from '../../topology/processor.js'
import type { SessionWindowAggregateOptions } from './operator-options.js'

/** Folds by key and session (semantics 12c, 14). */
export const sessionAggregate =
  (_options: SessionWindowAggregateOptions): NodeSupplier =>
  () => {
    throw new IllegalStateError('sessionAggregate is not available in this version')
  }
