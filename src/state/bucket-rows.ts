// The base of stores that look for what lies near a time: one row per (key, time bucket) lists it, so
// that every look-up of a record is a few point look-ups. Here: which lists are in memory, how long
// they count, and their way to the engine. Subclasses know what a list is.
import type { WriteBatch } from './bytes-store.js'
import { BucketMap } from './bucket-map.js'
import { BucketQueries } from './bucket-queries.js'
import { BucketRow, type EntryList } from './bucket-row.js'
import type { BucketRowsOptions } from './bucket-rows-options.js'
import { bucketKey, timePrefix } from './entry-bytes.js'
import { Retention } from './retention.js'
import { CLEAN, RAW, TOUCHED } from './row.js'
import { RowStore } from './row-store.js'
import type { ChangelogRecord, StoreContext } from './state-store.js'
import { WriteBuffer } from './write-buffer.js'

/** V is the value of an entry, L a list, E what `entries` gives. */
export abstract class BucketRows<K, V, L extends EntryList, E> extends RowStore<K, V, L> {
  protected readonly buffer: WriteBuffer<K, L>
  protected readonly retention: Retention
  protected readonly queries: BucketQueries<K>
  readonly #bucketMs: number
  readonly #slackMs: number
  readonly #buckets = new BucketMap<K, L>()
  /** The largest `first` of any live entry. */
  #highest = -1
  #sweptMs = 0
  /** Rows whose committed bytes are still to be made. */
  readonly #restoredRows = new Set<BucketRow<K, L>>()

  constructor(options: BucketRowsOptions<K, V>, context: StoreContext) {
    super(options, context)
    this.#bucketMs = Math.min(Number.MAX_SAFE_INTEGER, Math.max(1, Math.ceil(options.bucketMs)))
    this.#slackMs = this.cached ? (options.slackMs ?? 0) : 0
    this.retention = new Retention(options, context.rows)
    this.#highest = this.retention.observedMs
    this.buffer = new WriteBuffer(this, context.cacheBytes)
    this.queries = this.#queries()
  }

  // ---------- what subclasses say

  /** The changelog's key of an entry. */
  protected abstract changelogKey(keyBytes: Uint8Array, first: number, second: number): Uint8Array
  /** The other way round. */
  protected abstract splitKey(changelogKey: Uint8Array): {
    keyBytes: Uint8Array
    first: number
    second: number
  }
  /** A row's list from the engine's bytes, or a new one. */
  protected abstract listOf(row: BucketRow<K, L>, image: Uint8Array | undefined): L
  protected abstract bytesOf(list: L): Uint8Array
  /** About what a list costs in memory beside its bytes. */
  protected abstract memoryOf(list: L): number
  /** Adds the entries with `first` in `[low, high]`, in order. */
  protected abstract collect(list: L, low: number, high: number, found: E[]): void
  /** Puts, replaces or, without an image, removes an entry; nothing is to be logged. */
  protected abstract restoreEntry(
    row: BucketRow<K, L>,
    list: L,
    first: number,
    second: number,
    image: Uint8Array | undefined,
  ): void

  // ---------- look-ups

