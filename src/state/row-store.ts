// What all stores of typed rows share: live values and their bytes, the record cache, and the steps
// of a task's commit. Subclasses know where rows lie and what the changelog gets.
import { fromLatin1, toLatin1 } from './byte-keys.js'
import type { ByteRange, BytesStore, Entry, WriteBatch } from './bytes-store.js'
import type { LiveRow } from './live-row.js'
import { isWithin, mergeScan, textRange, type Overlaid, type TextRange } from './merged-scan.js'
import { RecordCache, something, type Held } from './record-cache.js'
import { RestoredRows } from './restored-rows.js'
import { DIRTY, RAW, type CachedValue, type Row } from './row.js'
import type { ChangelogRecord, StoreContext, TaskStore } from './state-store.js'
import { KeyCodec, ValueCodec } from './value-codec.js'
import type { RowOwner, WriteBuffer } from './write-buffer.js'
import { StateStoreError } from '../errors.js'
import type { SerdeFor } from '../serde/serde.js'

export interface RowStoreOptions<K, V> {
  readonly name: string
  readonly key: SerdeFor<K>
  readonly value: SerdeFor<V>
  readonly timestamped: boolean
  readonly caching?: boolean | undefined
}

/** What an update costs while it waits in the record cache. */
const heldBytes = 100

/** B is what a row of the engine holds: the value itself, or a list of them. */
export abstract class RowStore<K, V, B = V> implements TaskStore, RowOwner<K, B> {
  readonly name: string
  /** Whether forwarding waits for the flush: then register a listener and do not forward on writes. */
  readonly cached: boolean
  readonly timestamped: boolean
  protected readonly context: StoreContext
  protected readonly keys: KeyCodec<K>
  protected readonly values: ValueCodec<V>
  protected readonly cache = new RecordCache<K, V>()
  protected readonly fromChangelog = new RestoredRows()
  protected abstract readonly buffer: WriteBuffer<K, B>
  #keepsImages: boolean
  #oldValues = false
  #heldBytes = 0
  #closed = false

  abstract readonly api: unknown
  abstract readonly view: unknown

  constructor(options: RowStoreOptions<K, V>, context: StoreContext) {
    this.name = options.name
    this.timestamped = options.timestamped
    this.cached = options.caching === true && context.recordCaches
    this.context = context
    this.keys = new KeyCodec(options.key, options.name, context.topic)
    this.values = new ValueCodec(
      options.value,
      options.name,
      context.topic,
      options.timestamped,
      context.guardsValues,
    )
    // A test goes on after a callback that threw.
    this.#keepsImages = context.mayContinue || context.guardsValues === true
  }

  // ---------- what subclasses say

  abstract engineKey(row: Row<K, B>): Uint8Array
  abstract encode(row: Row<K, B>): Uint8Array
  abstract log(row: Row<K, B>, image: Uint8Array | null): void
  abstract forget(row: Row<K, B>): void
  abstract expired(row: Row<K, B>): boolean
  /** A record cache may show rows that the engine need not have. */
  unasked(row: Row<K, B>): boolean {
    return this.expired(row)
  }
  /** Notes that a row's value was written. */
  protected abstract mark(row: CachedValue<K, V>): void
  /** Takes the note back. */
  protected abstract unmark(row: CachedValue<K, V>): void
  /** Takes a row out that the engine hid already: the engine forgets it, the changelog does not hear of it. */
  protected vanish(row: CachedValue<K, V>): void {
    this.unmark(row)
  }
  /** Hands a flushed row to the listener, if there is one. */
  protected abstract emit(
    row: CachedValue<K, V>,
    newValue: V | null,
    oldValue: V | null,
    held: Held<K, V>,
  ): void | Promise<void>
  protected abstract restoreRecord(record: ChangelogRecord): void
  protected abstract readonly hasListener: boolean
  /** Whether the engine would not show a row any more. */
  protected hidden(_row: CachedValue<K, V>): boolean {
    return false
  }
  /** Clean rows with a value that a record cache shows although the engine has dropped them. */
  protected ghosts(): Iterable<Row<K, B>> {
    return []
  }
  /** Adds committed rows that lie neither in the engine nor in the write buffer, over older ones. */
  protected addPacked(_rows: Map<string, Uint8Array | null>, _range: TextRange): void {}
  /** Told of each row that leaves the record cache for the engine. */
  protected flushed(_row: CachedValue<K, V>): void {}

  get keepsImages(): boolean {
    return this.#keepsImages
  }

  protected listening(oldValues: boolean): void {
    this.#oldValues = oldValues
    if (oldValues) this.#keepsImages = true
  }

  // ---------- values and their bytes

