// What a callback returned where something else is due, in words that do not show it.
import { valueType } from '../serde/value-type.js'
import { isPromise } from './node-runner.js'

/** A number as it is, of all else the type, such as `a string`. */
export function wrongAnswer(answer: unknown): string {
  // Nobody waits for a promise, so its rejection must not end the process.
  if (isPromise(answer)) void Promise.resolve(answer).catch(() => {})
  if (answer === '') return "''"
  return typeof answer === 'number' ? String(answer) : valueType(answer)
}
