// A list in memory as the bytes that the engine has, for stores whose entries never change: the
// records that a stream join keeps. What was given out as its bytes stays as it is.
import { allocate } from './byte-slab.js'
import type { EntryList } from './bucket-row.js'
import { endOf, firstAt, headBytes, secondAt, writeEntry } from './entry-bytes.js'

/** A shorter list is searched from its beginning. */
const indexedFrom = 16

const noBytes = new Uint8Array()

export class RecordList implements EntryList {
  /** Entries up to `end`; what lies behind is free. */
  bytes: Uint8Array
  end: number
  /** Whether somebody else has the bytes up to `end`: those must not change. */
  #isShared = true
  #count = 0
  /** Of the last entry. */
  #lastFirst = -1
  #lastSecond = -1
  /** Where entries begin, in longer lists. */
  #starts: number[] | undefined

  /** Over bytes of the engine. */
  constructor(image: Uint8Array = noBytes) {
    this.bytes = image
    this.end = image.length
    if (this.end > 0) this.#readIndex()
  }

  get isEmpty(): boolean {
    return this.end === 0
  }

  /** Where the first entry that is not before (first, second) begins. */
  startOf(first: number, second: number): number {
    if (this.#isBehind(first, second)) return this.end
    const { bytes } = this
    const starts = this.#starts
    if (starts !== undefined) return starts[this.#indexOf(starts, first, second)] ?? this.end
    let at = 0
    while (at < this.end && isBefore(bytes, at, first, second)) at = endOf(bytes, at)
    return at
  }

  /** Where the entry (first, second) begins; -1 when it is not there. */
  find(first: number, second: number): number {
    const at = this.startOf(first, second)
    const { bytes, end } = this
    return at < end && firstAt(bytes, at) === first && secondAt(bytes, at) === second ? at : -1
  }

  /** Adds an entry that is not there. */
  insert(first: number, second: number, image: Uint8Array): void {
    const size = headBytes + image.length
    const starts = this.#starts
    this.#count++
    if (this.#isBehind(first, second)) {
      const at = this.end
      this.#makeRoom(at, size)
      writeEntry(this.bytes, at, first, second, image)
      this.#lastFirst = first
      this.#lastSecond = second
      if (starts !== undefined) starts.push(at)
      else if (this.#count > indexedFrom) this.#readIndex()
      return
    }
    const at = this.startOf(first, second)
    if (starts !== undefined) {
      const index = this.#indexOf(starts, first, second)
      starts.splice(index, 0, at)
      for (let i = index + 1; i < starts.length; i++) starts[i]! += size
    }
    this.#makeRoom(at, size)
    writeEntry(this.bytes, at, first, second, image)
  }

  /** Removes the entry that begins at `at`. */
  remove(at: number): void {
    const { bytes } = this
    const behind = bytes.subarray(endOf(bytes, at), this.end)
    this.end = at + behind.length
    this.bytes = allocate(this.end)
    this.bytes.set(bytes.subarray(0, at), 0)
    this.bytes.set(behind, at)
    this.#isShared = false
    this.#readIndex()
  }

  /** Its bytes now, which stay as they are. */
  image(): Uint8Array {
    this.#isShared = true
    const { buffer, byteOffset } = this.bytes
    return new Uint8Array(buffer, byteOffset, this.end)
  }

  #isBehind(first: number, second: number): boolean {
    return first > this.#lastFirst || (first === this.#lastFirst && second > this.#lastSecond)
  }

  #indexOf(starts: readonly number[], first: number, second: number): number {
    const { bytes } = this
    let low = 0
    let high = starts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isBefore(bytes, starts[middle]!, first, second)) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Moves what lies behind `at`; in place where nobody sees it. */
  #makeRoom(at: number, size: number): void {
    const { bytes, end } = this
    this.end = end + size
    if (this.end <= bytes.length && (at === end || !this.#isShared)) {
      if (at < end) bytes.copyWithin(at + size, at, end)
      return
    }
    // The first entry is often the only one.
    this.bytes = allocate(end === 0 ? size : Math.max(this.end, 2 * end))
    this.bytes.set(bytes.subarray(0, at), 0)
    this.bytes.set(bytes.subarray(at, end), at + size)
    this.#isShared = false
  }

  #readIndex(): void {
    const { bytes, end } = this
    const starts: number[] = []
    for (let at = 0; at < end; at = endOf(bytes, at)) starts.push(at)
    const last = starts.at(-1)
    this.#count = starts.length
    this.#lastFirst = last === undefined ? -1 : firstAt(bytes, last)
    this.#lastSecond = last === undefined ? -1 : secondAt(bytes, last)
    this.#starts = starts.length > indexedFrom ? starts : undefined
  }
}

const isBefore = (bytes: Uint8Array, at: number, first: number, second: number): boolean => {
  const mine = firstAt(bytes, at)
  return mine < first || (mine === first && secondAt(bytes, at) < second)
}
