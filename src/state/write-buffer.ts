// Rows in memory between their first write and the engine. Three flags make the state of a row:
//
//            write             writeChangelog        committed           persist, persisted
//   clean ──────────▶ DIRTY ─────────────────▶ LOGGED ─────────▶ UNPERSISTED ─────────────▶ clean
//     ▲                 │ aborted                │ aborted            │ write: DIRTY as well
//     └─────────────────┴────────────────────────┘                    ▼
//       (with UNPERSISTED: back to `committed`)        persist writes `committed`, never `value`
//
// A committed row of which the store keeps the bytes elsewhere (`pack`) leaves at once instead: it is
// made again from them when it is used, and they are persisted from there.
//
// Invariants. A row with any of the flags is pinned: it never leaves memory. `committed` stays until
// the batch that holds those very bytes has finished, whatever is written meanwhile. `logged` and
// `committed` are bytes that nobody changes, `value` is the live object.
import type { WriteBatch } from './bytes-store.js'
import { toLatin1 } from './byte-keys.js'
import { CLEAN, DIRTY, LOGGED, PINNED, RAW, TOUCHED, UNPERSISTED, type Row } from './row.js'
import { SortedMap, type SortedSnapshot } from './sorted-map.js'

/** What a store knows of its rows. */
export interface RowOwner<K, V> {
  /** The row's key in the engine. */
  engineKey(row: Row<K, V>): Uint8Array
  /** The bytes of the live value. */
  encode(row: Row<K, V>): Uint8Array
  /** Writes what the changelog gets of a dirty row, when its bytes are known. */
  log(row: Row<K, V>, image: Uint8Array | null): void
  /** Takes the row out of the maps. */
  forget(row: Row<K, V>): void
  /** Whether the committed row has expired: nobody will see it again. */
  expired(row: Row<K, V>): boolean
  /** Whether the engine need not have the committed row, because nobody will look for it there. */
  unasked(row: Row<K, V>): boolean
  /**
   * Told what the engine has of a row from now on; null where it was deleted. Answers whether the row
   * is quickly made anew.
   */
  stored?(row: Row<K, V>, image: Uint8Array | null): boolean
  /** Takes over the persisting of a committed row, which is let go then; false where it will not. */
  pack?(row: Row<K, V>, image: Uint8Array): boolean
  /** Takes over a dirty row, which is let go then; false where it will not. */
  packDirty?(row: Row<K, V>): boolean
  /** Whether the bytes of objects are kept beside them, for undoing and for old values. */
  readonly keepsImages: boolean
}

/** A commit of fewer rows logs them in order of their last write. */
const sortedBelow = 256

/** What a row costs beside its bytes (measured: 230 with a short key and a number). */
const rowBytes = 200
/** What it costs besides while its key's and its value's bytes are held. */
const pinBytes = 200

export class WriteBuffer<K, V> {
  readonly #owner: RowOwner<K, V>
  readonly #cacheBytes: number
  #dirty: Row<K, V>[] = []
  #logged: Row<K, V>[] = []
  #unpersisted: Row<K, V>[] = []
  #persisting: Row<K, V>[] = []
  #persistingBytes: (Uint8Array | null)[] = []
  #oldest: Row<K, V> | undefined
  #newest: Row<K, V> | undefined
  #cleanBytes = 0
  #pinnedBytes = 0
  /** Bytes of a value on average, as a guess for rows that were never serialized. */
  #meanBytes = 0
  #unsized = 0
  #order = 0
  #dirtyBytes = 0
  /** Pinned rows in order of engine keys, once somebody has scanned. */
  #sorted: SortedMap<Row<K, V>> | undefined

  constructor(owner: RowOwner<K, V>, cacheBytes: number) {
    this.#owner = owner
    this.#cacheBytes = cacheBytes
  }

  get pinnedBytes(): number {
    return this.#pinnedBytes
  }

  get dirtyBytes(): number {
    return this.#dirtyBytes
  }

