// What happens to a record that fails, by stage. An answer of `fail` is final: nodes further up are
// not asked again, and neither are they about failures that are no fault of a record.
import {
  ConfigError,
  MissingTopicError,
  OffsetLostError,
  ProcessingError,
  ProductionError,
  StateStoreError,
  StreamsError,
  TaskCorruptedError,
  TaskMigratedError,
  type RecordPosition,
} from '../errors.js'
import { KafkaError } from '../kafka/client.js'
import type { FlowRecord } from '../topology/stream-record.js'

/** What a handler decides. `deadLetter` goes on too, and writes the source record to the dead letter topic. */
export type HandlerAnswer = 'fail' | 'continue' | 'deadLetter'

/** The handlers of the three stages, each a function by now. */
export interface ErrorHandlers {
  readonly deserialization: (error: StreamsError) => HandlerAnswer
  readonly processing: (error: StreamsError) => HandlerAnswer
  readonly production: (error: StreamsError) => HandlerAnswer | 'retry'
  /** Whether a failing callback may be survived. */
  readonly mayContinue: boolean
}

/** A handler as it stands in the configuration. */
export type HandlerOption<A extends string> = A | ((error: StreamsError) => A) | undefined

/** The handlers of a configuration. Naming a dead letter topic makes it the default of the first two. */
export function errorHandlers(config: {
  readonly deserializationHandler?: HandlerOption<HandlerAnswer>
  readonly processingHandler?: HandlerOption<HandlerAnswer>
  readonly productionHandler?: HandlerOption<HandlerAnswer | 'retry'>
  readonly deadLetterTopic?: string | undefined
}): ErrorHandlers {
  const hasDeadLetters = config.deadLetterTopic !== undefined
  const standard: HandlerAnswer = hasDeadLetters ? 'deadLetter' : 'fail'
  const processing = config.processingHandler ?? standard
  return {
    deserialization: asked(
      'deserializationHandler',
      config.deserializationHandler ?? standard,
      hasDeadLetters,
    ),
    processing: asked('processingHandler', processing, hasDeadLetters),
    production: asked('productionHandler', config.productionHandler ?? 'fail', hasDeadLetters),
    mayContinue: processing !== 'fail',
  }
}

function asked<A extends string>(
  name: string,
  option: A | ((error: StreamsError) => A),
  hasDeadLetters: boolean,
): (error: StreamsError) => A {
  const handler = typeof option === 'function' ? option : () => option
  return (error) => {
    const answer = handler(error)
    if (answer === 'deadLetter' && !hasDeadLetters)
      throw decided(
        new ConfigError(`${name} answered 'deadLetter', but no deadLetterTopic is configured`, {
          cause: error,
        }),
      )
    if (!['fail', 'continue', 'deadLetter', 'retry'].includes(answer))
      throw decided(
        new ConfigError(
          `${name} must answer 'fail', 'continue' or 'deadLetter', not ${String(answer)}`,
          { cause: error },
        ),
      )
    return answer
  }
}

const decidedErrors = new WeakSet<object>()

/** Marks an error as final: no handler is asked about it any more. */
export function decided<E extends Error>(error: E): E {
  decidedErrors.add(error)
  return error
}

/** Whether no handler may be asked: decided already, or not the fault of a record. */
export const isDecided = (error: unknown): boolean =>
  (typeof error === 'object' && error !== null && decidedErrors.has(error)) ||
  error instanceof TaskMigratedError ||
  error instanceof TaskCorruptedError ||
  error instanceof KafkaError ||
  error instanceof ProductionError ||
  error instanceof StateStoreError ||
  error instanceof MissingTopicError ||
  error instanceof OffsetLostError

/** Where the input record stands that a record came from, if it came from one. */
export const positionOf = ({ metadata }: FlowRecord<any, any>): RecordPosition | undefined =>
  metadata === undefined || metadata.topic === null
    ? undefined
    : { topic: metadata.topic, partition: metadata.partition, offset: metadata.offset }

/** Where a failure happened, in words. */
export const where = (position: RecordPosition | undefined, task: string): string =>
  position === undefined || position.offset < 0
    ? `in task ${task}`
    : `at ${position.topic}-${position.partition}@${position.offset} in task ${task}`

/** A failure inside a node, with the node and the record it happened at. */
export function processingError(
  cause: unknown,
  node: string,
  task: string,
  position: RecordPosition | undefined,
): ProcessingError {
  return new ProcessingError(`${node} failed ${where(position, task)}: ${reasonOf(cause)}`, {
    cause,
    node,
    task,
    position,
  })
}

/** The ways out of an error that a handler answered with `fail`, appended to its message. */
export const waysOut = (handler: string): string =>
  `. Correct the program, or set ${handler} to 'continue', or name a deadLetterTopic, and start again`

/** What somebody threw says, whatever it is. */
export const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