  /** Entries of a key with `first` in `[from, to]` that are to be seen, in order. */
  protected entries(key: K, from: number, to: number): E[] {
    const found: E[] = []
    const low = Math.max(from, this.#visibleFrom)
    const high = Math.min(to, this.#highest)
    if (low > high) return found
    const mapKey = this.keys.mapKey(key)
    const storedFrom = this.#storedFrom
    const first = this.#bucketOf(Math.max(low, storedFrom))
    if (low < storedFrom)
      for (const b of this.#buckets.having(mapKey, this.#bucketOf(low), first))
        this.#collectFrom(this.#find(key, mapKey, b), low, high, found)
    const last = this.#bucketOf(high)
    for (let b = first; b <= last; b++)
      this.#collectFrom(this.#find(key, mapKey, b), low, high, found)
    return found
  }

  #collectFrom(row: BucketRow<K, L> | undefined, low: number, high: number, found: E[]): void {
    if (row !== undefined) this.collect(this.opened(row), low, high, found)
  }

  /** The list that has the entries of a time, if they are to be seen and there are any. */
  protected listAt(key: K, first: number): L | undefined {
    if (first < this.#visibleFrom || first > this.#highest) return undefined
    const row = this.#find(key, this.keys.mapKey(key), this.#bucketOf(first))
    return row === undefined ? undefined : this.opened(row)
  }

  /** The row for the entries of a time, where there is none a new one. */
  protected rowFor(key: K, first: number): BucketRow<K, L> {
    const mapKey = this.keys.mapKey(key)
    const bucket = this.#bucketOf(first)
    return this.#find(key, mapKey, bucket) ?? this.#add(new BucketRow<K, L>(key, mapKey, bucket))
  }

  protected opened(row: BucketRow<K, L>): L {
    return row.value ?? this.#open(row)
  }

  /** Whether records that are not late ask for it no more. */
  protected isPast(row: BucketRow<K, L>): boolean {
    return row.timeMs < this.#bucketOf(this.#highest) - 1
  }

  // ---------- writes

  /** Moves time on for a put; false when it is to be refused. Stores without a record cache call it. */
  protected accepts(first: number): boolean {
    if (!this.retention.put(first)) return false
    if (first < this.#sweptMs + this.retention.intervalMs) return true
    this.#sweptMs = first
    const gone = this.#bucketOf(this.retention.visibleFromMs)
    for (const row of this.#buckets.before(gone)) this.buffer.drop(row)
    return true
  }

  /** Logs and counts a refused put. */
  protected refuse(
    key: K,
    first: number,
    second: number,
    image: Uint8Array | null,
    timestampMs: number,
  ): false {
    this.logRefused(key, first, second, image, timestampMs)
    this.context.drop('expired segment')
    return false
  }

  /** What is refused is in the changelog all the same, as Kafka Streams has it. */
  protected logRefused(
    key: K,
    first: number,
    second: number,
    image: Uint8Array | null,
    timestampMs: number,
  ): void {
    this.context.log(
      this.changelogKey(this.keys.encode(key), first, second),
      image === null ? null : this.values.payload(image),
      this.timestamped && image !== null ? timestampMs : this.context.record().timestampMs,
    )
  }

  /** Notes a change of a list whose entries are logged elsewhere. */
  protected touched(row: BucketRow<K, L>, first: number): void {
    if (first > this.#highest) this.#highest = first
    if (this.cached) this.retention.written(first)
    row.image = undefined
    this.buffer.written(row)
  }

  /** The earliest `first` that a scan of closed entries is sure to find once time has come to `timeMs`. */
  keptFromMs(timeMs: number): number {
    return this.retention.floorAt(timeMs)
  }

  /** The key's bytes, kept while the row is pinned. */
  protected keyBytesOf(row: BucketRow<K, L>): Uint8Array {
    return (row.keyBytes ??= this.keys.encode(row.key))
  }

  // ---------- what the base asks

  engineKey(row: BucketRow<K, L>): Uint8Array {
    return bucketKey(row.timeMs * this.#bucketMs, this.keyBytesOf(row))
  }

  encode(row: BucketRow<K, L>): Uint8Array {
    return this.bytesOf(this.opened(row))
  }

  /** Lists are not logged themselves. */
  log(row: BucketRow<K, L>, image: Uint8Array | null): void {
    if (row.value !== null) this.#size(row, row.value, image)
  }

  #size(row: BucketRow<K, L>, list: L, image: Uint8Array | null): void {
    this.buffer.resized(row, 2 * (image?.length ?? 0) + this.memoryOf(list))
  }

  forget(row: BucketRow<K, L>): void {
    this.#buckets.delete(row)
  }

  /** A record cache shows its rows as long as it has them (semantics 12.16). */
  expired(row: BucketRow<K, L>): boolean {
    return !this.cached && this.unasked(row)
  }

  override unasked(row: BucketRow<K, L>): boolean {
    return (
      (row.timeMs + 1) * this.#bucketMs <=
      this.retention.unseenBeforeMs(this.cached) - this.#slackMs
    )
  }

  protected override *ghosts(): Generator<BucketRow<K, L>> {
    if (!this.cached) return
    const floorMs = this.retention.committedFloorMs
    for (const row of this.#buckets.before(Math.ceil(floorMs / this.#bucketMs)))
      if ((row.flags & CLEAN) !== 0 && row.present) yield row
  }

  protected restoreRecord(record: ChangelogRecord): void {
    const { keyBytes, first, second } = this.splitKey(record.key)
    if (!this.retention.restored(first)) return
    const row = this.rowFor(this.keys.decode(keyBytes), first)
    const list = this.opened(row)
    const image =
      record.value === null ? undefined : this.values.imageOf(record.value, record.timestampMs)
    this.restoreEntry(row, list, first, second, image)
    if (first > this.#highest) this.#highest = first
    row.image = undefined
    this.#restoredRows.add(row)
    this.buffer.replaced(row, null)
    row.value = list
  }

  /** Makes the committed bytes of restored rows. */
  #settle(): void {
    for (const row of this.#restoredRows) {
      const list = row.value
      const image = row.present ? this.encode(row) : null
      this.buffer.replaced(row, image)
      this.buffer.resized(row, 2 * (image?.length ?? 0))
      if ((row.flags & RAW) === 0) row.value = list
    }
    this.#restoredRows.clear()
  }

  override restore(records: readonly ChangelogRecord[]): void {
    super.restore(records)
    this.#settle()
  }

  override committed(): void {
    this.retention.committed()
    super.committed()
  }

  override aborted(): void {
    super.aborted()
    this.retention.aborted()
    this.#highest = this.retention.observedMs
  }

  override persist(batch: WriteBatch): void {
    this.retention.persist(
      batch,
      (floorMs) => timePrefix(this.#bucketOf(floorMs) * this.#bucketMs),
      this.#slackMs,
    )
    super.persist(batch)
  }

  // ---------- buckets

  #bucketOf(first: number): number {
    return Math.floor(first / this.#bucketMs)
  }

  /** What lies before is on disk no more, or soon will be: only memory is asked. */
  get #storedFrom(): number {
    return Math.max(0, this.retention.visibleFromMs - this.#slackMs)
  }

  /** A record cache shows what it has. */
  get #visibleFrom(): number {
    return this.cached ? 0 : this.retention.visibleFromMs
  }

  #find(key: K, mapKey: unknown, bucket: number): BucketRow<K, L> | undefined {
    const found = this.#buckets.get(mapKey, bucket)
    if (found !== undefined) {
      found.flags |= TOUCHED
      return found
    }
    const startMs = bucket * this.#bucketMs
    // Times that the engine does not know yet are not asked for, and leave nothing here.
    if (!this.retention.mayBeStored(startMs)) return undefined
    const row = new BucketRow<K, L>(key, mapKey, bucket)
    const image = this.below(bucketKey(startMs, this.keys.encode(key)))
    if (image !== undefined) {
      row.image = image
      row.flags = RAW
    }
    return this.#add(row)
  }

  #add(row: BucketRow<K, L>): BucketRow<K, L> {
    this.#buckets.add(row)
    this.buffer.loaded(row)
    return row
  }

  #open(row: BucketRow<K, L>): L {
    if ((row.flags & RAW) === 0) return (row.value = this.listOf(row, undefined))
    const image = row.image!
    row.value = this.listOf(row, image)
    row.flags &= ~RAW
    this.#size(row, row.value, image)
    return row.value
  }

  #queries(): BucketQueries<K> {
    return new BucketQueries<K>({
      keys: this.keys,
      bucketMs: this.#bucketMs,
      highest: () => this.#highest,
      visibleFrom: () => this.#visibleFrom,
      storedFrom: () => this.#storedFrom,
      checkOpen: () => this.checkOpen(),
      inMemory: (key, from, below) => this.#buckets.having(this.keys.mapKey(key), from, below),
      imageOf: (key, keyBytes, bucket) => {
        const row = this.#buckets.get(this.keys.mapKey(key), bucket)
        if (row === undefined) return this.below(bucketKey(bucket * this.#bucketMs, keyBytes))
        return row.present ? (row.image ??= this.encode(row)) : undefined
      },
      scanRows: (range) => this.scanRows(range),
    })
  }
}
