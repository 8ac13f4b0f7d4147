// From the bytes of one record to a record with event time: keys and values are read, nulls that a
// source does not promise are refused, and the timestamp extractor has its say.
import { DeserializationError, ProcessingError, type StreamsError } from '../errors.js'
import { HeaderList, noHeaders, type HeaderEntry } from '../serde/record-headers.js'
import type { Deserializer } from '../serde/serde.js'
import { serdeTraits } from '../serde/serde-traits.js'
import type { PassingRecord } from '../topology/passing-record.js'
import { FlowRecord } from '../topology/stream-record.js'
import type { SourceNode } from '../topology/topology-node.js'
import { decided, reasonOf, waysOut, where, type ErrorHandlers } from './error-handlers.js'
import { KnownKeys } from './known-keys.js'
import type { RecordSource } from './record-source.js'
import { wrongAnswer } from './wrong-answer.js'

/** The bytes of a source record, for dead letters; they stay valid while it is processed. */
export interface SourceBytes {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly HeaderEntry[]
}

/** What a decoder needs of its task. */
export interface DecoderHost {
  readonly taskId: string
  readonly handlers: Pick<ErrorHandlers, 'deserialization'>
  drop(node: string, reason: string, topic: string, partition: number, offset: number): void
  deadLetter(source: SourceBytes, error: StreamsError): void
}

/** Copies the current record of `records` out of its batch. */
export function sourceBytes(records: RecordSource, topic: string, partition: number): SourceBytes {
  const { buffer, keyStart, keyEnd, valueStart, valueEnd } = records
  return {
    topic,
    partition,
    offset: records.offset,
    timestampMs: records.timestampMs,
    key: keyStart < 0 ? null : new Uint8Array(buffer.subarray(keyStart, keyEnd)),
    value: valueStart < 0 ? null : new Uint8Array(buffer.subarray(valueStart, valueEnd)),
    headers: records.headerCount === 0 ? noHeaders : records.headers(),
  }
}

/** Stands for a value that nobody looks at. */
const unread = new Uint8Array(0)
/** Stands for headers where the serdes look at bytes alone. */
const unseen = new HeaderList()

/** Decodes the records of one partition for one source node. */
export class SourceDecoder {
  /** Whether some node looks at values; those of a serde that refuses nothing are left unread else. */
  valuesMatter = true
  readonly #source: SourceNode
  readonly #topic: string
  readonly #partition: number
  readonly #host: DecoderHost
  readonly #keys: KnownKeys | undefined
  readonly #readsAll: boolean

  constructor(source: SourceNode, topic: string, partition: number, host: DecoderHost) {
    this.#source = source
    this.#topic = topic
    this.#partition = partition
    this.#host = host
    const { read } = source.key as Deserializer<string>
    if (serdeTraits(source.key).text === true && read !== undefined)
      this.#keys = new KnownKeys(read)
    this.#readsAll = serdeTraits(source.value).total !== true || source.timestamp !== undefined
  }

  /** Whether nobody sees a record while it is decoded. */
  get canReuseRecords(): boolean {
    const { key, value, timestamp } = this.#source
    return key.read !== undefined && value.read !== undefined && timestamp === undefined
  }

