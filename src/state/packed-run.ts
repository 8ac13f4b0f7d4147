// The rows of one persist as they were when it began: whole pieces of memory, copied at once.
import type { RowRun, ShowRow } from './bytes-store.js'
import {
  copyBytes,
  headerBytes,
  imageLengthAt,
  keyLengthAt,
  PERSISTING,
  sizeAt,
} from './packed-entry.js'

/** Shows its rows in arrays that are used again, because a persist has very many. */
export class PackedRun implements RowRun {
  readonly #segments: readonly Uint8Array[]
  readonly count: number
  readonly byteLength: number

  constructor(segments: readonly Uint8Array[], count: number, byteLength: number) {
    this.#segments = segments
    this.count = count
    this.byteLength = byteLength
  }

  get parts(): number {
    return this.#segments.length
  }

  each(part: number, prefix: Uint8Array, show: ShowRow): number {
    const segment = this.#segments[part]!
    const keys = new Scratch(prefix)
    return showEntries(segment, segment.length, PERSISTING, keys, new Scratch(), show)
  }
}

/** Shows the entries that have one of the flags, images from byte `from` on, and gives their number. */
export const showEntries = (
  segment: Uint8Array,
  fill: number,
  flags: number,
  keys: Scratch,
  images: Scratch,
  show: ShowRow,
  from = 0,
): number => {
  let count = 0
  for (let offset = 0; offset < fill; offset += sizeAt(segment, offset)) {
    if ((segment[offset]! & flags) === 0) continue
    const keyLength = keyLengthAt(segment, offset)
    const key = offset + headerBytes
    count++
    show(
      keys.copy(segment, key, keyLength),
      images.copy(segment, key + keyLength + from, imageLengthAt(segment, offset) - from),
    )
  }
  return count
}

/** Bytes behind a prefix, in one array per length. */
export class Scratch {
  readonly #prefix: Uint8Array
  readonly #byLength: (Uint8Array | undefined)[] = []

  constructor(prefix: Uint8Array = new Uint8Array(0)) {
    this.#prefix = prefix
  }

  copy(from: Uint8Array, start: number, length: number): Uint8Array {
    const at = this.#prefix.length
    let bytes = this.#byLength[length]
    if (bytes === undefined) {
      this.#byLength[length] = bytes = Buffer.alloc(at + length)
      bytes.set(this.#prefix)
    }
    copyBytes(from, start, length, bytes, at)
    return bytes
  }
}
