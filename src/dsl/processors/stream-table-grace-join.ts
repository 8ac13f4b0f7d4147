// A stream-table join whose records wait for the table (semantics 9.5).
import { IllegalStateError } from '../../errors.js'
import type { NodeSupplier } from '../../topology/processor.js'
import type { GraceJoinOptions } from './operator-options.js'

/** A stream-table join whose records wait for the table (semantics 9.5). */
export const streamTableGraceJoin =
  (_options: GraceJoinOptions): NodeSupplier =>
  () => {
    throw new IllegalStateError('streamTableGraceJoin is not available in this version')
  }
