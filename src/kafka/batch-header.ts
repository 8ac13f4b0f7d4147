// The fixed part of a record batch, format v2: drawn, read, written, and scanned for in an answer.
// The CRC covers everything from the attributes on, so a log may assign offset and epoch in place.
//
//   at  bytes
//    0    8  base offset            assigned by the log
//    8    4  batch length           of what follows this field
//   12    4  partition leader epoch assigned by the log
//   16    1  magic                  2
//   17    4  CRC32C                 of everything from 21 on
//   21    2  attributes             bits 0-2 compression, 3 log append time, 4 transactional, 5 control
//   23    4  last offset delta      kept by compaction: the position after a batch is lastOffset + 1
//   27    8  base timestamp         ms
//   35    8  max timestamp          ms; everybody's timestamp under log append time
//   43    8  producer id            -1: none
//   51    2  producer epoch
//   53    4  base sequence
//   57    4  record count           0 where compaction has taken them all
//   61    …  records, compressed together
import { crc32c } from './crc32c.js'
import { KafkaError } from './kafka-error.js'

/** Bytes before the first record. */
export const batchHeaderLength = 61

const crcFrom = 21
const lengthFrom = 12
const two32 = 2 ** 32

/** The header of one batch that lies at `[start, end)` of a buffer. */
export interface BatchHeader {
  readonly start: number
  readonly end: number
  readonly baseOffset: number
  readonly lastOffset: number
  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  readonly compression: number
  readonly logAppendTime: boolean
  readonly transactional: boolean
  readonly control: boolean
  readonly baseTimestampMs: number
  readonly maxTimestampMs: number
  /** -1 when there is none. */
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly count: number
}

/** A Buffer over the same memory: its accessors are the fast ones. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  bytes instanceof Buffer
    ? bytes
    : Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength)

export const readInt64 = (buffer: Buffer, at: number): number =>
  buffer.readInt32BE(at) * two32 + buffer.readUInt32BE(at + 4)

export const writeInt64 = (buffer: Buffer, at: number, value: number): void => {
  buffer.writeInt32BE(Math.floor(value / two32), at)
  buffer.writeUInt32BE(value >>> 0, at + 4)
}

/** Bytes that are not what they say; `errorCode` 2 is the protocol's CORRUPT_MESSAGE. */
export const corrupt = (what: string, options?: ErrorOptions): KafkaError =>
  new KafkaError(`corrupt record batch: ${what}`, 'fatal', 2, options)

/** Reads the header of the batch at `start`. @throws KafkaError when there is none of format v2. */
export function readBatchHeader(buffer: Buffer, start: number): BatchHeader {
  const header = parseBatchHeader(buffer, start)
  if (header.end < start + batchHeaderLength || header.end > buffer.length)
    throw corrupt('length out of range')
  return header
}

/** The same where the records need not be there: their end is what the header says. */
export function parseBatchHeader(buffer: Buffer, start: number): BatchHeader {
  const end = start + lengthFrom + buffer.readInt32BE(start + 8)
  const magic = buffer[start + 16]
  if (magic !== 2) throw corrupt(`format ${magic} instead of 2`)
  const attributes = buffer.readInt16BE(start + 21)
  const baseOffset = readInt64(buffer, start)
  return {
    start,
    end,
    baseOffset,
    lastOffset: baseOffset + buffer.readInt32BE(start + 23),
    compression: attributes & 7,
    logAppendTime: (attributes & 8) !== 0,
    transactional: (attributes & 16) !== 0,
    control: (attributes & 32) !== 0,
    baseTimestampMs: readInt64(buffer, start + 27),
    maxTimestampMs: readInt64(buffer, start + 35),
    producerId: readInt64(buffer, start + 43),
    producerEpoch: buffer.readInt16BE(start + 51),
    baseSequence: buffer.readInt32BE(start + 53),
    count: buffer.readInt32BE(start + 57),
  }
}

/** The headers of all whole batches in a fetch answer; brokers may cut the last one off. */
export function scanBatches(records: Uint8Array): BatchHeader[] {
  const buffer = asBuffer(records)
  const headers: BatchHeader[] = []
  let at = 0
  while (at + batchHeaderLength <= buffer.length) {
    if (at + lengthFrom + buffer.readInt32BE(at + 8) > buffer.length) break
    const header = readBatchHeader(buffer, at)
    headers.push(header)
    at = header.end
  }
  return headers
}

/** Checks the CRC of a batch. @throws KafkaError when it differs. */
export function checkCrc(buffer: Buffer, header: BatchHeader): void {
  const found = crc32c(buffer, header.start + crcFrom, header.end)
  if (found !== buffer.readUInt32BE(header.start + 17))
    throw corrupt(`checksum differs at offset ${header.baseOffset}`)
}

/** What a batch header says, but for lengths and checksum. */
export interface BatchFields {
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly baseTimestampMs: number
  readonly maxTimestampMs: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly count: number
}

/** Writes the header of a batch that fills `buffer`, records in place already, and its CRC. */
export function writeBatchHeader(buffer: Buffer, fields: BatchFields): void {
  writeInt64(buffer, 0, 0)
  buffer.writeInt32BE(buffer.length - lengthFrom, 8)
  buffer.writeInt32BE(-1, 12)
  buffer[16] = 2
  buffer.writeInt16BE(fields.attributes, 21)
  buffer.writeInt32BE(fields.lastOffsetDelta, 23)
  writeInt64(buffer, 27, fields.baseTimestampMs)
  writeInt64(buffer, 35, fields.maxTimestampMs)
  writeInt64(buffer, 43, fields.producerId)
  buffer.writeInt16BE(fields.producerEpoch, 51)
  buffer.writeInt32BE(fields.baseSequence, 53)
  buffer.writeInt32BE(fields.count, 57)
  buffer.writeUInt32BE(crc32c(buffer, crcFrom, buffer.length), 17)
}

/** Gives a finished batch its place in a log; the CRC does not cover it. */
export const assignBaseOffset = (batch: Uint8Array, baseOffset: number): void =>
  writeInt64(asBuffer(batch), 0, baseOffset)
