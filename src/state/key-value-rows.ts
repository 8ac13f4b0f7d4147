// Key-value stores as stateful operators use them, plain and timestamped. The engine's key is the
// key's bytes; the changelog has the same.
import { toLatin1 } from './byte-keys.js'
import type { ByteRange, Entry, WriteBatch } from './bytes-store.js'
import type { FlushListener, FlushOptions, LiveRow } from './live-row.js'
import { KeyValueApi, KeyValueView } from './key-value-api.js'
import { isWithin, type TextRange } from './merged-scan.js'
import type { Held } from './record-cache.js'
import { PackedRows } from './packed-rows.js'
import { RAW, Row, TOUCHED } from './row.js'
import { RowStore, type RowStoreOptions } from './row-store.js'
import type { ChangelogRecord, StoreContext } from './state-store.js'
import { WriteBuffer } from './write-buffer.js'

/** Where keys are written that are needed for a moment. */
const keyScratch: Uint8Array = Buffer.allocUnsafeSlow(256)

export class KeyValueRows<K, V> extends RowStore<K, V> {
  readonly api: KeyValueApi<K, V, unknown>
  readonly view: KeyValueView<K, V, unknown>
  protected readonly buffer: WriteBuffer<K, V>
  readonly #rows = new Map<unknown, Row<K, V>>()
  /** Rows that were let go at a commit: the collector would copy as many new ones until the next. */
  readonly #spare: Row<K, V>[] = []
  /**
   * Rows as bytes: those of the engine, which need not be asked then, and committed ones that it does
   * not have yet. Live rows hide them.
   */
  readonly #packed: PackedRows
  /** Whether somebody has scanned: then rows stay in the write buffer, which keeps them in order. */
  #isScanned = false
  /** Whether values are texts, numbers and the like, which are decoded where they lie. */
  #areValuesPlain = false
  #key = keyScratch
  /** The row that was looked up last: it is often the next one written. */
  #last: Row<K, V> | undefined
  #listener: FlushListener<K, V> | undefined

  constructor(
    options: RowStoreOptions<K, V> & { readonly view?: 'values' | 'rows' | undefined },
    context: StoreContext,
  ) {
    super(options, context)
    this.buffer = new WriteBuffer(this, context.cacheBytes)
    this.#packed = new PackedRows(context.packedBytes)
    this.api = new KeyValueApi(this, options.timestamped ? 'rows' : 'values')
    this.view = new KeyValueView(this, options.timestamped ? (options.view ?? 'values') : 'values')
  }

  /** The row of a key, `undefined` where there is none. Allocates nothing for a key in memory. */
  row(key: K): LiveRow<V> | undefined {
    const row = this.#find(key)
    if ((row.flags & RAW) !== 0)
      this.#areValuesPlain = typeof this.valueOf(row) !== 'object' && this.values.isInPlace
    // A row with a value is a live row of V.
    return row.value === null ? undefined : (row as LiveRow<V>)
  }

  /** Writes, null deletes. `timestampMs` is the value's; a deletion is logged under the context's. */
  write(key: K, value: V | null, timestampMs: number): void {
    this.written(key, value, timestampMs)
  }

  /** Writes, and gives the row. */
  protected written(key: K, value: V | null, timestampMs: number): Row<K, V> {
    const row = this.#target(key)
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
    this.#packed.isComplete = true
  }

  // ---------- for the api and the view

  /** A copy of the value and its time. */
  read(key: K): { value: V; timestampMs: number } | undefined {
    const row = this.#find(key)
    const value = this.copied(row)
    return value === null ? undefined : { value, timestampMs: this.timeOf(row) }
  }

