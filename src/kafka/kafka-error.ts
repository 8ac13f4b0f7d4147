// What a log answers when it refuses, or cannot be reached: one class, which says what can be done.
import { StreamsError, type StreamsErrorOptions } from '../errors.js'

/**
 * What the caller can do about an error: `retriable` try again · `abortable` abort the transaction ·
 * `fenced` somebody else took over · `tooLarge` the record itself · `authorization` and `fatal` stop.
 */
export type KafkaErrorKind =
  'retriable' | 'abortable' | 'fenced' | 'tooLarge' | 'authorization' | 'unknownTopic' | 'fatal'

/** The log refused a request or could not be reached. */
export class KafkaError extends StreamsError {
  override readonly name: string = 'KafkaError'
  override readonly code: string = 'STREAMS_KAFKA'

  constructor(
    message: string,
    readonly kind: KafkaErrorKind,
    /** The protocol's error code, such as 47; -1 where the failure is not an answer. */
    readonly errorCode: number = -1,
    options: StreamsErrorOptions = {},
  ) {
    super(message, options)
  }
}
