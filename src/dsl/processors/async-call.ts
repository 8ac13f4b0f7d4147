// Asynchronous operators: calls overlap, the promised order is kept, commits wait for what is in flight.
import { IllegalStateError } from '../../errors.js'
import type { NodeSupplier } from '../../topology/processor.js'
import type { AsyncCallOptions } from './operator-options.js'

type Call = { readonly signal: AbortSignal; readonly attempt: number }
export type AsyncCallback = (value: any, key: any, record: any, call: Call) => unknown

/** What is done with a result: it becomes the value, decides whether the record passes, or is ignored. */
export type AsyncResult = 'value' | 'predicate' | 'ignored'

/** Calls `callback` for each record. */
export const asyncCall =
  (_callback: AsyncCallback, _result: AsyncResult, _options: AsyncCallOptions): NodeSupplier =>
  () => {
    throw new IllegalStateError('asyncCall is not available in this version')
  }
