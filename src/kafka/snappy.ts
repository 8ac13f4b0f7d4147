// Reads snappy: a raw block, or the framing of Java's xerial library, which Java producers write.
//
//   block:   uncompressed length (unsigned varint) · elements, by the lowest two bits of a tag byte:
//            00 literal · 01 copy, 11-bit offset · 10 copy, 16-bit offset · 11 copy, 32-bit offset
//   xerial:  82 'SNAPPY' 00 · version int32 · compatible int32 · (block length int32 · block)…
import { corrupt } from './batch-header.js'

const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])
const xerialHeader = 16
const maxBlockBytes = 1 << 30

/** Decompresses a raw block or xerial frames. @throws KafkaError when the bytes are not valid. */
export function decompressSnappy(bytes: Uint8Array): Uint8Array {
  if (bytes.length < xerialHeader || xerialMagic.compare(bytes, 0, 8) !== 0)
    return decompressBlock(bytes, 0, bytes.length)
  const blocks: Uint8Array[] = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = xerialHeader
  while (at + 4 <= bytes.length) {
    const size = view.getInt32(at)
    at += 4
    if (size < 0 || at + size > bytes.length) throw corrupt('a snappy block exceeds its batch')
    blocks.push(decompressBlock(bytes, at, at + size))
    at += size
  }
  return blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks)
}

function decompressBlock(bytes: Uint8Array, start: number, end: number): Uint8Array {
  let at = start
  let size = 0
  for (let shift = 0; ; shift += 7) {
    const byte = at < end ? bytes[at++]! : 0x80
    size += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
    if (shift > 28) throw corrupt('a snappy length has no end')
  }
  // 64 bytes is the longest copy, of three bytes: what is larger than that was never compressed.
  if (size > maxBlockBytes || size > (end - at) * 64) throw corrupt('a snappy length is too large')
  const out = Buffer.allocUnsafeSlow(size)
  let to = 0
  while (at < end) {
    const tag = bytes[at++]!
    let length = (tag >>> 2) + 1
    let offset = 0
    switch (tag & 3) {
      case 0: {
        if (length > 60) {
          const width = length - 60
          length = 1
          for (let n = 0; n < width; n++) length += bytes[at++]! * 2 ** (8 * n)
        }
        if (!(at + length <= end && to + length <= size)) throw corrupt('a snappy literal')
        out.set(bytes.subarray(at, at + length), to)
        at += length
        to += length
        continue
      }
      case 1:
        length = ((tag >>> 2) & 7) + 4
        offset = ((tag >>> 5) << 8) | bytes[at++]!
        break
      case 2:
        offset = bytes[at]! | (bytes[at + 1]! << 8)
        at += 2
        break
      default:
        offset =
          (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)) + bytes[at + 3]! * 2 ** 24
        at += 4
    }
    if (!(offset > 0 && offset <= to && to + length <= size)) throw corrupt('a snappy copy')
    to = copyWithin(out, to, offset, length)
  }
  if (to !== size) throw corrupt('snappy data end too early')
  return out
}

/** Copies from `offset` back; the ranges may overlap, which repeats what was just written. */
export function copyWithin(out: Uint8Array, to: number, offset: number, length: number): number {
  if (offset >= length && length > 24) out.copyWithin(to, to - offset, to - offset + length)
  else for (let n = 0; n < length; n++) out[to + n] = out[to + n - offset]!
  return to + length
}
