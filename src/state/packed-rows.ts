// Rows of the engine kept in memory as bytes: keys and images one behind the other in segments, found
// through a hash table of numbers. A tenth of what live rows cost, and nothing that garbage
// collection would have to look at. The oldest segment goes first, its rows that were asked for stay.
//
//   entry    touched 1 │ key length 2 │ image length 2 │ key │ image
//   slot     hash │ place + 1, 0 where it is free; place = segment * segmentBytes + offset

const segmentBits = 16
const segmentBytes = 1 << segmentBits
const headerBytes = 5
/** Larger entries are left to the engine. */
const maxEntryBytes = segmentBytes / 8
/** Of a segment that is emptied at most so much stays, so that every turn makes room. */
const maxKeptBytes = segmentBytes / 2
const firstSlots = 256

/** Whoever changes a row in the engine sets or deletes it here: what is found is what the engine has. */
export class PackedRows {
  /** Where the image that `find` found lies, until the next call. */
  buffer: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0
  /** Whether the engine has no row that is not here: who knows it says so, and forgetting one ends it. */
  isComplete = false
  readonly #maxBytes: number
  readonly #segments: Uint8Array[] = []
  /** Bytes in use per segment, of the one that is being filled too. */
  readonly #fills: number[] = []
  #head = -1
  #slots = new Int32Array(2 * firstSlots)
  #mask = firstSlots - 1
  #count = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get count(): number {
    return this.#count
  }

  get byteLength(): number {
    return this.#segments.length * segmentBytes + this.#slots.byteLength
  }

  /** Looks for the key in the first `length` bytes; then `buffer`, `start` and `end` say where its image is. */
  find(key: Uint8Array, length: number): boolean {
    if (this.#count === 0) return false
    const slot = this.#slotOf(key, length, hashOf(key, 0, length))
    if (slot < 0) return false
    const place = this.#slots[slot + 1]! - 1
    const segment = this.#segments[place >>> segmentBits]!
    const offset = place & (segmentBytes - 1)
    segment[offset] = 1
    this.buffer = segment
    this.start = offset + headerBytes + length
    this.end = this.start + readUint16(segment, offset + 3)
    return true
  }

  /** Keeps a copy of a row with a key of `length` bytes; false where it is too large. */
  set(key: Uint8Array, length: number, image: Uint8Array): boolean {
    const size = headerBytes + length + image.length
    if (size > maxEntryBytes || this.#maxBytes < 2 * segmentBytes) {
      this.isComplete = false
      this.delete(key, length)
      return false
    }
    const hash = hashOf(key, 0, length)
    const found = this.#slotOf(key, length, hash)
    if (found >= 0) {
      const place = this.#slots[found + 1]! - 1
      const segment = this.#segments[place >>> segmentBits]!
      const offset = place & (segmentBytes - 1)
      if (readUint16(segment, offset + 3) === image.length) {
        copy(image, image.length, segment, offset + headerBytes + length)
        return true
      }
      this.#free(found)
    }
    const offset = this.#allocate(size)
    const segment = this.#segments[this.#head]!
    segment[offset] = 0
    writeUint16(segment, offset + 1, length)
    writeUint16(segment, offset + 3, image.length)
    copy(key, length, segment, offset + headerBytes)
    copy(image, image.length, segment, offset + headerBytes + length)
    this.#take(hash, this.#head * segmentBytes + offset)
    return true
  }

  delete(key: Uint8Array, length: number): void {
    if (this.#count === 0) return
    const slot = this.#slotOf(key, length, hashOf(key, 0, length))
    if (slot >= 0) this.#free(slot)
  }

  // ---------- segments

  /** Room for an entry in the segment that is being filled; gives the offset. */
  #allocate(size: number): number {
    if (this.#head < 0 || this.#fills[this.#head]! + size > segmentBytes) {
      if (this.byteLength + segmentBytes <= this.#maxBytes || this.#segments.length < 2) {
        this.#head = this.#segments.length
        this.#segments.push(Buffer.allocUnsafeSlow(segmentBytes))
        this.#fills.push(0)
      } else {
        this.#head = (this.#head + 1) % this.#segments.length
        this.#empty(this.#head)
      }
    }
    const offset = this.#fills[this.#head]!
    this.#fills[this.#head] = offset + size
    return offset
  }

  /** Throws the rows of a segment out, but for those that were found since the last time. */
  #empty(index: number): void {
    const segment = this.#segments[index]!
    const base = index * segmentBytes
    const fill = this.#fills[index]!
    let kept = 0
    for (let offset = 0; offset < fill;) {
      const keyLength = readUint16(segment, offset + 1)
      const size = headerBytes + keyLength + readUint16(segment, offset + 3)
      const hash = hashOf(segment, offset + headerBytes, keyLength)
      const slot = this.#slotAt(base + offset, hash)
      // Without a slot it was deleted, or replaced elsewhere.
      if (slot >= 0) {
        if (segment[offset] === 1 && kept + size <= maxKeptBytes) {
          segment.copyWithin(kept, offset, offset + size)
          segment[kept] = 0
          this.#slots[slot + 1] = base + kept + 1
          kept += size
        } else {
          this.#free(slot)
          this.isComplete = false
        }
      }
      offset += size
    }
    this.#fills[index] = kept
  }

  // ---------- slots: linear probing, without marks for what was deleted

  #slotOf(key: Uint8Array, length: number, hash: number): number {
    const slots = this.#slots
    for (let i = hash & this.#mask; ; i = (i + 1) & this.#mask) {
      const place = slots[2 * i + 1]! - 1
      if (place < 0) return -1
      if (slots[2 * i] === hash && this.#holds(place, key, length)) return 2 * i
    }
  }

  #slotAt(place: number, hash: number): number {
    const slots = this.#slots
    for (let i = hash & this.#mask; ; i = (i + 1) & this.#mask) {
      const there = slots[2 * i + 1]! - 1
      if (there < 0) return -1
      if (there === place) return 2 * i
    }
  }

  #holds(place: number, key: Uint8Array, length: number): boolean {
    const segment = this.#segments[place >>> segmentBits]!
    const offset = place & (segmentBytes - 1)
    if (readUint16(segment, offset + 1) !== length) return false
    const from = offset + headerBytes
    // Backwards, because keys of a store often begin alike.
    for (let i = length - 1; i >= 0; i--) if (segment[from + i] !== key[i]) return false
    return true
  }

  #take(hash: number, place: number): void {
    if (this.#count >= (this.#mask + 1) * 0.8) this.#grow()
    this.#count++
    insert(this.#slots, this.#mask, hash, place + 1)
  }

  /** Those behind move up, so that no search ends before them. */
  #free(slot: number): void {
    const slots = this.#slots
    const mask = this.#mask
    let hole = slot >>> 1
    for (let i = (hole + 1) & mask; slots[2 * i + 1] !== 0; i = (i + 1) & mask) {
      const home = slots[2 * i]! & mask
      // It may move unless its home lies behind the hole.
      if (((i - home) & mask) < ((i - hole) & mask)) continue
      slots[2 * hole] = slots[2 * i]!
      slots[2 * hole + 1] = slots[2 * i + 1]!
      hole = i
    }
    slots[2 * hole + 1] = 0
    this.#count--
  }

  #grow(): void {
    const old = this.#slots
    this.#slots = new Int32Array(2 * old.length)
    this.#mask = old.length - 1
    for (let i = 0; i < old.length; i += 2)
      if (old[i + 1] !== 0) insert(this.#slots, this.#mask, old[i]!, old[i + 1]!)
  }
}

const insert = (slots: Int32Array, mask: number, hash: number, taken: number): void => {
  let i = hash & mask
  while (slots[2 * i + 1] !== 0) i = (i + 1) & mask
  slots[2 * i] = hash
  slots[2 * i + 1] = taken
}

/** FNV-1a, mixed once more, because the lowest bits choose the slot. */
const hashOf = (bytes: Uint8Array, from: number, length: number): number => {
  let hash = 0x811c9dc5 | 0
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ bytes[from + i]!, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 13)
}

/** For the few bytes that rows have, quicker than a call out of JavaScript. */
const copy = (from: Uint8Array, length: number, to: Uint8Array, offset: number): void => {
  if (length > 64) to.set(from.length === length ? from : from.subarray(0, length), offset)
  else for (let i = 0; i < length; i++) to[offset + i] = from[i]!
}

const readUint16 = (from: Uint8Array, offset: number): number =>
  (from[offset]! << 8) | from[offset + 1]!

const writeUint16 = (to: Uint8Array, offset: number, value: number): void => {
  to[offset] = value >>> 8
  to[offset + 1] = value
}
