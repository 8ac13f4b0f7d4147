// The rows of a durable log, sorted so that a start reads headers and no records.
//
//   'v'                                    format version, one byte
//   'l'                                    log id (int64) · next topic number · next producer id (int64 each)
//   't' topic number(4)                    JSON: name, partitions, configs
//   's' topic number(4) partition(4)       log start offset, int64
//   'i' topic number(4) partition(4) base offset(8)   batch header (61) · marker (0 none, 1 abort, 2 commit)
//   'd' topic number(4) partition(4) base offset(8)   the batch
//   'p' transactional id                   producer id (int64) · epoch (int16)
//   'g' JSON [group, topic, partition]     JSON {offset, metadata}
import { StateStoreError } from '../errors.js'
import { asBuffer } from '../kafka/record-batch.js'

/** The format of the rows; a newer one is refused. */
export const formatVersion = 1

export const row = {
  version: Buffer.from('v'),
  counters: Buffer.from('l'),
  topic: (number: number): Buffer => numbered('t', number),
  start: (topic: number, partition: number): Buffer => numbered('s', topic, partition),
  header: (topic: number, partition: number, offset: number): Buffer =>
    batchKey('i', topic, partition, offset),
  batch: (topic: number, partition: number, offset: number): Buffer =>
    batchKey('d', topic, partition, offset),
  producer: (transactionalId: string): Buffer => Buffer.from(`p${transactionalId}`),
  offset: (group: string, topic: string, partition: number): Buffer =>
    Buffer.from(`g${JSON.stringify([group, topic, partition])}`),
}

function numbered(kind: string, ...numbers: readonly number[]): Buffer {
  const key = Buffer.alloc(1 + 4 * numbers.length)
  key.write(kind, 'latin1')
  numbers.forEach((n, i) => key.writeUInt32BE(n, 1 + 4 * i))
  return key
}

function batchKey(kind: string, topic: number, partition: number, offset: number): Buffer {
  const key = Buffer.allocUnsafeSlow(17)
  key.write(kind, 'latin1')
  key.writeUInt32BE(topic, 1)
  key.writeUInt32BE(partition, 5)
  key.writeUInt32BE(Math.floor(offset / 2 ** 32), 9)
  key.writeUInt32BE(offset >>> 0, 13)
  return key
}

/** What a topic's row holds. */
export interface TopicRow {
  readonly name: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
}

export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

/** @throws StateStoreError when the row is not what was written. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(asBuffer(bytes).toString())
  } catch (cause) {
    throw new StateStoreError('the embedded log holds a row that cannot be read', { cause })
  }
}

/** Int64s in a row. */
export const int64s = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(8 * values.length)
  values.forEach((value, n) => bytes.writeBigInt64BE(BigInt(value), 8 * n))
  return bytes
}

export const readInt64s = (bytes: Uint8Array): number[] =>
  Array.from({ length: bytes.length >> 3 }, (_, n) => Number(asBuffer(bytes).readBigInt64BE(8 * n)))
