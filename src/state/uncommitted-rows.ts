// Changed rows as bytes, until the commit that logs them is over: a tenth of what live rows would
// cost, so that of very many keys more changes of each become one record of the changelog. A row that
// becomes live hides what lies here.
//
//   entry    tag 4, 0 where there is none │ image
import { copyBytes } from './packed-entry.js'
import type { ShowRow } from './bytes-store.js'
import { PackedRows } from './packed-rows.js'

const tagBytes = 4

export class UncommittedRows {
  /** Where the image lies that was found or written last, until the next call. */
  buffer: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0
  /** What the owner has put to that row. */
  tag = 0
  /** Whether the changelog does not have that row. */
  isDirty = false
  readonly #maxBytes: number
  /** Written since the changelog was last written, but for what is live again. */
  #dirty: PackedRows
  /** In the open transaction. */
  #logged: PackedRows
  readonly #entries: Uint8Array[] = []

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
    this.#dirty = new PackedRows(maxBytes)
    this.#logged = new PackedRows(maxBytes)
  }

  /** Rows that the changelog does not have, and some that are live. */
  get dirtyRows(): number {
    return this.#dirty.count
  }

  /** Bytes of rows that the changelog does not have. */
  get dirtyBytes(): number {
    return bytesOf(this.#dirty)
  }

  get bytes(): number {
    return bytesOf(this.#dirty) + bytesOf(this.#logged)
  }

  /** Looks for a row that is not live. */
  find(key: Uint8Array, length: number): boolean {
    this.isDirty = isIn(this.#dirty, key, length)
    if (this.isDirty) this.#show(this.#dirty)
    else if (isIn(this.#logged, key, length)) this.#show(this.#logged)
    else return false
    return true
  }

  /** The dirty row that was found is live from now on. */
  takeFound(): void {
    this.#dirty.unpinFound()
  }

  /**
   * Keeps a copy of a row that was written, with the tag it had; false where it is too large. Key and
   * image are the first bytes of what is given.
   */
  write(key: Uint8Array, length: number, image: Uint8Array, imageLength: number): boolean {
    const dirty = this.#dirty
    const had = isIn(dirty, key, length)
    if (had && dirty.end - dirty.start === tagBytes + imageLength) {
      copyBytes(image, 0, imageLength, dirty.buffer, dirty.start + tagBytes)
    } else {
      const entry = (this.#entries[imageLength] ??= new Uint8Array(tagBytes + imageLength))
      writeTag(entry, 0, had ? readTag(dirty.buffer, dirty.start) : 0)
      copyBytes(image, 0, imageLength, entry, tagBytes)
      if (!dirty.commit(key, length, entry)) return false
    }
    this.isDirty = had
    this.#show(dirty)
    return true
  }

  /** Puts a tag to the row that was found or written last. */
  putTag(tag: number): void {
    this.tag = tag
    writeTag(this.buffer, this.start - tagBytes, tag)
  }

  /** Shows what goes into the changelog now. */
  writeChangelog(log: ShowRow): void {
    const dirty = this.#dirty
    if (dirty.count === 0) return
    this.#dirty = new PackedRows(this.#maxBytes)
    dirty.showPinned(log, tagBytes)
    if (this.#logged.count === 0) this.#logged = dirty
    else dirty.showPinned((key, entry) => this.#logged.commit(key, key.length, entry))
  }

  /** What was logged counts from now on: it is shown, and is no longer here. */
  committed(show: ShowRow): void {
    if (this.#logged.count === 0) return
    this.#logged.showPinned(show, tagBytes)
    this.#logged = new PackedRows(this.#maxBytes)
  }

  aborted(): void {
    if (this.#dirty.count > 0) this.#dirty = new PackedRows(this.#maxBytes)
    if (this.#logged.count > 0) this.#logged = new PackedRows(this.#maxBytes)
  }

  /** Shows all rows, later ones over earlier ones. */
  each(show: ShowRow): void {
    for (const rows of [this.#logged, this.#dirty]) rows.showPinned(show, tagBytes)
  }

  #show({ buffer, start, end }: PackedRows): void {
    this.buffer = buffer
    this.start = start + tagBytes
    this.end = end
    this.tag = readTag(buffer, start)
  }
}

/** Rows that are live again lie there still, unpinned. */
const isIn = (rows: PackedRows, key: Uint8Array, length: number): boolean =>
  rows.find(key, length) && rows.isFoundPinned

/** With the room in the table, of which a half to four fifths are in use. */
const bytesOf = (rows: PackedRows): number => rows.pinnedBytes + 12 * rows.count

const readTag = (from: Uint8Array, at: number): number =>
  (from[at]! << 24) | (from[at + 1]! << 16) | (from[at + 2]! << 8) | from[at + 3]!

const writeTag = (to: Uint8Array, at: number, tag: number): void => {
  to[at] = tag >>> 24
  to[at + 1] = tag >>> 16
  to[at + 2] = tag >>> 8
  to[at + 3] = tag
}
