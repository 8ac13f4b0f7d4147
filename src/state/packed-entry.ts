// How a row lies among others in one piece of memory.
//
//   entry    flags 1 │ key length 2 │ image length 2 │ key │ image

export const headerBytes = 5

/** Somebody asked for it since the room was last looked for. */
export const TOUCHED = 1
/** Committed, and not in the engine yet. */
export const UNPERSISTED = 2
/** In a batch that is on its way to the engine. */
export const PERSISTING = 4
/** Deleted, or found elsewhere by now. */
export const DEAD = 8
/** May not be forgotten. */
export const PINNED = UNPERSISTED | PERSISTING

export const keyLengthAt = (segment: Uint8Array, offset: number): number =>
  readUint16(segment, offset + 1)

export const imageLengthAt = (segment: Uint8Array, offset: number): number =>
  readUint16(segment, offset + 3)

export const sizeAt = (segment: Uint8Array, offset: number): number =>
  headerBytes + readUint16(segment, offset + 1) + readUint16(segment, offset + 3)

/** Writes an entry whose key is the first `length` bytes of `key`. */
export const writeEntry = (
  to: Uint8Array,
  offset: number,
  flags: number,
  key: Uint8Array,
  length: number,
  image: Uint8Array,
): void => {
  to[offset] = flags
  writeUint16(to, offset + 1, length)
  writeUint16(to, offset + 3, image.length)
  copyBytes(key, 0, length, to, offset + headerBytes)
  copyBytes(image, 0, image.length, to, offset + headerBytes + length)
}

/** For the few bytes that rows have, quicker than a call out of JavaScript. */
export const copyBytes = (
  from: Uint8Array,
  start: number,
  length: number,
  to: Uint8Array,
  offset: number,
): void => {
  if (length > 64) to.set(from.subarray(start, start + length), offset)
  else for (let i = 0; i < length; i++) to[offset + i] = from[start + i]!
}

const readUint16 = (from: Uint8Array, offset: number): number =>
  (from[offset]! << 8) | from[offset + 1]!

const writeUint16 = (to: Uint8Array, offset: number, value: number): void => {
  to[offset] = value >>> 8
  to[offset + 1] = value
}