  /** Rows that the changelog does not have, and some that were taken back. */
  get dirtyRows(): number {
    return this.#dirty.length
  }

  get cleanBytes(): number {
    return this.#cleanBytes
  }

  /** As many rows that were let go may be kept to be used again: the room that clean rows leave. */
  get spareRows(): number {
    return (this.#cacheBytes - this.#cleanBytes) / rowBytes
  }

  /** Takes in a row as the engine has it; others may leave, this one stays for now. */
  loaded(row: Row<K, V>): void {
    row.size = rowBytes + 2 * (row.image?.length ?? 0)
    this.#addClean(row)
  }

  /** Notes a write; the row's value and time are new already, its image is dropped or new. */
  written(row: Row<K, V>): void {
    const flags = row.flags
    row.order = ++this.#order
    if ((flags & DIRTY) !== 0) return
    if ((flags & PINNED) === 0) this.#pin(row)
    row.flags |= DIRTY
    this.#dirty.push(row)
    this.#dirtyBytes += row.size
  }

  /** Takes a write back that came to nothing, so that it leaves no changelog record. */
  unwritten(row: Row<K, V>): void {
    if ((row.flags & DIRTY) === 0) return
    row.flags &= ~DIRTY
    this.#dirtyBytes -= row.size
    if ((row.flags & PINNED) === 0) this.#unpin(row)
  }

  /** A row that grew or shrank. */
  resized(row: Row<K, V>, bytes: number): void {
    const change = rowBytes + bytes - row.size
    row.size += change
    if ((row.flags & DIRTY) !== 0) this.#dirtyBytes += change
    if ((row.flags & PINNED) !== 0) this.#pinnedBytes += change
    else if ((row.flags & CLEAN) !== 0) this.#cleanBytes += change
  }

  /**
   * Gives the owner the dirty rows that it takes over. Answers whether those were most: then clean rows
   * are let go too.
   */
  compact(): boolean {
    const dirty = this.#dirty
    const before = dirty.length
    let count = 0
    for (let i = 0; i < dirty.length; i++) {
      const row = dirty[i]!
      const flags = row.flags
      if ((flags & DIRTY) === 0) continue
      if (
        (flags & (LOGGED | UNPERSISTED)) === 0 &&
        row.held === undefined &&
        this.#owner.packDirty?.(row) === true
      ) {
        row.flags = 0
        this.#dirtyBytes -= row.size
        this.#release(row)
      } else {
        dirty[count++] = row
      }
    }
    dirty.length = count
    if (count >= before / 2) return false
    while (this.#oldest !== undefined) this.drop(this.#oldest)
    return true
  }

  /** Serializes each dirty row once and logs it. */
  writeChangelog(): void {
    const dirty = this.#dirty
    // As Kafka Streams has it, where it costs nothing: nobody depends on the order of different keys.
    if (dirty.length <= sortedBelow) dirty.sort((a, b) => a.order - b.order)
    this.#order = 0
    for (let i = 0; i < dirty.length; i++) {
      const row = dirty[i]!
      if ((row.flags & DIRTY) === 0) continue
      const image = row.present ? (row.image ??= this.#owner.encode(row)) : null
      if (image !== null) {
        this.resized(row, 2 * image.length)
        this.#meanBytes += (image.length - this.#meanBytes) / 16
      }
      this.#owner.log(row, image)
      row.logged = image
      this.#dirtyBytes -= row.size
      row.flags &= ~DIRTY
      if ((row.flags & LOGGED) === 0) {
        row.flags |= LOGGED
        this.#logged.push(row)
      }
    }
    this.#dirty = []
    this.#dirtyBytes = 0
  }

  /** What was logged counts from now on. */
  committed(): void {
    const owner = this.#owner
    for (const row of this.#logged) {
      const image = row.logged
      row.logged = null
      row.flags &= ~LOGGED
      // A row among very many waits as bytes, which cost less than an object that grows old.
      if (
        image !== null &&
        (row.flags & (DIRTY | UNPERSISTED | TOUCHED)) === 0 &&
        row.held === undefined &&
        owner.pack?.(row, image) === true
      ) {
        this.#release(row)
        continue
      }
      row.committed = image
      if ((row.flags & UNPERSISTED) !== 0) continue
      const isOver = row.committed === null ? owner.unasked(row) : owner.expired(row)
      if (isOver && (row.flags & DIRTY) === 0) {
        row.committed = null
        this.#unpin(row)
      } else {
        row.flags |= UNPERSISTED
        this.#unpersisted.push(row)
      }
    }
    this.#logged = []
  }

  /** Drops every live value: rows are again what was committed. */
  aborted(): void {
    for (const rows of [this.#dirty, this.#logged]) {
      for (const row of rows) {
        if ((row.flags & (DIRTY | LOGGED)) === 0) continue
        row.flags &= ~(DIRTY | LOGGED)
        row.logged = null
        if ((row.flags & UNPERSISTED) === 0) {
          this.#pinnedBytes -= row.size + pinBytes
          this.#owner.forget(row)
        }
      }
    }
    this.#dirty = []
    this.#logged = []
    this.#dirtyBytes = 0
    this.#sorted = undefined
    for (const row of this.#unpersisted) this.revert(row)
    // A clean row may have been changed in place by a callback that never got to write it.
    while (this.#oldest !== undefined) {
      const row = this.#oldest
      this.#removeClean(row)
      this.#owner.forget(row)
    }
  }

  /** Back to the committed bytes that the engine does not have yet. */
  revert(row: Row<K, V>): void {
    row.value = null
    if (row.committed === null) {
      row.image = undefined
      row.flags &= ~RAW
    } else {
      row.image = row.committed
      row.flags |= RAW
    }
  }

  /** Committed bytes of a row that came from elsewhere than a write; the row is not dirty. */
  replaced(row: Row<K, V>, image: Uint8Array | null): void {
    row.committed = image
    if ((row.flags & (DIRTY | LOGGED)) === 0) this.revert(row)
    if ((row.flags & PINNED) === 0) this.#pin(row)
    if ((row.flags & UNPERSISTED) === 0) {
      row.flags |= UNPERSISTED
      this.#unpersisted.push(row)
    }
  }

  /** Adds the committed bytes of all rows that the engine does not have. */
  persist(batch: WriteBatch): void {
    const owner = this.#owner
    const rows = this.#unpersisted
    const bytes: (Uint8Array | null)[] = new Array(rows.length)
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!
      const committed = row.committed
      bytes[i] = committed
      if (owner.unasked(row)) continue
      if (committed === null) batch.delete(owner.engineKey(row))
      else batch.put(owner.engineKey(row), committed)
    }
    this.#persisting = rows
    this.#persistingBytes = bytes
    this.#unpersisted = rows.slice()
  }

  /** The batch has finished: rows whose committed bytes are still those of the batch are let go. */
  persisted(): void {
    const rows = this.#persisting
    const bytes = this.#persistingBytes
    this.#persisting = []
    this.#persistingBytes = []
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!
      if (row.committed !== bytes[i]) continue
      const isSpare = this.#owner.stored?.(row, row.committed) === true
      row.flags &= ~UNPERSISTED
      row.committed = null
      if ((row.flags & PINNED) !== 0) continue
      // What nobody came back to since it was made is a row among very many.
      if (isSpare && (row.flags & TOUCHED) === 0) this.#release(row)
      else this.#unpin(row)
    }
    this.#unpersisted = this.#unpersisted.filter((row) => (row.flags & UNPERSISTED) !== 0)
  }

  /** Pinned rows by the latin1 text of their engine keys, as of now. */
  sorted(): SortedSnapshot<Row<K, V>> {
    if (this.#sorted === undefined) {
      const sorted = (this.#sorted = new SortedMap())
      for (const rows of [this.#dirty, this.#logged, this.#unpersisted])
        for (const row of rows)
          if ((row.flags & PINNED) !== 0) sorted.set(toLatin1(this.#owner.engineKey(row)), row)
    }
    return this.#sorted.snapshot()
  }

  /** Drops a clean row from memory; a pinned one stays. */
  drop(row: Row<K, V>): void {
    if ((row.flags & CLEAN) === 0) return
    this.#removeClean(row)
    this.#owner.forget(row)
  }

  #pin(row: Row<K, V>): void {
    if ((row.flags & CLEAN) !== 0) this.#removeClean(row)
    if (row.size === 0) row.size = rowBytes + 2 * this.#guess(row)
    this.#pinnedBytes += row.size + pinBytes
    if (this.#sorted !== undefined) this.#sorted.set(toLatin1(this.#owner.engineKey(row)), row)
  }

  /** Values differ in size from store to store: some are measured, the others go by the mean. */
  #guess(row: Row<K, V>): number {
    if (row.image !== undefined) return row.image.length
    if (this.#unsized++ % 256 === 0 && row.value !== null) {
      try {
        const { length } = this.#owner.encode(row)
        this.#meanBytes = this.#unsized === 1 ? length : (this.#meanBytes + length) / 2
      } catch {
        // The value cannot be written; the commit will say so.
      }
    }
    return Math.ceil(this.#meanBytes)
  }

  #release(row: Row<K, V>): void {
    this.#pinnedBytes -= row.size + pinBytes
    if (this.#sorted !== undefined) this.#sorted.delete(toLatin1(this.#owner.engineKey(row)))
    this.#owner.forget(row)
  }

  #unpin(row: Row<K, V>): void {
    if (!row.present || this.#owner.expired(row)) {
      this.#release(row)
      return
    }
    this.#pinnedBytes -= row.size + pinBytes
    if (this.#sorted !== undefined) this.#sorted.delete(toLatin1(this.#owner.engineKey(row)))
    row.keyBytes = undefined
    if ((row.flags & RAW) === 0 && (!this.#owner.keepsImages || typeof row.value !== 'object'))
      row.image = undefined
    // Bytes of a commit lie in a larger buffer, which one row should not hold.
    else if (row.image !== undefined && row.image.buffer.byteLength > 4 * row.image.length)
      row.image = new Uint8Array(row.image)
    this.#addClean(row)
  }

  #addClean(row: Row<K, V>): void {
    row.flags |= CLEAN
    row.previous = this.#newest
    row.next = undefined
    if (this.#newest === undefined) this.#oldest = row
    else this.#newest.next = row
    this.#newest = row
    this.#cleanBytes += row.size
    if (this.#cleanBytes > this.#cacheBytes) this.#evict()
  }

  #removeClean(row: Row<K, V>): void {
    row.flags &= ~CLEAN
    if (row.previous === undefined) this.#oldest = row.next
    else row.previous.next = row.next
    if (row.next === undefined) this.#newest = row.previous
    else row.next.previous = row.previous
    row.previous = row.next = undefined
    this.#cleanBytes -= row.size
  }

  /** Second chance, oldest first; the newest stays, because its loader is about to use it. */
  #evict(): void {
    while (this.#cleanBytes > this.#cacheBytes && this.#oldest !== this.#newest) {
      const row = this.#oldest!
      this.#removeClean(row)
      if ((row.flags & TOUCHED) !== 0) {
        row.flags &= ~TOUCHED
        const newest = this.#newest!
        // Behind the newest would make it the newest: it goes just before.
        row.flags |= CLEAN
        row.next = newest
        row.previous = newest.previous
        if (newest.previous === undefined) this.#oldest = row
        else newest.previous.next = row
        newest.previous = row
        this.#cleanBytes += row.size
      } else this.#owner.forget(row)
    }
  }
}
