// The record that the dead letter topic gets: the original bytes, and headers under Kafka Streams'
// names (KIP-1034) that say what failed where.
import type { StreamsError } from '../errors.js'
import { partitionOfKey } from '../kafka/partitioner.js'
import type { HeaderEntry } from '../serde/record-headers.js'
import type { RecordCollector } from './record-collector.js'
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
  collector.sendBytes(writer, partition, Math.max(0, timestampMs), key, source?.value ?? null, [
    ...(source?.headers ?? []),
    ...errorHeaders(error, source ?? {}),
  ])
}
