// Folds a grouped table: subtracts what left, adds what came (semantics 11.7).
import { IllegalStateError } from '../../errors.js'
import type { NodeSupplier } from '../../topology/processor.js'
import type { TableAggregateOptions } from './operator-options.js'

/** Folds a grouped table: subtracts what left, adds what came (semantics 11.7). */
export const tableAggregate =
  (_options: TableAggregateOptions): NodeSupplier =>
  () => {
    throw new IllegalStateError('tableAggregate is not available in this version')
  }