  /** The same without a live row: for queries. */
  peek(key: K): { value: V; timestampMs: number } | undefined {
    this.checkOpen()
    const row = this.#rows.get(this.keys.mapKey(key))
    if (row === undefined) {
      const length = this.#writeKey(key)
      const image = this.#packed.find(this.#key, length)
        ? this.#foundImage()
        : this.below(firstBytes(this.#key, length))
      return image === undefined ? undefined : this.decodeRow(image)
    }
    const image = row.present ? this.imageOf(row) : undefined
    return image === undefined ? undefined : this.decodeRow(image)
  }

  /** Writes a copy. */
  writeCopy(key: K, value: V | null, timestampMs: number): void {
    // Encoded first: a value that cannot be written must not leave an empty row behind.
    const image = this.imageForCopy(value, timestampMs)
    this.storeCopy(this.#target(key), value, image, timestampMs)
  }

  scanBytes(range: ByteRange): AsyncIterable<Entry> {
    this.#isScanned = true
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
    this.#isScanned = true
    return Math.max(0, this.rows.approximateSize() + this.rowsAbove())
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
    const length = this.#writeKey(row.key)
    this.context.log(
      firstBytes(this.#key, length),
      image === null ? null : this.values.payload(image),
      row.logTimestampMs,
    )
  }

  stored(row: Row<K, V>, image: Uint8Array | null): boolean {
    const length = this.#writeKey(row.key)
    if (image !== null) return this.#packed.set(this.#key, length, image)
    this.#packed.delete(this.#key, length)
    return false
  }

  pack(row: Row<K, V>, image: Uint8Array): boolean {
    // An object would have to be decoded whenever it is used.
    if (this.#isScanned || typeof row.value === 'object' || !this.values.isInPlace) return false
    const length = this.#writeKey(row.key)
    if (!this.#packed.commit(this.#key, length, image)) return false
    row.image = undefined
    if (this.buffer.spareRows > this.#spare.length) this.#spare.push(row)
    return true
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
    this.#packed.delete(record.key, record.key.length)
    this.#packed.isComplete = false
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
    this.#packed.showPinned((key, image) => {
      const text = toLatin1(key)
      if (isWithin(text, range)) rows.set(text, image)
    })
  }

  override persist(batch: WriteBatch): void {
    this.fromChangelog.persist(batch)
    const packed = this.#packed.persist()
    if (packed !== undefined) batch.putRun(packed)
    this.buffer.persist(batch)
  }

  override persisted(): void {
    this.#packed.persisted()
    super.persisted()
  }

  override get pinnedBytes(): number {
    return super.pinnedBytes + this.#packed.pinnedBytes
  }

  override aborted(): void {
    this.#last = undefined
    super.aborted()
  }

  #find(key: K): Row<K, V> {
    const last = this.#last
    if (last !== undefined && last.key === key && typeof key !== 'object') return last
    const mapKey = this.keys.mapKey(key)
    const found = this.#rows.get(mapKey)
    if (found !== undefined) {
      found.flags |= TOUCHED
      return (this.#last = found)
    }
    const row = this.#newRow(key, mapKey)
    this.#load(row)
    this.#rows.set(mapKey, row)
    this.#last = row
    this.buffer.loaded(row)
    return row
  }

  #newRow(key: K, mapKey: unknown): Row<K, V> {
    const row = this.#spare.pop()
    if (row === undefined) return new Row<K, V>(key, mapKey, 0)
    row.reuse(key, mapKey)
    return row
  }

  /** Gives a new row what is known of its key below. */
  #load(row: Row<K, V>): void {
    const packed = this.#packed
    const length = this.#writeKey(row.key)
    if (packed.find(this.#key, length)) return this.#unpack(row)
    if (packed.isComplete) return
    const image = this.below(firstBytes(this.#key, length))
    if (image === undefined) return
    row.image = image
    row.flags = RAW
    packed.set(this.#key, length, image)
  }

  /** Writes a key to the start of `#key`, where it stays until the next one; gives its length. */
  #writeKey(key: K): number {
    const length = this.keys.write(key, keyScratch)
    this.#key = length < 0 ? this.keys.encode(key) : keyScratch
    return length < 0 ? this.#key.length : length
  }

  /** Takes what `#packed` has found. */
  #unpack(row: Row<K, V>): void {
    const { buffer, start, end } = this.#packed
    if (this.#areValuesPlain) {
      row.value = this.values.decodeIn(buffer, start, end)
      row.timestampMs = this.values.timestampOf(buffer, start)
    } else {
      row.image = this.#foundImage()
      row.flags = RAW
    }
  }

  #foundImage(): Uint8Array {
    const { buffer, start, end } = this.#packed
    return new Uint8Array(buffer.subarray(start, end))
  }

  /** The row to write: it is only read from the engine where the flush will want to know the old one. */
  #target(key: K): Row<K, V> {
    const last = this.#last
    if (last !== undefined && last.key === key && typeof key !== 'object') return last
    if (this.cached && this.#listener !== undefined) return this.#find(key)
    const mapKey = this.keys.mapKey(key)
    let row = this.#rows.get(mapKey)
    if (row === undefined) {
      row = this.#newRow(key, mapKey)
      this.#rows.set(mapKey, row)
    }
    return (this.#last = row)
  }
}

const firstBytes = (bytes: Uint8Array, length: number): Uint8Array =>
  bytes.length === length ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, length)
