// Key-value stores as stateful operators use them, plain and timestamped. The engine's key is the
// key's bytes; the changelog has the same.
//
// Rows in use are live objects, unless they are too many (row-admission.ts). Then they stay bytes: each
// record's passes through one row object, which is neither in the map nor in the write buffer.
import { toLatin1 } from './byte-keys.js'
import type { ByteRange, Entry, WriteBatch } from './bytes-store.js'
import type { FlushListener, FlushOptions, LiveRow } from './live-row.js'
import { KeyValueApi, KeyValueView } from './key-value-api.js'
import { isWithin, type TextRange } from './merged-scan.js'
import type { Held } from './record-cache.js'
import { leastPackedBytes } from './packed-rows.js'
import { RowAdmission } from './row-admission.js'
import { imageOf, RowBytes, type FoundBytes } from './row-bytes.js'
import { RAW, Row, TOUCHED } from './row.js'
import { RowStore, type RowStoreOptions } from './row-store.js'
import type { ChangelogRecord, StoreContext } from './state-store.js'
import { WriteBuffer } from './write-buffer.js'

/** Where a value is written that is copied at once. */
const imageScratch: Uint8Array = Buffer.allocUnsafeSlow(256)

export class KeyValueRows<K, V> extends RowStore<K, V> {
  readonly api: KeyValueApi<K, V, unknown>
  readonly view: KeyValueView<K, V, unknown>
  protected readonly buffer: WriteBuffer<K, V>
  readonly #rows = new Map<unknown, Row<K, V>>()
  /** Rows that were let go at a commit: the collector would copy as many new ones until the next. */
  readonly #spare: Row<K, V>[] = []
  /** Rows that are not live. */
  readonly #bytes: RowBytes<K>
  /** Whether somebody has scanned: then rows stay in the write buffer, which keeps them in order. */
  #isScanned = false
  readonly #admission: RowAdmission
  /** Whether who looks at rows wants them live: then values are decoded where they lie. */
  #decodesAtOnce = false
  /** A row that stays bytes, while a record uses it. */
  readonly #passing = new Row<K, V>(undefined as K, undefined, 0)
  /** The same for what leaves the record cache, which may be another row in the middle of a record. */
  readonly #flushing = new Row<K, V>(undefined as K, undefined, 0)
  /** The row that was looked up last: it is often the next one written. */
  #last: Row<K, V> | undefined
  #listener: FlushListener<K, V> | undefined

  constructor(
    options: RowStoreOptions<K, V> & { readonly view?: 'values' | 'rows' | undefined },
    context: StoreContext,
  ) {
    super(options, context)
    this.buffer = new WriteBuffer(this, context.cacheBytes)
    // The changelog's time of rows without timestamps is not in their bytes.
    const canBeBytes = options.timestamped && context.packedBytes >= leastPackedBytes
    this.#admission = new RowAdmission(canBeBytes)
    this.#bytes = new RowBytes(this.keys, context.packedBytes, (key) => this.below(key))
    this.api = new KeyValueApi(this, options.timestamped ? 'rows' : 'values')
    this.view = new KeyValueView(this, options.timestamped ? (options.view ?? 'values') : 'values')
  }

  /** The row of a key, `undefined` where there is none. Allocates nothing for a key in memory. */
  row(key: K): LiveRow<V> | undefined {
    const row = this.#find(key)
    if ((row.flags & RAW) !== 0) {
      this.#decodesAtOnce = true
      this.valueOf(row)
    }
    this.values.check(row.value)
    // A row with a value is a live row of V.
    return row.value === null ? undefined : (row as LiveRow<V>)
  }

  /** Writes, null deletes. `timestampMs` is the value's; a deletion is logged under the context's. */
  write(key: K, value: V | null, timestampMs: number): void {
    this.written(key, value, timestampMs)
  }

