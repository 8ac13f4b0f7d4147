// Which partition a keyed record goes to: murmur2 as Java's producer has it, so that topics written
// by both are partitioned alike.

/** Murmur2 of `[start, end)` of `bytes`, a signed 32-bit number. */
export function murmur2(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  const multiplier = 0x5bd1e995
  const length = end - start
  let hash = 0x9747b28c ^ length
  const blocksEnd = start + (length & ~3)
  for (let i = start; i < blocksEnd; i += 4) {
    let block = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    block = Math.imul(block, multiplier)
    block ^= block >>> 24
    hash = Math.imul(hash, multiplier) ^ Math.imul(block, multiplier)
  }
  const rest = length & 3
  if (rest === 3) hash ^= bytes[blocksEnd + 2]! << 16
  if (rest >= 2) hash ^= bytes[blocksEnd + 1]! << 8
  if (rest >= 1) hash = Math.imul(hash ^ bytes[blocksEnd]!, multiplier)
  hash ^= hash >>> 13
  hash = Math.imul(hash, multiplier)
  return hash ^ (hash >>> 15)
}

/** The partition of a key's bytes `[start, end)` among `partitions`. */
export const partitionOfKey = (
  bytes: Uint8Array,
  partitions: number,
  start = 0,
  end: number = bytes.length,
): number => (murmur2(bytes, start, end) & 0x7fffffff) % partitions
