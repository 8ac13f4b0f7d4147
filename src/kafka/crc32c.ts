// CRC-32C (Castagnoli), eight bytes a step; the native @node-rs/crc32 takes large inputs when it is
// installed.
import { createRequire } from 'node:module'

/** Below this size the call into native code costs more than it saves. */
const nativeFromBytes = 1024

const tables = ((): readonly Int32Array[] => {
  const all = Array.from({ length: 8 }, () => new Int32Array(256))
  const first = all[0]!
  for (let n = 0; n < 256; n++) {
    let c = n
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1
    first[n] = c
  }
  for (let t = 1; t < 8; t++)
    for (let n = 0; n < 256; n++) {
      const c = all[t - 1]![n]!
      all[t]![n] = (c >>> 8) ^ first[c & 255]!
    }
  return all
})()
const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as unknown as readonly [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
]

type NativeCrc = (bytes: Uint8Array) => number

const native = ((): NativeCrc | undefined => {
  try {
    const found = createRequire(import.meta.url)('@node-rs/crc32') as { crc32c?: NativeCrc }
    return found.crc32c
  } catch {
    return undefined
  }
})()

/** The checksum of `[start, end)` in plain JavaScript, as an unsigned number. */
export function crc32cPortable(bytes: Uint8Array, start: number, end: number): number {
  let crc = -1
  let at = start
  for (const stop = end - 7; at < stop; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc =
      t7[crc & 255]! ^
      t6[(crc >>> 8) & 255]! ^
      t5[(crc >>> 16) & 255]! ^
      t4[crc >>> 24]! ^
      t3[bytes[at + 4]!]! ^
      t2[bytes[at + 5]!]! ^
      t1[bytes[at + 6]!]! ^
      t0[bytes[at + 7]!]!
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]!) & 255]!
  return ~crc >>> 0
}

/** The checksum of `[start, end)`, as an unsigned number. */
export const crc32c = (bytes: Uint8Array, start = 0, end = bytes.length): number =>
  native !== undefined && end - start >= nativeFromBytes
    ? native(bytes.subarray(start, end))
    : crc32cPortable(bytes, start, end)
