// Reads the records of one batch in place. Nothing is allocated per record: the reader itself is
// the current record, and its fields change with `next`.
//
//   a record:  length varint · attributes int8 · timestamp delta varlong · offset delta varint
//              key length varint (-1: null) · key · value length varint (-1: null) · value
//              header count varint · per header: name length varint · name · value length varint · value
//   varints are zigzag: 0, -1, 1, -2 … become 0, 1, 2, 3 …, seven bits a byte, lowest first
import { noHeaders, type HeaderEntry } from '../serde/record-headers.js'
import { asBuffer, batchHeaderLength, corrupt, type BatchHeader } from './batch-header.js'
import { decompress } from './compression.js'

/** Where the next varint is read; a module variable, so that reading one returns one number. */
let cursor = 0

const readVarint = (bytes: Uint8Array): number => {
  const first = bytes[cursor]!
  if (first < 0x80) {
    cursor++
    return (first >>> 1) ^ -(first & 1)
  }
  const second = bytes[cursor + 1]!
  if (second < 0x80) {
    cursor += 2
    return ((first & 0x7f) >>> 1) ^ (second << 6) ^ -(first & 1)
  }
  return readLongVarint(bytes)
}

function readLongVarint(bytes: Uint8Array): number {
  let value = 0
  let scale = 1
  for (let n = 0; n < 10; n++) {
    const byte = bytes[cursor++]
    if (byte === undefined) break
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    scale *= 128
  }
  throw corrupt('a number has no end')
}

/** Walks the records of one fetched batch; a record's bytes are `[start, end)` of `buffer`. */
export class RecordReader {
  /** Holds the records; not the fetched buffer when the batch was compressed. */
  readonly buffer: Buffer
  /** Records in the batch, those below `fromOffset` included. */
  readonly count: number
  readonly baseOffset: number
  readonly lastOffset: number
  /** Offset of the current record. */
  offset = -1
  timestampMs = -1
  /** -1 when the key is null. */
  keyStart = -1
  keyEnd = -1
  /** -1 when the value is null. */
  valueStart = -1
  valueEnd = -1
  /** Header count of the current record, known without decoding them. */
  headerCount = 0

  readonly #end: number
  readonly #baseTimestampMs: number
  readonly #appendTimeMs: number
  readonly #fromOffset: number
  #at: number
  #left: number
  #headersAt = 0

  /**
   * Reads the batch of `header` in `buffer`; records below `fromOffset` are passed over, as an
   * answer begins with the whole batch in which the asked offset lies. A compressed batch is
   * decompressed here, once.
   * @throws ConfigError when its codec is not installed.
   */
  constructor(buffer: Uint8Array, header: BatchHeader, fromOffset = 0) {
    const from = header.start + batchHeaderLength
    if (header.compression === 0) {
      this.buffer = asBuffer(buffer)
      this.#at = from
      this.#end = header.end
    } else {
      this.buffer = decompress(header.compression, buffer.subarray(from, header.end))
      this.#at = 0
      this.#end = this.buffer.length
    }
    this.count = header.count
    this.baseOffset = header.baseOffset
    this.lastOffset = header.lastOffset
    this.#baseTimestampMs = header.baseTimestampMs
    this.#appendTimeMs = header.logAppendTime ? header.maxTimestampMs : -1
    this.#fromOffset = fromOffset
    this.#left = header.count
  }

  /** Moves to the next record; false at the end. @throws KafkaError when the bytes make no sense. */
  next(): boolean {
    const bytes = this.buffer
    while (this.#left > 0) {
      this.#left--
      cursor = this.#at
      const length = readVarint(bytes)
      const end = cursor + length
      if (!(length >= 0 && end <= this.#end)) throw corrupt('a record exceeds its batch')
      this.#at = end
      cursor++
      const timestampDelta = readVarint(bytes)
      this.offset = this.baseOffset + readVarint(bytes)
      if (this.offset < this.#fromOffset) continue
      this.timestampMs =
        this.#appendTimeMs < 0 ? this.#baseTimestampMs + timestampDelta : this.#appendTimeMs
      let size = readVarint(bytes)
      this.keyStart = size < 0 ? -1 : cursor
      this.keyEnd = size < 0 ? -1 : (cursor += size)
      if (cursor > end) throw corrupt('a key exceeds its record')
      size = readVarint(bytes)
      this.valueStart = size < 0 ? -1 : cursor
      this.valueEnd = size < 0 ? -1 : (cursor += size)
      if (cursor > end) throw corrupt('a value exceeds its record')
      this.headerCount = readVarint(bytes)
      this.#headersAt = cursor
      return true
    }
    return false
  }

  /** The headers of the current record, decoded anew at each call. */
  headers(): readonly HeaderEntry[] {
    const count = this.headerCount
    if (count === 0) return noHeaders
    const bytes = this.buffer
    if (count < 0 || count > this.#at - this.#headersAt) throw corrupt('header count')
    cursor = this.#headersAt
    const entries: HeaderEntry[] = []
    for (let n = 0; n < count; n++) {
      const name = this.#slice(readVarint(bytes))
      if (name === null) throw corrupt('a header without a name')
      entries.push([name.toString('utf8'), this.#slice(readVarint(bytes))])
    }
    return entries
  }

  /** The current key without a copy, `null` when it is null. */
  key(): Buffer | null {
    return this.keyStart < 0 ? null : this.buffer.subarray(this.keyStart, this.keyEnd)
  }

  /** The current value without a copy, `null` when it is null. */
  value(): Buffer | null {
    return this.valueStart < 0 ? null : this.buffer.subarray(this.valueStart, this.valueEnd)
  }

  #slice(size: number): Buffer | null {
    if (size < 0) return null
    const start = cursor
    cursor += size
    if (cursor > this.#at) throw corrupt('a header exceeds its record')
    return this.buffer.subarray(start, cursor)
  }
}
