// Rows in memory as bytes: keys and images one behind the other in segments, found through a hash
// table of numbers. A tenth of what live rows cost, and nothing that garbage collection would have to
// look at. Most are rows as the engine has them: the oldest segment goes first, its rows that were
// asked for stay. Rows of a commit lie here as well until they are persisted; those never go.
//
//   slot     hash │ place + 1, 0 where it is free; place = segment * segmentBytes + offset
import type { RowRun, ShowRow } from './bytes-store.js'
import {
  copyBytes,
  DEAD,
  headerBytes,
  imageLengthAt,
  keyLengthAt,
  PERSISTING,
  PINNED,
  sizeAt,
  TOUCHED,
  UNPERSISTED,
  writeEntry,
} from './packed-entry.js'
import { PackedRun, Scratch, showEntries } from './packed-run.js'

const segmentBits = 16
const segmentBytes = 1 << segmentBits
/** Larger entries are left to the engine. */
const maxEntryBytes = segmentBytes / 8
/** Of a segment that is emptied at most so much stays, so that every turn makes room. */
const maxKeptBytes = segmentBytes / 2
const firstSlots = 256
/** Places are whole numbers of 32 bits. */
const mostBytes = 2 ** 31 - segmentBytes

/** With less room nothing is kept. */
export const leastPackedBytes = 2 * segmentBytes

/**
 * Whoever changes a row in the engine sets or deletes it here: what is found is what the engine has,
 * or will have with the next persist.
 */
export class PackedRows {
  /** Where the image that `find` found lies, until the next call. */
  buffer: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0
  /** Where the entry itself lies; -1 where it may have moved. */
  #found = -1
  /** Whether the engine has no row that is not here: who knows it says so, and forgetting one ends it. */
  isComplete = false
  readonly #maxBytes: number
  readonly #segments: Uint8Array[] = []
  /** Bytes in use per segment, of the one that is being filled too. */
  readonly #fills: number[] = []
  /** Bytes of pinned entries per segment. */
  readonly #pinned: number[] = []
  #pinnedBytes = 0
  #head = -1
  #slots = new Int32Array(2 * firstSlots)
  #mask = firstSlots - 1
  #count = 0

  constructor(maxBytes: number) {
    this.#maxBytes = Math.min(maxBytes, mostBytes)
  }

  get count(): number {
    return this.#count
  }

  get byteLength(): number {
    return this.#segments.length * segmentBytes + this.#slots.byteLength
  }

  /** Bytes of rows that the engine does not have yet. */
  get pinnedBytes(): number {
    return this.#pinnedBytes
  }

