// Collects records straight in the bytes that will be sent. Lengths stand in front of what they
// measure, so a value that is written in place is given the width of the last one's length and moved
// by a byte in the rare case that the guess was wrong.
import type { Serializer } from '../serde/serde.js'
import {
  headerEntries,
  noHeaders,
  type HeaderEntry,
  type RecordHeaders,
} from '../serde/record-headers.js'
import { batchHeaderLength, writeBatchHeader } from './batch-header.js'
import { compressGzip } from './compression.js'

/** What a producer adds to a batch when it leaves. */
export interface BatchIdentity {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly transactional: boolean
  readonly compression: 'none' | 'gzip'
}

/** The identity of a batch whose producer has none. */
export const noIdentity: BatchIdentity = {
  producerId: -1,
  producerEpoch: -1,
  baseSequence: -1,
  transactional: false,
  compression: 'none',
}

/** Small ones come from Node's pool, which is much cheaper than memory of their own. */
const initialBytes = 512
/** Where an in-place serializer that always asks for more is stopped. */
const maxBytes = 1 << 29
/** Room that the numbers of a record take at most, lengths included. */
const numbersBytes = 40
/** Shorter copies are faster byte by byte than by a call of `set`. */
const loopBytes = 32

/** Bytes of `value >= 0` as a zigzag varint. */
const varintWidth = (value: number): number =>
  value < 64 ? 1 : value < 8192 ? 2 : value < 1048576 ? 3 : value < 134217728 ? 4 : 5

const copy = (from: Uint8Array, start: number, end: number, to: Buffer, at: number): number => {
  const size = end - start
  if (size <= loopBytes) for (let n = 0; n < size; n++) to[at + n] = from[start + n]!
  else if (start === 0 && end === from.length) to.set(from, at)
  else to.set(from.subarray(start, end), at)
  return at + size
}

/** Writes a varint of any size, returns the end. */
const putVarint = (bytes: Uint8Array, at: number, value: number): number => {
  if (value >= 0 && value < 64) {
    bytes[at] = value << 1
    return at + 1
  }
  if (value >= -0x40000000 && value < 0x40000000) {
    let rest = (value << 1) ^ (value >> 31)
    let to = at
    while (rest >= 0x80) {
      bytes[to++] = rest | 0x80
      rest >>>= 7
    }
    bytes[to++] = rest
    return to
  }
  return putLongVarint(bytes, at, value)
}