  /** The live value, decoded when it was not yet. */
  protected valueOf(row: CachedValue<K, V>): V | null {
    if ((row.flags & RAW) !== 0) {
      const image = row.image!
      row.value = this.values.decode(image)
      row.timestampMs = this.values.timestampOf(image)
      row.flags &= ~RAW
      if (!this.#keepsImages || typeof row.value !== 'object') row.image = undefined
    }
    return row.value
  }

  /** The bytes of the current value; `undefined` where there is none. */
  protected imageOf(row: CachedValue<K, V>): Uint8Array | undefined {
    if (row.image !== undefined) return row.image
    if (row.value === null) return undefined
    return (row.image = this.values.encode(row.value, row.timestampMs))
  }

  /** A value that the caller may keep and change. */
  protected copied(row: CachedValue<K, V>): V | null {
    if ((row.flags & RAW) !== 0) {
      const value = this.values.decode(row.image!)
      // Immutable values need not be decoded again.
      if (typeof value !== 'object') return this.valueOf(row)
      return value
    }
    if (row.value === null || typeof row.value !== 'object') return row.value
    return this.values.decode(this.imageOf(row)!)
  }

  protected timeOf(row: CachedValue<K, V>): number {
    return (row.flags & RAW) === 0 ? row.timestampMs : this.values.timestampOf(row.image!)
  }

  /** Call before a user's callback gets `row.value` and may change it in place. */
  protect(row: LiveRow<V>): void {
    if (this.#keepsImages && typeof row.value === 'object') this.imageOf(row as CachedValue<K, V>)
  }

  /** Call when that callback threw: the row is what it was when it was protected. */
  undo(row: LiveRow<V>): void {
    const mine = row as CachedValue<K, V>
    if (typeof row.value === 'object' && mine.image !== undefined)
      mine.value = this.values.decode(mine.image)
  }

  /** A copy of the value that later changes in place do not reach. Primitives are themselves. */
  copyOf(row: LiveRow<V>): V {
    return typeof row.value === 'object' ? (this.copied(row as CachedValue<K, V>) as V) : row.value
  }

  // ---------- writes

  /** Writes the live object itself. */
  protected store(row: CachedValue<K, V>, value: V | null, timestampMs: number): void {
    this.values.written(value)
    this.#store(row, value, timestampMs)
  }

  #store(row: CachedValue<K, V>, value: V | null, timestampMs: number): void {
    if (this.cached) this.#hold(row, value)
    row.value = value
    row.image = undefined
    row.flags &= ~RAW
    row.timestampMs = timestampMs
    row.logTimestampMs =
      this.timestamped && value !== null ? timestampMs : this.context.record().timestampMs
    this.mark(row)
  }

  /** The bytes of an object, which its owner may change later. */
  protected imageForCopy(value: V | null, timestampMs: number): Uint8Array | undefined {
    return value === null || typeof value !== 'object'
      ? undefined
      : this.values.encode(value, timestampMs)
  }

  /** Writes a copy of an object, for callers that keep theirs; `image` as `imageForCopy` made it. */
  protected storeCopy(
    row: CachedValue<K, V>,
    value: V | null,
    image: Uint8Array | undefined,
    timestampMs: number,
  ): void {
    this.#store(row, value, timestampMs)
    if (image === undefined) return
    row.value = null
    row.image = image
    row.flags |= RAW
  }

  #hold(row: CachedValue<K, V>, value: V | null): void {
    if (row.held !== undefined) this.cache.renew(row.held, this.context.record())
    else this.#add(row, value, row, row.size)
  }

  /** The first update, since the last flush, of a row that is bytes; the caller puts its value to it. */
  protected holdPassing(row: Row<K, V>, value: V, imageLength: number): Held<K, V> {
    const held = this.#add(row, value, undefined, heldBytes + 2 * imageLength)
    held.key = row.key
    return held
  }

