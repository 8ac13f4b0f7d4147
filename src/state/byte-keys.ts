// Small things about bytes as keys. Text of latin1, one character per byte, sorts as the bytes do.

/** Bytes as text of the same order and length, for maps. */
export const toLatin1 = (bytes: Uint8Array): string => {
  // Below this length a loop is quicker than a call out of JavaScript.
  if (bytes.length <= 16) {
    let text = ''
    for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]!)
    return text
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

export const fromLatin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1')

/** `a` followed by `b`, in bytes of their own. */
export const concatBytes = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const joined = Buffer.allocUnsafe(a.length + b.length)
  joined.set(a, 0)
  joined.set(b, a.length)
  return joined
}

/** The first bytes after all that begin with `prefix`; `undefined` when there are none. */
export const afterPrefix = (prefix: Uint8Array): Uint8Array | undefined => {
  for (let end = prefix.length; end > 0; end--) {
    if (prefix[end - 1]! < 0xff) {
      const after = new Uint8Array(prefix.subarray(0, end))
      after[end - 1]!++
      return after
    }
  }
  return undefined
}

/** Order of unsigned bytes. */
export const compareBytes = (a: Uint8Array, b: Uint8Array): number => Buffer.compare(a, b)

const two32 = 2 ** 32

/** Writes a number as 8 bytes, big-endian, two's complement, exact to ±2^53; returns the end. */
export const writeInt64 = (to: Uint8Array, offset: number, value: number): number => {
  const high = Math.floor(value / two32)
  const low = value - high * two32
  to[offset] = high >> 24
  to[offset + 1] = high >> 16
  to[offset + 2] = high >> 8
  to[offset + 3] = high
  to[offset + 4] = low >>> 24
  to[offset + 5] = low >>> 16
  to[offset + 6] = low >>> 8
  to[offset + 7] = low
  return offset + 8
}

export const readInt64 = (from: Uint8Array, offset: number): number => {
  const high =
    (from[offset]! << 24) | (from[offset + 1]! << 16) | (from[offset + 2]! << 8) | from[offset + 3]!
  return high * two32 + readUint32(from, offset + 4)
}

export const writeInt32 = (to: Uint8Array, offset: number, value: number): number => {
  to[offset] = value >> 24
  to[offset + 1] = value >> 16
  to[offset + 2] = value >> 8
  to[offset + 3] = value
  return offset + 4
}

export const readInt32 = (from: Uint8Array, offset: number): number =>
  (from[offset]! << 24) | (from[offset + 1]! << 16) | (from[offset + 2]! << 8) | from[offset + 3]!

const readUint32 = (from: Uint8Array, offset: number): number => readInt32(from, offset) >>> 0
