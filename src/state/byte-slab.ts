// Bytes for small rows: parts of larger arrays, which live as long as any of them.

/** A typed array with memory of its own costs half a microsecond, a part of a slab a tenth. */
const slabBytes = 16 * 1024
const largestInSlab = slabBytes / 4

let slab = Buffer.allocUnsafeSlow(slabBytes).buffer
let end = 0

/** Bytes that nobody else has; they are not zero. */
export function allocate(length: number): Uint8Array {
  if (length > largestInSlab) return Buffer.allocUnsafeSlow(length)
  if (end + length > slabBytes) {
    slab = Buffer.allocUnsafeSlow(slabBytes).buffer
    end = 0
  }
  const bytes = new Uint8Array(slab, end, length)
  end += length
  return bytes
}