  #show(place: number, length: number): Uint8Array {
    const segment = this.#segments[place >>> segmentBits]!
    const offset = place & (segmentBytes - 1)
    this.buffer = segment
    this.start = offset + headerBytes + length
    this.end = this.start + imageLengthAt(segment, offset)
    this.#found = place
    return segment
  }

  /** Looks for the key in the first `length` bytes; then `buffer`, `start` and `end` say where its image is. */
  find(key: Uint8Array, length: number): boolean {
    if (this.#count === 0) return false
    if (this.#found >= 0 && this.#holds(this.#found, key, length)) return true
    const slot = this.#slotOf(key, length, hashOf(key, 0, length))
    if (slot < 0) return false
    const place = this.#slots[slot + 1]! - 1
    const segment = this.#show(place, length)
    segment[place & (segmentBytes - 1)]! |= TOUCHED
    return true
  }

  /** Keeps a copy of a row of the engine with a key of `length` bytes; false where it is too large. */
  set(key: Uint8Array, length: number, image: Uint8Array): boolean {
    if (this.#put(key, length, image, 0)) return true
    this.isComplete = false
    this.delete(key, length)
    return false
  }

  /** Keeps a copy of a committed row until it is persisted, which counts as found; false where it is too large. */
  commit(key: Uint8Array, length: number, image: Uint8Array): boolean {
    return this.#put(key, length, image, UNPERSISTED)
  }

  delete(key: Uint8Array, length: number): void {
    if (this.#count === 0) return
    const slot = this.#slotOf(key, length, hashOf(key, 0, length))
    if (slot >= 0) this.#free(slot)
  }

  // ---------- persisting

  /** The rows that the engine does not have, as they are now. */
  persist(): RowRun | undefined {
    if (this.#pinnedBytes === 0) return undefined
    let count = 0
    this.#eachPinned((segment, offset) => {
      segment[offset] = (segment[offset]! & ~UNPERSISTED) | PERSISTING
      count++
    })
    const copies: Uint8Array[] = []
    for (const [i, segment] of this.#segments.entries())
      if (this.#pinned[i] !== 0) copies.push(new Uint8Array(segment.subarray(0, this.#fills[i])))
    return new PackedRun(copies, count, this.#pinnedBytes)
  }

  /** The engine has them: those that were not committed again meanwhile may be forgotten. */
  persisted(): void {
    this.#eachPinned((segment, offset, index) => {
      segment[offset]! &= ~PERSISTING
      if ((segment[offset]! & UNPERSISTED) === 0) this.#unpin(index, offset)
    })
  }

  /** Shows the pinned rows, in no order, images from byte `from` on, in arrays that are good during the call only. */
  showPinned(show: ShowRow, from = 0): void {
    const key = new Scratch()
    const image = new Scratch()
    for (let i = 0; i < this.#segments.length; i++)
      if (this.#pinned[i] !== 0)
        showEntries(this.#segments[i]!, this.#fills[i]!, PINNED, key, image, show, from)
  }

  /** Whether the row that was found is kept for certain. */
  get isFoundPinned(): boolean {
    const place = this.#found
    return (this.#segments[place >>> segmentBits]![place & (segmentBytes - 1)]! & PINNED) !== 0
  }

  /** The row that was found need not be kept any longer. */
  unpinFound(): void {
    const index = this.#found >>> segmentBits
    const offset = this.#found & (segmentBytes - 1)
    const segment = this.#segments[index]!
    if ((segment[offset]! & PINNED) === 0) return
    segment[offset]! &= ~PINNED
    this.#unpin(index, offset)
  }

  #eachPinned(visit: (segment: Uint8Array, offset: number, index: number) => void): void {
    for (let i = 0; i < this.#segments.length; i++) {
      if (this.#pinned[i] === 0) continue
      const segment = this.#segments[i]!
      const fill = this.#fills[i]!
      for (let offset = 0; offset < fill; offset += sizeAt(segment, offset))
        if ((segment[offset]! & PINNED) !== 0) visit(segment, offset, i)
    }
  }

  #pin(index: number, offset: number): void {
    const size = sizeAt(this.#segments[index]!, offset)
    this.#pinned[index]! += size
    this.#pinnedBytes += size
  }

  #unpin(index: number, offset: number): void {
    const size = sizeAt(this.#segments[index]!, offset)
    this.#pinned[index]! -= size
    this.#pinnedBytes -= size
  }

  // ---------- segments

  /** Writes an entry, `pin` being added to its flags; false where it is too large. */
  #put(key: Uint8Array, length: number, image: Uint8Array, pin: number): boolean {
    const size = headerBytes + length + image.length
    if (size > maxEntryBytes || this.#maxBytes < leastPackedBytes) return false
    const hash = hashOf(key, 0, length)
    const found = this.#slotOf(key, length, hash)
    let flags = pin
    if (found >= 0) {
      const place = this.#slots[found + 1]! - 1
      const index = place >>> segmentBits
      const segment = this.#segments[index]!
      const offset = place & (segmentBytes - 1)
      const old = segment[offset]! & PINNED
      if (imageLengthAt(segment, offset) === image.length) {
        copyBytes(image, 0, image.length, segment, offset + headerBytes + length)
        segment[offset]! |= pin
        if (pin !== 0 && old === 0) this.#pin(index, offset)
        this.#show(place, length)
        return true
      }
      flags |= old
      this.#free(found)
    }
    const offset = this.#allocate(size)
    writeEntry(this.#segments[this.#head]!, offset, flags, key, length, image)
    if (flags !== 0) this.#pin(this.#head, offset)
    const place = this.#head * segmentBytes + offset
    this.#take(hash, place)
    this.#show(place, length)
    return true
  }

  /** Room for an entry in the segment that is being filled; gives the offset. */
  #allocate(size: number): number {
    const { length } = this.#segments
    for (let turns = 0; this.#head < 0 || this.#fills[this.#head]! + size > segmentBytes; turns++) {
      const isBelow = this.byteLength + segmentBytes <= this.#maxBytes || length < 2
      // Where nothing but pinned rows is left, it is the next persist that makes room.
      if (isBelow || turns === length) {
        this.#head = this.#segments.length
        this.#segments.push(Buffer.allocUnsafeSlow(segmentBytes))
        this.#fills.push(0)
        this.#pinned.push(0)
      } else {
        this.#head = (this.#head + 1) % length
        if (this.#pinned[this.#head]! <= maxKeptBytes) this.#empty(this.#head)
      }
    }
    const offset = this.#fills[this.#head]!
    this.#fills[this.#head] = offset + size
    return offset
  }

  /** Throws the rows of a segment out, but for those that are pinned or were found since the last time. */
  #empty(index: number): void {
    this.#found = -1
    const segment = this.#segments[index]!
    const base = index * segmentBytes
    const fill = this.#fills[index]!
    let spare = maxKeptBytes - this.#pinned[index]!
    let kept = 0
    for (let offset = 0, size; offset < fill; offset += size) {
      size = sizeAt(segment, offset)
      const flags = segment[offset]!
      if ((flags & DEAD) !== 0) continue
      const isPinned = (flags & PINNED) !== 0
      const hash = hashOf(segment, offset + headerBytes, keyLengthAt(segment, offset))
      const slot = this.#slotAt(base + offset, hash)
      if (isPinned || ((flags & TOUCHED) !== 0 && size <= spare)) {
        if (!isPinned) spare -= size
        segment.copyWithin(kept, offset, offset + size)
        segment[kept]! &= ~TOUCHED
        this.#slots[slot + 1] = base + kept + 1
        kept += size
      } else {
        this.#free(slot)
        this.isComplete = false
      }
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
    if (keyLengthAt(segment, offset) !== length) return false
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
    const place = slots[slot + 1]! - 1
    const offset = place & (segmentBytes - 1)
    const segment = this.#segments[place >>> segmentBits]!
    if ((segment[offset]! & PINNED) !== 0) this.#unpin(place >>> segmentBits, offset)
    segment[offset] = DEAD
    this.#found = -1
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
