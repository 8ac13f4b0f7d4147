// Texts of keys that were read lately, found again by their bytes: a key that returns costs no new
// string, and maps find it by a hash that it has already.
import type { Deserializer } from '../serde/serde.js'

const slots = 2048
/** Longer keys are read anew. */
const longest = 64
/** Every so many keys it is decided whether remembering pays. */
const roundKeys = 4096
/** With more misses a round than this, remembering costs more than it saves (measured: about 0.3). */
const tooManyMisses = 0.3 * roundKeys
/** Rounds that pass before it is tried again. */
const pausedRounds = 32

type Read = NonNullable<Deserializer<string>['read']>

/** In front of the `read` of a serde whose texts are their bytes as UTF-8. */
export class KnownKeys {
  readonly #read: Read
  readonly #texts: (string | undefined)[] = new Array(slots).fill(undefined)
  #left = roundKeys
  #misses = 0
  #paused = false

  constructor(read: Read) {
    this.#read = read
  }

  /** The text in `[start, end)`. @throws what the serde throws */
  read(bytes: Uint8Array, start: number, end: number): string {
    if (--this.#left === 0) this.#endRound()
    if (this.#paused || end - start > longest) return this.#read(bytes, start, end)
    let hash = end - start
    for (let i = start; i < end; i++) hash = Math.imul(hash, 31) + bytes[i]!
    const slot = (hash ^ (hash >>> 15)) & (slots - 1)
    const known = this.#texts[slot]
    if (known !== undefined && isText(known, bytes, start, end)) return known
    this.#misses++
    const text = this.#read(bytes, start, end)
    // Of this length it is ASCII, and comparing characters with bytes is enough.
    if (text.length === end - start) this.#texts[slot] = text
    return text
  }

  #endRound(): void {
    this.#paused = !this.#paused && this.#misses > tooManyMisses
    this.#left = this.#paused ? pausedRounds * roundKeys : roundKeys
    this.#misses = 0
    if (this.#paused) this.#texts.fill(undefined)
  }
}

/** Whether an ASCII text has these bytes. */
const isText = (text: string, bytes: Uint8Array, start: number, end: number): boolean => {
  if (text.length !== end - start) return false
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false
  return true
}
