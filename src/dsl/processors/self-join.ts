// The join of a stream with itself on one store (semantics 10.11).
import { IllegalStateError } from '../../errors.js'
import type { NodeSupplier } from '../../topology/processor.js'
import type { SelfJoinOptions } from './operator-options.js'

/** The join of a stream with itself on one store (semantics 10.11). */
export const selfJoin =
  (_options: SelfJoinOptions): NodeSupplier =>
  () => {
    throw new IllegalStateError('selfJoin is not available in this version')
  }
