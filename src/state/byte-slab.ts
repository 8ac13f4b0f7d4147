// Bytes for small rows. Apart from the values that records bring, most of which are gone soon.
import { ByteSlab } from '../serde/byte-slab.js'

const slab = new ByteSlab(16 * 1024)

/** Bytes that nobody else has; they are not zero. */
export const allocate = (length: number): Uint8Array => slab.allocate(length)

/** The bytes of a value by a serde's `write`; `undefined` when they are many. */
export const written = <T>(
  write: (buffer: Uint8Array, offset: number, value: T) => number,
  value: T,
): Uint8Array | undefined => slab.written(write, value)
