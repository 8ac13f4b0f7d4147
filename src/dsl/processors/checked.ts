// What callbacks return: a missing value and a promise where a value is due are mistakes that would
// otherwise travel far before they show.
import { ProcessingError } from '../../errors.js'

const isPromise = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as { then?: unknown }).then === 'function'

/**
 * Returns `result` when it is a value.
 * @throws ProcessingError for `undefined` and for a promise; it names the node and the callback
 */
export function checked<R>(result: R, node: string, callback: string): R {
  if (result === undefined || isPromise(result)) throw noValue(result, node, callback)
  return result
}

function noValue(result: unknown, node: string, callback: string): ProcessingError {
  const what = result === undefined ? 'undefined' : 'a promise'
  // Nobody waits for it: its rejection must not end the process.
  void Promise.resolve(result).catch(() => {})
  const remedy =
    result === undefined
      ? 'return a value, or null for none'
      : 'a callback is not awaited here; use mapValuesAsync, filterAsync or forEachAsync, or an async processor'
  return new ProcessingError(`${node}: the ${callback} returned ${what}: ${remedy}`, { node })
}

/** The predicate's answer. @throws ProcessingError for `undefined` and for a promise */
export const holds = (result: unknown, node: string): boolean =>
  result === true || (result !== false && Boolean(checked(result, node, 'predicate')))
