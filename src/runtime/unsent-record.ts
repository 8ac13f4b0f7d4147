// A record that cannot be sent, of a sink or of a changelog: the error that says so, and what the
// answer of the production handler comes to.
import { ProductionError, SerializationError, type StreamsError } from '../errors.js'
import type { FlowRecord } from '../topology/stream-record.js'
import { decided, positionOf, where, type ErrorHandlers } from './error-handlers.js'

/** Whom the failure befalls. */
export interface UnsentHost {
  readonly taskId: string
  readonly handlers: Pick<ErrorHandlers, 'production'>
  dropped(node: string, reason: string, record: FlowRecord | undefined): void
  deadLetterCurrent(error: StreamsError): void
}

/** What could not be written, and why. */
export interface Unsent {
  /** The sink or store that wrote it. */
  readonly name: string
  readonly topic: string
  readonly part: 'key' | 'value' | 'record'
  readonly reason: string
  readonly cause?: unknown
  /** The record in process, which led to it. */
  readonly record: FlowRecord | undefined
}

const waysOut =
  ". Correct the program, or set productionHandler to 'continue' or, with a deadLetterTopic, to 'deadLetter', and start again"

/** Asks the production handler; returns when the record is dropped. @throws the error to end with. */
export function dropUnsent(host: UnsentHost, unsent: Unsent): void {
  const { name, topic, part, reason, cause, record } = unsent
  const task = host.taskId
  const position = record === undefined ? undefined : positionOf(record)
  const at = `${record === undefined ? '' : 'caused by the record '}${where(position, task)}`
  const text = `${name} cannot write the ${part} for ${topic} (${at}): ${reason}`
  const options = { node: name, task, position, cause }
  const make = (message: string): StreamsError =>
    part === 'record'
      ? new ProductionError(message, options)
      : new SerializationError(message, options)
  const error = make(text)
  const answer = host.handlers.production(error)
  // Trying again cannot help.
  if (answer === 'fail' || answer === 'retry') throw decided(make(`${text}${waysOut}`))
  if (answer === 'deadLetter') host.deadLetterCurrent(error)
  host.dropped(name, 'production', record)
}