const putLongVarint = (bytes: Uint8Array, at: number, value: number): number => {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1
  let to = at
  while (rest >= 0x80) {
    bytes[to++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  bytes[to++] = rest
  return to
}

/** Collects records of one partition straight in the bytes that will be sent. */
export class RecordBatchBuilder {
  #bytes = Buffer.allocUnsafe(initialBytes)
  #end = batchHeaderLength
  #count = 0
  #baseTimestampMs = 0
  #maxTimestampMs = 0
  #valueWidth = 1
  #recordWidth = 1
  #endBeforeLast = batchHeaderLength
  #maxBeforeLast = 0
  #lengthAt = 0
  #recordAt = 0

  /** Records so far. */
  get count(): number {
    return this.#count
  }

  /** Size so far in bytes, header included, before compression. */
  get byteLength(): number {
    return this.#end
  }

  /** The largest timestamp so far, ms. */
  get maxTimestampMs(): number {
    return this.#maxTimestampMs
  }

  /** Appends a record of bytes. */
  append(
    timestampMs: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers: readonly HeaderEntry[] = noHeaders,
  ): void {
    let at = this.#begin(timestampMs, key, 0, key === null ? 0 : key.length)
    if (value === null) this.#bytes[at++] = 1
    else {
      this.#reserve(at + value.length + numbersBytes)
      at = putVarint(this.#bytes, at, value.length)
      at = copy(value, 0, value.length, this.#bytes, at)
    }
    this.#finishRecord(at, timestampMs, headers)
  }

  /**
   * Appends a record whose key is `[keyStart, keyEnd)` of `key` and whose value `serializer` writes
   * in place where it can. When it throws, the batch is as before. Headers are read after the
   * serializer ran, which may add some.
   */
  appendWith<V>(
    timestampMs: number,
    key: Uint8Array | null,
    keyStart: number,
    keyEnd: number,
    serializer: Serializer<V>,
    value: V | null,
    topic: string,
    headers: RecordHeaders,
  ): void {
    let at = this.#begin(timestampMs, key, keyStart, keyEnd)
    if (value === null) this.#bytes[at++] = 1
    else if (serializer.write === undefined) {
      const bytes = serializer.serialize(value, topic, headers)
      this.#reserve(at + bytes.length + numbersBytes)
      at = putVarint(this.#bytes, at, bytes.length)
      at = copy(bytes, 0, bytes.length, this.#bytes, at)
    } else {
      const from = at + this.#valueWidth
      let end = serializer.write(this.#bytes, from, value)
      while (end < 0) {
        if (this.#bytes.length > maxBytes)
          throw new RangeError(`a value of ${topic} does not fit into ${maxBytes} bytes`)
        this.#reserve(this.#bytes.length + 1)
        end = serializer.write(this.#bytes, from, value)
      }
      const size = end - from
      const width = varintWidth(size)
      if (width !== this.#valueWidth) {
        this.#reserve(end + numbersBytes)
        this.#bytes.copyWithin(at + width, from, end)
        this.#valueWidth = width
      }
      putVarint(this.#bytes, at, size)
      at += width + size
    }
    this.#finishRecord(at, timestampMs, headerEntries(headers))
  }

  /** Takes the last record out again, once: for the one that made the batch too large. */
  removeLast(): void {
    if (this.#endBeforeLast === this.#end) throw new TypeError('no record to remove')
    this.#end = this.#endBeforeLast
    this.#maxTimestampMs = this.#maxBeforeLast
    this.#count--
  }

  /**
   * The finished batch with its CRC and base offset 0; may be asked again under another identity.
   * Uncompressed, it shares memory with the builder, which takes no more records then.
   */
  finish(identity: BatchIdentity): Buffer {
    const gzip = identity.compression === 'gzip'
    const batch = gzip
      ? compressGzip(this.#bytes.subarray(0, this.#end), batchHeaderLength)
      : this.#bytes.subarray(0, this.#end)
    writeBatchHeader(batch, {
      attributes: (gzip ? 1 : 0) | (identity.transactional ? 16 : 0),
      lastOffsetDelta: this.#count - 1,
      baseTimestampMs: this.#baseTimestampMs,
      maxTimestampMs: this.#maxTimestampMs,
      producerId: identity.producerId,
      producerEpoch: identity.producerEpoch,
      baseSequence: identity.baseSequence,
      count: this.#count,
    })
    return batch
  }

  /** Writes all up to the end of the key, a guessed room for the length left free. */
  #begin(timestampMs: number, key: Uint8Array | null, keyStart: number, keyEnd: number): number {
    this.#reserve(this.#end + keyEnd - keyStart + numbersBytes)
    const bytes = this.#bytes
    if (this.#count === 0) this.#baseTimestampMs = timestampMs
    this.#lengthAt = this.#end
    let at = (this.#recordAt = this.#end + this.#recordWidth)
    bytes[at++] = 0
    at = putVarint(bytes, at, timestampMs - this.#baseTimestampMs)
    at = putVarint(bytes, at, this.#count)
    if (key === null) {
      bytes[at++] = 1
      return at
    }
    at = putVarint(bytes, at, keyEnd - keyStart)
    return copy(key, keyStart, keyEnd, bytes, at)
  }

  /** Headers and length; only now does the record count. */
  #finishRecord(from: number, timestampMs: number, headers: readonly HeaderEntry[]): void {
    let at = from
    this.#reserve(at + numbersBytes)
    if (headers.length === 0) this.#bytes[at++] = 0
    else at = this.#putHeaders(at, headers)
    const size = at - this.#recordAt
    const width = varintWidth(size)
    if (width !== this.#recordWidth) {
      this.#reserve(at + numbersBytes)
      this.#bytes.copyWithin(this.#lengthAt + width, this.#recordAt, at)
      this.#recordWidth = width
    }
    putVarint(this.#bytes, this.#lengthAt, size)
    this.#endBeforeLast = this.#end
    this.#maxBeforeLast = this.#maxTimestampMs
    this.#end = this.#lengthAt + width + size
    if (this.#count === 0 || timestampMs > this.#maxTimestampMs) this.#maxTimestampMs = timestampMs
    this.#count++
  }

  #putHeaders(from: number, headers: readonly HeaderEntry[]): number {
    let at = putVarint(this.#bytes, from, headers.length)
    for (const [name, value] of headers) {
      const nameBytes = Buffer.byteLength(name)
      this.#reserve(at + nameBytes + (value === null ? 0 : value.length) + numbersBytes)
      at = putVarint(this.#bytes, at, nameBytes)
      at += this.#bytes.write(name, at, 'utf8')
      if (value === null) this.#bytes[at++] = 1
      else {
        at = putVarint(this.#bytes, at, value.length)
        at = copy(value, 0, value.length, this.#bytes, at)
      }
    }
    return at
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(bytes, this.#bytes.length * 2))
    // Not only up to the end: a record that is being written lies behind it.
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}