  /** Notes the first update of `row`, which waits as `waiting` or as bytes. */
  #add(
    row: CachedValue<K, V>,
    value: V | null,
    waiting: CachedValue<K, V> | undefined,
    bytes: number,
  ): Held<K, V> {
    let old: V | null | typeof something = row.value
    let image: Uint8Array | undefined
    if ((row.flags & RAW) !== 0 || (old !== null && typeof old === 'object')) {
      image = this.#oldValues ? row.image : undefined
      // Without bytes the object serves, unless it is the one that was changed in place.
      if (image !== undefined || !this.#oldValues || old === value || row.value === null)
        old = something
    }
    this.#heldBytes += bytes + heldBytes
    // Of bytes it does not matter whether they were dirty, because they were there then.
    return this.cache.add(waiting, old, image, (row.flags & DIRTY) !== 0, this.context.record())
  }

  /** A row for such an update while it is forwarded. */
  protected rowOf(_held: Held<K, V>): CachedValue<K, V> {
    throw new StateStoreError(`store ${this.name}: an update without a row waits in the cache`)
  }

  // ---------- the lifecycle

  restore(records: readonly ChangelogRecord[]): void {
    for (const record of records) this.restoreRecord(record)
  }

  flushCache(): void | Promise<void> {
    for (let held = this.cache.take(); held !== undefined; held = this.cache.take()) {
      const waiting = this.#flush(held)
      if (waiting !== undefined) return this.#flushRest(waiting, held)
      this.cache.release(held)
    }
    this.#heldBytes = 0
  }

  async #flushRest(waiting: Promise<void>, held: Held<K, V>): Promise<void> {
    await waiting
    this.cache.release(held)
    await this.flushCache()
  }

  #flush(held: Held<K, V>): void | Promise<void> {
    const row = held.row ?? this.rowOf(held)
    if (!this.hasListener) {
      this.flushed(row)
      return
    }
    // What the engine hides is no old value, though the cache still had it (semantics 12.16).
    const hasOld = held.old !== null && !this.hidden(row)
    if (!row.present && !hasOld) {
      // Created and deleted between two flushes, or hidden already: nobody ever hears of it.
      if (held.wasDirty) return
      if (held.old === null) this.unmark(row)
      else this.vanish(row)
      return
    }
    this.flushed(row)
    let old: V | null = null
    if (this.#oldValues && hasOld) {
      if (held.oldImage !== undefined) old = this.values.decode(held.oldImage)
      else if (held.old !== something) old = held.old
    }
    return this.emit(row, this.valueOf(row), old, held)
  }

  writeChangelog(): void {
    this.buffer.writeChangelog()
  }

  committed(): void {
    this.buffer.committed()
  }

  aborted(): void {
    this.cache.clear()
    this.#heldBytes = 0
    this.buffer.aborted()
  }

  persist(batch: WriteBatch): void {
    this.fromChangelog.persist(batch)
    this.buffer.persist(batch)
  }

  persisted(): void {
    this.fromChangelog.persisted()
    this.buffer.persisted()
  }

  get pinnedBytes(): number {
    return this.buffer.pinnedBytes + this.fromChangelog.bytes
  }

  get dirtyBytes(): number {
    return this.buffer.dirtyBytes
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  close(): void {
    this.#closed = true
  }

  /** @throws StateStoreError when the task has closed the store */
  checkOpen(): void {
    if (this.#closed)
      throw new StateStoreError(
        `store ${this.name} of task ${this.context.taskId} is closed: the task has moved or stopped`,
      )
  }

  // ---------- reads below the live rows

  /** Committed bytes of a key that has no live row. */
  protected below(engineKey: Uint8Array): Uint8Array | undefined {
    const image = this.fromChangelog.get(engineKey)
    return image === undefined ? this.rows.get(engineKey) : (image ?? undefined)
  }

  protected get rows(): BytesStore {
    return this.context.rows
  }

  /** Engine rows as bytes, live and restored ones included, all as of now; in order of engine keys. */
  protected scanRows(range: ByteRange): AsyncIterable<Entry> {
    this.checkOpen()
    return mergeScan(this.rows.scan(range), this.#overlaid(range), range.reverse === true)
  }

  /** Rows that are not in the engine yet, less those that it has and that are deleted. */
  protected rowsAbove(): number {
    let count = 0
    for (const { key, image } of this.#overlaid({})) {
      const stored = this.rows.get(fromLatin1(key)) !== undefined
      if (stored !== (image !== undefined)) count += stored ? -1 : 1
    }
    return count
  }

  #overlaid(range: ByteRange): Overlaid[] {
    const texts = textRange(range)
    const rows: Overlaid[] = []
    const restored = this.fromChangelog.entries(texts)
    this.addPacked(restored, texts)
    for (const [key, row] of this.buffer.sorted().entries(texts.from, texts.to)) {
      restored.delete(key)
      rows.push({ key, image: row.present ? (row.image ??= this.encode(row)) : undefined })
    }
    let sorted = true
    for (const [key, image] of restored) {
      rows.push({ key, image: image ?? undefined })
      sorted = false
    }
    for (const row of this.ghosts()) {
      const key = toLatin1(this.engineKey(row))
      if (!isWithin(key, texts)) continue
      rows.push({ key, image: (row.image ??= this.encode(row)) })
      sorted = false
    }
    if (!sorted) {
      rows.sort((a, b) => (a.key < b.key ? -1 : 1))
    }
    return range.reverse === true ? rows.reverse() : rows
  }
}
