// Reads LZ4 frames. Checksums inside a frame are passed over: the batch's own covers the bytes.
//
//   frame:     magic 04224d18 · flags · block size · [content size 8] · [dictionary 4] · header checksum
//              blocks · end mark 0 · [content checksum 4]
//   flags:     bits 7-6 version 1 · 5 independent blocks · 4 block checksum · 3 content size · 2 content checksum · 0 dictionary
//   block:     size int32 little-endian, highest bit: stored as it is · data · [checksum 4]
//   sequence:  token (literal length, match length - 4) · literals · offset int16 · each length 15 goes on in bytes of 255
import { corrupt } from './batch-header.js'
import { copyWithin } from './snappy.js'

const magic = 0x184d2204
const maxBytes = 1 << 30

/** Decompresses LZ4 frames. @throws KafkaError when the bytes are not valid. */
export function decompressLz4(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let out = Buffer.allocUnsafeSlow(Math.max(256, bytes.length * 4))
  let to = 0
  let at = 0
  while (at < bytes.length) {
    if (at + 7 > bytes.length || view.getUint32(at, true) !== magic) throw corrupt('an LZ4 frame')
    const flags = bytes[at + 4]!
    if (flags >>> 6 !== 1) throw corrupt('a version of LZ4 frames')
    if (flags & 1) throw corrupt('an LZ4 frame with a dictionary')
    const blockBytes = 1 << (8 + 2 * ((bytes[at + 5]! >>> 4) & 7))
    at += 7 + (flags & 8 ? 8 : 0)
    for (;;) {
      if (at + 4 > bytes.length) throw corrupt('an LZ4 frame without an end')
      const word = view.getUint32(at, true)
      at += 4
      if (word === 0) break
      const size = word & 0x7fffffff
      if (at + size > bytes.length) throw corrupt('an LZ4 block exceeds its batch')
      out = reserve(out, to, Math.max(blockBytes, size))
      if (word >>> 31) {
        out.set(bytes.subarray(at, at + size), to)
        to += size
      } else to = decompressBlock(bytes, at, at + size, out, to)
      at += size + (flags & 16 ? 4 : 0)
    }
    if (flags & 4) at += 4
  }
  return out.subarray(0, to)
}

function reserve(out: Buffer<ArrayBuffer>, used: number, more: number): Buffer<ArrayBuffer> {
  if (used + more <= out.length) return out
  if (used + more > maxBytes) throw corrupt('LZ4 data are too large')
  const grown = Buffer.allocUnsafeSlow(Math.max(used + more, out.length * 2))
  grown.set(out.subarray(0, used))
  return grown
}

function decompressBlock(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  outStart: number,
): number {
  let at = start
  let to = outStart
  while (at < end) {
    const token = bytes[at++]!
    let length = token >>> 4
    if (length === 15) {
      let byte = 255
      while (byte === 255 && at < end) length += byte = bytes[at++]!
    }
    if (at + length > end || to + length > out.length) throw corrupt('an LZ4 literal')
    out.set(bytes.subarray(at, at + length), to)
    at += length
    to += length
    if (at >= end) break
    const offset = bytes[at]! | (bytes[at + 1]! << 8)
    at += 2
    length = (token & 15) + 4
    if (length === 19) {
      let byte = 255
      while (byte === 255 && at < end) length += byte = bytes[at++]!
    }
    if (!(offset > 0 && offset <= to && to + length <= out.length)) throw corrupt('an LZ4 match')
    to = copyWithin(out, to, offset, length)
  }
  return to
}
