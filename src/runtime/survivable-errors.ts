// Which failures of a thread end with its tasks made anew from the last commit, and which end it.
import { TaskCorruptedError, TaskMigratedError } from '../errors.js'
import { KafkaError } from '../kafka/client.js'

/** Wraps an error that nothing can be done about, whatever its kind. */
export class FinalError {
  constructor(readonly error: Error) {}
}

/** Whether beginning again from the last commit can help. */
export const isSurvivable = (error: unknown): boolean =>
  error instanceof TaskMigratedError ||
  error instanceof TaskCorruptedError ||
  (error instanceof KafkaError && ['fenced', 'abortable', 'retriable'].includes(error.kind))

/** Whether the group or the transactional id has been taken over, so that the group is joined anew. */
export const isFenced = (error: unknown): boolean =>
  error instanceof KafkaError && error.kind === 'fenced'
