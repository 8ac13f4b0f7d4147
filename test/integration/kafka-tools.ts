// Kafka's own Java tools as independent witnesses: what they read and report is what users see.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { KafkaAddress } from './kafka-server.js'

const run = promisify(execFile)

/** Runs a class of Kafka's tools and gives what it printed. @throws when it fails or takes longer than `timeoutMs`. */
export async function kafkaTool(
  kafka: KafkaAddress,
  mainClass: string,
  args: readonly string[],
  timeoutMs = 60_000,
): Promise<string> {
  if (kafka.classpath === undefined) throw new Error("Kafka's jars are missing")
  const all = ['-Xmx256m', '-cp', kafka.classpath, mainClass]
  const { stdout } = await run(
    'java',
    [...all, '--bootstrap-server', kafka.brokers.join(','), ...args],
    { timeout: timeoutMs, maxBuffer: 1 << 28 },
  )
  return stdout
}

export interface ConsoleRecord {
  readonly key: string | null
  readonly value: string | null
  readonly timestampMs: number
  readonly partition: number
}

export interface ConsoleConsumerOptions {
  readonly topic: string
  readonly isolation?: 'read_committed' | 'read_uncommitted' | undefined
  /** Ends when so many records were read, or nothing came for `idleMs` (default 3,000). */
  readonly maxRecords?: number | undefined
  readonly idleMs?: number | undefined
  readonly valueDeserializer?: string | undefined
}

/** Reads a topic from its start with the Java consumer. Keys and values are texts. */
export async function consoleConsumer(
  kafka: KafkaAddress,
  options: ConsoleConsumerOptions,
): Promise<ConsoleRecord[]> {
  const property = (name: string, value: string) => ['--property', `${name}=${value}`]
  const text = await kafkaTool(kafka, 'org.apache.kafka.tools.consumer.ConsoleConsumer', [
    '--topic',
    options.topic,
    '--from-beginning',
    '--isolation-level',
    options.isolation ?? 'read_committed',
    '--timeout-ms',
    String(options.idleMs ?? 3000),
    ...(options.maxRecords === undefined ? [] : ['--max-messages', String(options.maxRecords)]),
    ...property('print.timestamp', 'true'),
    ...property('print.partition', 'true'),
    ...property('print.key', 'true'),
    ...property('key.separator', '\t'),
    ...(options.valueDeserializer === undefined
      ? []
      : property('value.deserializer', options.valueDeserializer)),
  ])
  const records: ConsoleRecord[] = []
  for (const line of text.split('\n')) {
    const match = /^\w+:(-?\d+)\tPartition:(\d+)\t([^\t]*)\t(.*)$/.exec(line)
    if (!match) continue
    const [, timestamp, partition, key, value] = match
    records.push({
      key: key === 'null' || key === undefined ? null : key,
      value: value === 'null' || value === undefined ? null : value,
      timestampMs: Number(timestamp),
      partition: Number(partition),
    })
  }
  return records
}

export interface GroupRow {
  readonly topic: string
  readonly partition: number
  /** `undefined` where the group has committed nothing. */
  readonly current: number | undefined
  readonly end: number | undefined
  readonly lag: number | undefined
}

/** What the group tool reports of a group, a row per partition. */
export async function describeGroup(kafka: KafkaAddress, group: string): Promise<GroupRow[]> {
  const text = await kafkaTool(
    kafka,
    'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
    ['--describe', '--group', group],
  )
  const number = (cell: string | undefined) =>
    cell === undefined || cell === '-' ? undefined : Number(cell)
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((cells) => cells[0] === group)
    .map((cells) => ({
      topic: cells[1] ?? '',
      partition: Number(cells[2]),
      current: number(cells[3]),
      end: number(cells[4]),
      lag: number(cells[5]),
    }))
}