  /**
   * The current record of `records`, as `passing` where that is given; `undefined` when it is dropped.
   * @throws DeserializationError when the handler answers `fail`.
   */
  decode(
    records: RecordSource,
    partitionTimeMs: number,
    passing?: PassingRecord,
  ): FlowRecord | undefined {
    const source = this.#source
    const entries = records.headerCount === 0 ? noHeaders : records.headers()
    const headers = passing === undefined ? new HeaderList(entries) : unseen
    let key: unknown = null
    let value: unknown = null
    let part = 'key'
    let refusal: string | undefined
    try {
      if (records.keyStart >= 0)
        key =
          this.#keys === undefined
            ? read(source.key, records, records.keyStart, records.keyEnd, this.#topic, headers)
            : this.#keys.read(records.buffer, records.keyStart, records.keyEnd)
      else if (source.nullKey === 'refuse')
        refusal = 'its key is null, and the serde of the key is required(…)'
      part = 'value'
      if (records.valueStart >= 0)
        value =
          this.valuesMatter || this.#readsAll
            ? read(
                source.value,
                records,
                records.valueStart,
                records.valueEnd,
                this.#topic,
                headers,
              )
            : unread
      else if (source.nullValue === 'refuse')
        refusal = 'its value is null; read the topic with value: nullable(serde) to let nulls pass'
    } catch (error) {
      return this.#refused(records, `its ${part} cannot be read: ${reasonOf(error)}`, error)
    }
    // Outside of the `try`, so that the handler is asked once.
    if (refusal !== undefined) return this.#refused(records, refusal)
    const timestampMs = records.timestampMs
    const { offset } = records
    const record =
      passing === undefined
        ? new FlowRecord(key, value, timestampMs, headers, {
            topic: this.#topic,
            partition: this.#partition,
            offset,
          })
        : passing.become(key, value, timestampMs, entries, offset)
    if (source.timestamp !== undefined) return this.#extract(record, partitionTimeMs)
    if (timestampMs < 0)
      throw this.#fatal(
        record,
        `has the negative timestamp ${timestampMs}; give the source a timestamp extractor, or log and skip such records`,
      )
    return record
  }

  #extract(record: FlowRecord, partitionTimeMs: number): FlowRecord | undefined {
    const { timestamp, name } = this.#source
    let extracted: unknown
    try {
      extracted = timestamp!(record.value, record.key, record, partitionTimeMs)
    } catch (error) {
      const reason = `made the timestamp extractor throw: ${reasonOf(error)}`
      throw this.#fatal(record, reason, error)
    }
    if (extracted === record.timestampMs && record.timestampMs >= 0) return record
    if (typeof extracted === 'number' && extracted < 0) {
      const offset = record.metadata!.offset
      this.#host.drop(name, 'negative timestamp', this.#topic, this.#partition, offset)
      return undefined
    }
    if (!Number.isSafeInteger(extracted))
      throw this.#fatal(
        record,
        `got ${wrongAnswer(extracted)} from the timestamp extractor, which must return whole milliseconds, such as Math.floor(…)`,
      )
    const timestampMs = extracted as number
    return new FlowRecord(record.key, record.value, timestampMs, record.headers, record.metadata)
  }

  #refused(records: RecordSource, reason: string, cause?: unknown): undefined {
    const position = {
      topic: this.#topic,
      partition: this.#partition,
      offset: records.offset,
    }
    const { name } = this.#source
    const task = this.#host.taskId
    const at = where(position, task)
    const failed = (text: string): DeserializationError =>
      new DeserializationError(text, { position, node: name, task, cause })
    const error = failed(`${name} cannot take the record ${at}: ${reason}`)
    const answer = this.#host.handlers.deserialization(error)
    if (answer === 'fail')
      throw decided(failed(`${error.message}${waysOut('deserializationHandler')}`))
    if (answer === 'deadLetter')
      this.#host.deadLetter(sourceBytes(records, this.#topic, this.#partition), error)
    this.#host.drop(name, 'deserialization', this.#topic, this.#partition, records.offset)
    return undefined
  }

  #fatal(record: FlowRecord, what: string, cause?: unknown): ProcessingError {
    const { topic, partition, offset } = record.metadata!
    const position = { topic: topic ?? '', partition, offset }
    const task = this.#host.taskId
    return decided(
      new ProcessingError(`${this.#source.name}: the record ${where(position, task)} ${what}`, {
        position,
        node: this.#source.name,
        task,
        cause,
      }),
    )
  }
}

function read(
  deserializer: Deserializer<unknown>,
  records: RecordSource,
  start: number,
  end: number,
  topic: string,
  headers: HeaderList,
): unknown {
  if (deserializer.read !== undefined) return deserializer.read(records.buffer, start, end)
  return deserializer.deserialize(records.buffer.subarray(start, end), topic, headers)
}
