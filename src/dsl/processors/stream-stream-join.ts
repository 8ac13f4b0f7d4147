// One side of a stream-stream join (semantics 10.3).
import { IllegalStateError } from '../../errors.js'
import type { NodeSupplier } from '../../topology/processor.js'
import type { StreamStreamJoinOptions } from './operator-options.js'

/** One side of a stream-stream join (semantics 10.3). */
export const streamStreamJoin =
  (_options: StreamStreamJoinOptions): NodeSupplier =>
  () => {
    throw new IllegalStateError('streamStreamJoin is not available in this version')
  }

/** The `WINDOWED` node of one side: forwards first, then keeps the record in its `JoinRows`. */
export const joinWindow =
  (_store: string): NodeSupplier =>
  () => {
    throw new IllegalStateError('joinWindow is not available in this version')
  }
