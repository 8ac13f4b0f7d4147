// The changelog's keys of windows and joined records: key │ start 8 │ sequence 4.
import { allocate } from './byte-slab.js'
import { readInt32, readInt64, writeInt32, writeInt64 } from './byte-keys.js'

export const windowKey = (keyBytes: Uint8Array, startMs: number, sequence: number): Uint8Array => {
  const key = allocate(keyBytes.length + 12)
  key.set(keyBytes, 0)
  writeInt32(key, writeInt64(key, keyBytes.length, startMs), sequence)
  return key
}

export const splitWindowKey = (
  key: Uint8Array,
): { keyBytes: Uint8Array; first: number; second: number } => {
  const at = key.length - 12
  return {
    keyBytes: key.subarray(0, at),
    first: readInt64(key, at),
    second: readInt32(key, at + 8),
  }
}