  /** Writes, and gives the row. */
  protected written(key: K, value: V | null, timestampMs: number): Row<K, V> {
    let row = this.#target(key)
    if (row === this.#passing) {
      if (this.#writePassing(row, value, timestampMs)) return row
      row = this.#admit(key)
    }
    this.store(row, value, timestampMs)
    return row
  }

  /** Makes this a record cache with a listener, where `cached`. */
  onFlush(listener: FlushListener<K, V>, options: FlushOptions): void {
    this.#listener = listener
    this.listening(options.oldValues)
  }

  /** Sees whether the engine begins without rows: then all that it will ever have passes by here. */
  async restored(): Promise<void> {
    if (!this.fromChangelog.isEmpty) return
    for await (const _ of this.rows.scan({})) return
    this.#bytes.beginEmpty()
  }

  // ---------- for the api and the view

  /** A copy of the value and its time. */
  read(key: K): { value: V; timestampMs: number } | undefined {
    const row = this.#find(key)
    const value = row === this.#passing ? row.value : this.copied(row)
    if (typeof value === 'object') {
      this.#decodesAtOnce = false
      // The caller keeps the object of a row that passes.
      if (row === this.#passing) this.#last = undefined
    }
    return value === null ? undefined : { value, timestampMs: this.timeOf(row) }
  }

  /** The same without a live row: for queries. */
  peek(key: K): { value: V; timestampMs: number } | undefined {
    this.checkOpen()
    const row = this.#rows.get(this.keys.mapKey(key))
    const image =
      row === undefined ? this.#bytes.peek(key) : row.present ? this.imageOf(row) : undefined
    return image === undefined ? undefined : this.decodeRow(image)
  }

  /** Writes a copy. */
  writeCopy(key: K, value: V | null, timestampMs: number): void {
    // Encoded first: a value that cannot be written must not leave an empty row behind.
    const image = this.imageForCopy(value, timestampMs)
    if (image === undefined) {
      this.write(key, value, timestampMs)
      return
    }
    const row = this.#target(key)
    const live = row === this.#passing ? this.#admit(key) : row
    this.storeCopy(live, value, image, timestampMs)
  }

  scanBytes(range: ByteRange): AsyncIterable<Entry> {
    this.#scanned()
    return this.scanRows(range)
  }

  encodeKey(key: K): Uint8Array {
    return this.keys.encode(key)
  }

  decodeKey(bytes: Uint8Array): K {
    return this.keys.decode(bytes)
  }

  decodeRow(image: Uint8Array): { value: V; timestampMs: number } {
    return { value: this.values.decode(image), timestampMs: this.values.timestampOf(image) }
  }

  approximateNumEntries(): number {
    this.#scanned()
    return Math.max(0, this.rows.approximateSize() + this.rowsAbove())
  }

  #scanned(): void {
    this.#isScanned = true
    this.#admission.admitAll()
  }

  // ---------- where rows lie

  /** Made anew each time: kept, it would be a third of what a pinned row holds. */
  engineKey(row: Row<K, V>): Uint8Array {
    return this.keys.encode(row.key)
  }

  encode(row: Row<K, V>): Uint8Array {
    // Only rows with a value are encoded.
    return this.values.encode(row.value as V, row.timestampMs)
  }

  log(row: Row<K, V>, image: Uint8Array | null): void {
    this.context.log(
      this.#bytes.keyBytes(row.key),
      image === null ? null : this.values.payload(image),
      row.logTimestampMs,
    )
  }

  stored(row: Row<K, V>, image: Uint8Array | null): boolean {
    return this.#bytes.stored(row.key, image)
  }

  pack(row: Row<K, V>, image: Uint8Array): boolean {
    if (this.#isScanned || !this.#bytes.commit(row.key, image)) return false
    this.#spared(row)
    return true
  }

  packDirty(row: Row<K, V>): boolean {
    // The changelog's time of other rows is not in their bytes.
    if (this.#isScanned || !this.timestamped) return false
    const image = this.imageOf(row)
    if (image === undefined || !this.#bytes.write(row.key, image, image.length)) return false
    this.#spared(row)
    return true
  }

  #spared(row: Row<K, V>): void {
    row.image = undefined
    if (this.buffer.spareRows > this.#spare.length) this.#spare.push(row)
  }

  forget(row: Row<K, V>): void {
    this.#rows.delete(row.mapKey)
    if (this.#last === row) this.#last = undefined
  }

  expired(): boolean {
    return false
  }

  protected get hasListener(): boolean {
    return this.#listener !== undefined
  }

  protected mark(row: Row<K, V>): void {
    this.buffer.written(row)
  }

  protected unmark(row: Row<K, V>): void {
    this.buffer.unwritten(row)
  }

  protected emit(
    row: Row<K, V>,
    newValue: V | null,
    oldValue: V | null,
    held: Held<K, V>,
  ): void | Promise<void> {
    const timestampMs = newValue === null || !this.timestamped ? held.timestampMs : row.timestampMs
    return this.#listener!(row.key, newValue, oldValue, timestampMs, held)
  }

  protected restoreRecord(record: ChangelogRecord): void {
    this.#bytes.restored(record.key)
    this.#last = undefined
    const image =
      record.value === null ? null : this.values.imageOf(record.value, record.timestampMs)
    if (this.#rows.size > 0) {
      const row = this.#rows.get(this.keys.mapKey(this.keys.decode(record.key)))
      if (row !== undefined) {
        this.buffer.drop(row)
        if (row === this.#rows.get(row.mapKey)) {
          this.buffer.replaced(row, image)
          return
        }
      }
    }
    this.fromChangelog.set(record.key, image)
  }

  protected override addPacked(rows: Map<string, Uint8Array | null>, range: TextRange): void {
    this.#bytes.eachPinned((key, image) => {
      const text = toLatin1(key)
      if (isWithin(text, range)) rows.set(text, new Uint8Array(image))
    })
  }

  compact(): void {
    if (this.buffer.compact()) this.#admission.full()
  }

  override writeChangelog(): void {
    this.#admission.judge(this.buffer.dirtyRows + this.#bytes.dirtyRows)
    // What came to wait since the flush outlives the bytes.
    for (const { key } of this.cache.withoutRows()) this.#admit(key as K)
    this.#bytes.writeChangelog((key, image) => {
      this.context.log(key, this.values.payload(image), this.values.timestampOf(image))
    })
    super.writeChangelog()
  }

  override committed(): void {
    this.#bytes.committed()
    super.committed()
  }

  override persist(batch: WriteBatch): void {
    this.fromChangelog.persist(batch)
    this.#bytes.persist(batch)
    this.buffer.persist(batch)
  }

  override persisted(): void {
    this.#bytes.persisted()
    super.persisted()
  }

  override get pinnedBytes(): number {
    return super.pinnedBytes + this.#bytes.pinnedBytes
  }

  override get dirtyBytes(): number {
    return super.dirtyBytes + this.#bytes.dirtyBytes
  }

  override aborted(): void {
    this.#last = undefined
    this.#bytes.aborted()
    super.aborted()
  }

  #find(key: K): Row<K, V> {
    const last = this.#last
    if (last !== undefined && last.key === key && typeof key !== 'object') return last
    const mapKey = this.keys.mapKey(key)
    const found = this.#rows.get(mapKey)
    if (found !== undefined) {
      this.#admission.hit()
      found.flags |= TOUCHED
      return (this.#last = found)
    }
    if (!this.#admission.miss() && this.#pass(key)) return (this.#last = this.#passing)
    return this.#admit(key, mapKey)
  }

  /** Makes a live row. */
  #admit(key: K, mapKey = this.keys.mapKey(key)): Row<K, V> {
    const row = this.#newRow(key, mapKey)
    const isDirty = this.#load(row)
    this.#rows.set(mapKey, row)
    this.#last = row
    if (isDirty) this.buffer.written(row)
    else this.buffer.loaded(row)
    return row
  }

  /** Gives the passing row what is known of a key; false where it has to be live. */
  #pass(key: K): boolean {
    // What waits in the record cache is known by its key itself.
    if (typeof key === 'object') return false
    const row = this.#passing
    row.reuse(key, undefined)
    const found = this.#bytes.find(key)
    if (this.#bytes.isDirty) this.#admission.cameBack()
    if (found !== undefined) this.#decode(row, found)
    return true
  }

  /** Writes the passing row; false where it has to be live. */
  #writePassing(row: Row<K, V>, value: V | null, timestampMs: number): boolean {
    if (value === null) return false
    const written = this.values.write(value, timestampMs, imageScratch)
    const image = written < 0 ? this.values.encode(value, timestampMs) : imageScratch
    const imageLength = written < 0 ? image.length : written
    const bytes = this.#bytes
    if (!bytes.write(row.key, image, imageLength)) return false
    if (this.cached) {
      let held = this.#heldBy(bytes.tag, row.key)
      if (held !== undefined) this.cache.renew(held, this.context.record())
      else {
        held = this.holdPassing(row, value, imageLength)
        bytes.putTag(held.index)
      }
      held.value = value
      held.valueTimestampMs = timestampMs
    }
    row.value = value
    row.timestampMs = timestampMs
    // An object may wait in the record cache, or be on its way downstream: the next look decodes anew.
    if (typeof value === 'object') this.#last = undefined
    return true
  }

