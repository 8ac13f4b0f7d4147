// The record that the dead letter topic gets: the original bytes, and headers under Kafka Streams'
// names (KIP-1034) that say what failed where.
import { ProductionError, type StreamsError } from '../errors.js'
import { partitionOfKey } from '../kafka/partitioner.js'
import type { HeaderEntry } from '../serde/record-headers.js'
import { RecordTooLargeError, type RecordCollector } from './record-collector.js'
import type { SourceBytes } from './source-decoder.js'

/** What failed where, as headers. */
export function errorHeaders(error: StreamsError, source: Partial<SourceBytes>): HeaderEntry[] {
  const cause: unknown = error.cause ?? error
  const thrown = cause instanceof Error ? cause : error
  const text = (name: string, value: string): HeaderEntry => [
    `__streams.errors.${name}`,
    Buffer.from(value),
  ]
  const headers = [
    text('exception', thrown.name),
    text('message', thrown.message),
    text('stacktrace', thrown.stack ?? ''),
  ]
  if (source.topic !== undefined) {
    headers.push(text('topic', source.topic))
    headers.push(text('partition', String(source.partition)))
    headers.push(text('offset', String(source.offset)))
  }
  if (error.node !== undefined) headers.push(text('node', error.node))
  if (error.task !== undefined) headers.push(text('task', error.task))
  return headers
}

/**
 * Sends `source` to the dead letter topic, whose partitions are known already. Without a source
 * record (a punctuator failed) key and value are null.
 * @throws ProductionError when the headers make it too large
 */
export function sendDeadLetter(
  collector: RecordCollector,
  topic: string,
  source: SourceBytes | undefined,
  timestampMs: number,
  error: StreamsError,
): void {
  const writer = collector.writer(topic)
  const key = source?.key ?? null
  const partition =
    key === null ? collector.keylessPartition(writer) : partitionOfKey(key, writer.partitions)
  const headers = [...(source?.headers ?? []), ...errorHeaders(error, source ?? {})]
  const timeMs = Math.max(0, timestampMs)
  try {
    collector.sendBytes(writer, partition, timeMs, key, source?.value ?? null, headers)
  } catch (cause) {
    if (!(cause instanceof RecordTooLargeError)) throw cause
    const { node, task, position } = error
    const text = `${error.message}; and its dead letter is too large: ${cause.message}`
    throw new ProductionError(text, { node, task, position, cause })
  }
}
