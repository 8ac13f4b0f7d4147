// Every error class. Messages name the thing, its value and the remedy, never a record's contents
// or a credential; `code` is for programs.

/** Where a record stands: its topic, partition and offset. */
export interface RecordPosition {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** What an error may add to its message. */
export interface StreamsErrorOptions extends ErrorOptions {
  readonly position?: RecordPosition | undefined
  readonly node?: string | undefined
  readonly task?: string | undefined
}

/** The base of all errors of this package. */
export class StreamsError extends Error {
  override readonly name: string = 'StreamsError'
  readonly code: string = 'STREAMS'
  /** The input record at which it happened, where there is one. */
  readonly position: RecordPosition | undefined
  /** The topology node at which it happened, where there is one. */
  readonly node: string | undefined
  /** The task in which it happened, such as `0_3`. */
  readonly task: string | undefined

  constructor(message: string, options: StreamsErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.position = options.position
    this.node = options.node
    this.task = options.task
  }
}

/** The topology cannot be built or run as it stands. */
export class TopologyError extends StreamsError {
  override readonly name = 'TopologyError'
  override readonly code = 'STREAMS_TOPOLOGY'
}

/** A configuration value is missing, unknown or out of range. */
export class ConfigError extends StreamsError {
  override readonly name = 'ConfigError'
  override readonly code = 'STREAMS_CONFIG'
}

/** A record's bytes are not a valid key or value; `cause` is what the serde threw. */
export class DeserializationError extends StreamsError {
  override readonly name = 'DeserializationError'
  override readonly code = 'STREAMS_DESERIALIZATION'
}

/** A key or value cannot be written; `cause` is what the serde threw. */
export class SerializationError extends StreamsError {
  override readonly name = 'SerializationError'
  override readonly code = 'STREAMS_SERIALIZATION'
}

/** A user's callback threw, returned nothing or a promise where a value is due. */
export class ProcessingError extends StreamsError {
  override readonly name = 'ProcessingError'
  override readonly code = 'STREAMS_PROCESSING'
}

/** A record could not be produced. */
export class ProductionError extends StreamsError {
  override readonly name = 'ProductionError'
  override readonly code = 'STREAMS_PRODUCTION'
}

/** The task belongs to another instance now; it is closed and the group is joined again. */
export class TaskMigratedError extends StreamsError {
  override readonly name = 'TaskMigratedError'
  override readonly code = 'STREAMS_TASK_MIGRATED'
}

/** A task's local state cannot be trusted and is restored from its changelogs. */
export class TaskCorruptedError extends StreamsError {
  override readonly name = 'TaskCorruptedError'
  override readonly code = 'STREAMS_TASK_CORRUPTED'
}

/** A state store failed, is not there, or cannot be queried now. */
export class StateStoreError extends StreamsError {
  override readonly name = 'StateStoreError'
  override readonly code = 'STREAMS_STATE_STORE'
}

/** Committed offsets are lost, or lie outside the log; going on would count records twice or lose them. */
export class OffsetLostError extends StreamsError {
  override readonly name = 'OffsetLostError'
  override readonly code = 'STREAMS_OFFSET_LOST'
}

/** A topic to read or to write does not exist, or internal topics do not fit. */
export class MissingTopicError extends StreamsError {
  override readonly name = 'MissingTopicError'
  override readonly code = 'STREAMS_MISSING_TOPIC'
}

/** The operation is not possible in the current state of the application. */
export class IllegalStateError extends StreamsError {
  override readonly name = 'IllegalStateError'
  override readonly code = 'STREAMS_ILLEGAL_STATE'
}