  /** What leaves the record cache of a row that is bytes is nobody else's already. */
  override copyOf(row: LiveRow<V>): V {
    return row.value === this.#flushing.value ? row.value : super.copyOf(row)
  }

  protected override rowOf(held: Held<K, V>): Row<K, V> {
    const row = this.#flushing
    row.reuse(held.key as K, undefined)
    // The next update is a first one again, also when it comes of this one.
    held.key = undefined
    row.value = held.value
    row.timestampMs = held.valueTimestampMs
    return row
  }

  /** The update that waits under a tag; one that is over may have left it. */
  #heldBy(tag: number, key: K): Held<K, V> | undefined {
    if (tag === 0) return undefined
    const held = this.cache.at(tag)
    return held.row === undefined && Object.is(held.key, key) ? held : undefined
  }

  #newRow(key: K, mapKey: unknown): Row<K, V> {
    const row = this.#spare.pop()
    if (row === undefined) return new Row<K, V>(key, mapKey, 0)
    row.reuse(key, mapKey)
    return row
  }

  /** Gives a new row what is known of its key below; whether that is not in the changelog yet. */
  #load(row: Row<K, V>): boolean {
    const bytes = this.#bytes
    const found = bytes.find(row.key)
    if (found !== undefined) this.#unpack(row, found)
    if (!bytes.isDirty) return false
    row.logTimestampMs = this.timeOf(row)
    const held = this.#heldBy(bytes.tag, row.key)
    if (held !== undefined) {
      row.held = held
      held.row = row
    }
    bytes.takeFound()
    return true
  }

  /** Takes what was found. */
  #unpack(row: Row<K, V>, found: FoundBytes): void {
    if (this.#decodesAtOnce) this.#decode(row, found)
    else {
      row.image = imageOf(found)
      row.flags = RAW
    }
  }

  #decode(row: Row<K, V>, found: FoundBytes): void {
    const { buffer, start, end } = found
    row.value = this.values.decodeIn(buffer, start, end)
    row.timestampMs = this.values.timestampOf(buffer, start)
    row.image = this.keepsImages && typeof row.value === 'object' ? imageOf(found) : undefined
  }

  /** The row to write: it is only read from the engine where the flush will want to know the old one. */
  #target(key: K): Row<K, V> {
    const last = this.#last
    if (last !== undefined && last.key === key && typeof key !== 'object') return last
    if (this.cached && this.#listener !== undefined) return this.#find(key)
    const mapKey = this.keys.mapKey(key)
    let row = this.#rows.get(mapKey)
    if (row === undefined) {
      if (!this.#admission.admitsAll) return this.#find(key)
      row = this.#newRow(key, mapKey)
      this.#rows.set(mapKey, row)
      this.#bytes.take(key)
    }
    return (this.#last = row)
  }
}
