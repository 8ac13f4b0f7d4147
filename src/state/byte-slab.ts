// Bytes for small rows: parts of larger arrays, which live as long as any of them.

/** A typed array with memory of its own costs half a microsecond, a part of a slab a tenth. */
const slabBytes = 16 * 1024
const largestInSlab = slabBytes / 4

let slab: Uint8Array = Buffer.allocUnsafeSlow(slabBytes)
let end = 0

function nextSlab(): void {
  slab = Buffer.allocUnsafeSlow(slabBytes)
  end = 0
}

/** Bytes that nobody else has; they are not zero. */
export function allocate(length: number): Uint8Array {
  if (length > largestInSlab) return Buffer.allocUnsafeSlow(length)
  if (end + length > slabBytes) nextSlab()
  const bytes = new Uint8Array(slab.buffer, end, length)
  end += length
  return bytes
}

/** The bytes of a value by a serde's `write`; `undefined` when they are many. */
export function written<T>(
  write: (buffer: Uint8Array, offset: number, value: T) => number,
  value: T,
): Uint8Array | undefined {
  if (slabBytes - end < 64) nextSlab()
  const start = end
  const stop = write(slab, start, value)
  if (stop < 0 || stop - start > largestInSlab) return undefined
  end = stop
  return new Uint8Array(slab.buffer, start, stop - start)
}
