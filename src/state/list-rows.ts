// The base of stores that look for what lies near a time: one row per (key, time bucket) lists it, so
// that every look-up of a record is a few point look-ups. In the engine: bucket start 8 │ key.
import type { WriteBatch } from './bytes-store.js'
import {
  Bucket,
  BucketEntry,
  bucketKey,
  BucketRow,
  encodeBucket,
  entriesOf,
  timePrefix,
  type EntryBytes,
  type FoundEntry,
} from './bucket.js'
import { BucketMap } from './bucket-map.js'
import { entriesIn, type EntryScan } from './entry-scan.js'
import { afterRows, Retention } from './retention.js'
import { CLEAN, DIRTY, NEW, RAW, TOUCHED } from './row.js'
import type { ListRowsOptions } from './list-rows-options.js'
import { RowStore } from './row-store.js'
import type { ChangelogRecord, StoreContext } from './state-store.js'
import { WriteBuffer } from './write-buffer.js'

/** A query of one key that needs more look-ups than this scans instead. */
const manyBuckets = 2000

/** A commit of fewer entries logs them in order of their last write. */
const sortedBelow = 256

/** What an entry costs in memory beside its bytes (calculated: 230 for itself, 100 for its image). */
const entryBytes = 330

export abstract class ListRows<K, V> extends RowStore<K, V, Bucket<K, V>> {
  protected readonly buffer: WriteBuffer<K, Bucket<K, V>>
  protected readonly retention: Retention
  readonly #bucketMs: number
  readonly #slackMs: number
  readonly #buckets = new BucketMap<K, V>()
  /** The row that was looked up last: a record mostly asks for one several times. */
  #last: BucketRow<K, V> | undefined
  /** The largest `first` of any live entry. */
  #highest = -1
  #sweptMs = 0
  /** Entries to be logged, and some that need not be any more. */
  #dirty: BucketEntry<K, V>[] = []
  #order = 0

  constructor(options: ListRowsOptions<K, V>, context: StoreContext) {
    super(options, context)
    this.#bucketMs = Math.min(Number.MAX_SAFE_INTEGER, Math.max(1, Math.ceil(options.bucketMs)))
    this.#slackMs = this.cached ? (options.slackMs ?? 0) : 0
    this.retention = new Retention(options, context.rows)
    this.#highest = this.retention.observedMs
    this.buffer = new WriteBuffer(this, context.cacheBytes)
  }

  /** The changelog's key of an entry. */
  protected abstract changelogKey(keyBytes: Uint8Array, first: number, second: number): Uint8Array
  /** The other way round. */
  protected abstract splitKey(changelogKey: Uint8Array): {
    keyBytes: Uint8Array
    first: number
    second: number
  }
  protected abstract newEntry(
    key: K,
    bucket: BucketRow<K, V>,
    first: number,
    second: number,
  ): BucketEntry<K, V>

  // ---------- look-ups

  /** Entries of a key with `first` in `[from, to]` that are to be seen, in order. */
  protected entries(key: K, from: number, to: number): BucketEntry<K, V>[] {
    const found: BucketEntry<K, V>[] = []
    const low = Math.max(from, this.#visibleFrom)
    const high = Math.min(to, this.#highest)
    if (low > high) return found
    const mapKey = this.keys.mapKey(key)
    const first = this.#bucketOf(Math.max(low, this.#storedFrom))
    if (low < this.#storedFrom)
      for (const b of this.#buckets.having(mapKey, this.#bucketOf(low), first))
        this.#collect(this.#row(key, mapKey, b), low, high, found)
    for (let b = first; b <= this.#bucketOf(high); b++)
      this.#collect(this.#row(key, mapKey, b), low, high, found)
    return found
  }

  #collect(row: BucketRow<K, V>, low: number, high: number, found: BucketEntry<K, V>[]): void {
    const bucket = this.#open(row)
    const { entries } = bucket
    for (let i = bucket.indexOf(low, -1); i < entries.length; i++) {
      const entry = entries[i]!
      if (entry.first > high) break
      if (entry.present) found.push(entry)
    }
  }

  /**
   * The same as bytes, without a trace in memory; `undefined` when that needs so many look-ups that a
   * scan is better.
   */
  #entryBytes(key: K, from: number, to: number): EntryBytes[] | undefined {
    this.checkOpen()
    const low = Math.max(0, from, this.#visibleFrom)
    const high = Math.min(to, this.#highest)
    const start = this.#bucketOf(Math.max(low, this.#storedFrom))
    if (this.#bucketOf(high) - start > manyBuckets) return undefined
    const found: EntryBytes[] = []
    const mapKey = this.keys.mapKey(key)
    const keyBytes = this.keys.encode(key)
    const numbers = this.#buckets.having(mapKey, this.#bucketOf(low), start)
    for (let b = start; b <= this.#bucketOf(high); b++) numbers.push(b)
    for (const b of numbers) {
      const row = this.#buckets.get(b, mapKey)
      const image =
        row === undefined
          ? this.below(bucketKey(b * this.#bucketMs, keyBytes))
          : row.present
            ? (row.image ??= this.encode(row))
            : undefined
      if (image !== undefined)
        for (const entry of entriesOf(image))
          if (entry.first >= low && entry.first <= high) found.push(entry)
    }
    return found
  }

  /** Entries of one key for queries, by time. */
  protected async *entriesOfKey(
    key: K,
    from: number,
    to: number,
    reverse: boolean,
  ): AsyncGenerator<FoundEntry<K>> {
    const found = this.#entryBytes(key, from, to)
    if (found !== undefined) {
      if (reverse) found.reverse()
      for (const entry of found) yield { ...entry, key }
      return
    }
    const keyBytes = this.keys.encode(key)
    yield* this.scanEntries(from, to, { byTime: true, reverse, fromKey: keyBytes, toKey: keyBytes })
  }

  protected entry(key: K, first: number, second: number): BucketEntry<K, V> | undefined {
    if (first < this.#visibleFrom || first > this.#highest) return undefined
    const row = this.#row(key, this.keys.mapKey(key), this.#bucketOf(first))
    const entry = this.#open(row).find(first, second)
    return entry?.present === true ? entry : undefined
  }

  /** The entry to write; a new one is empty. */
  protected target(key: K, first: number, second: number): BucketEntry<K, V> {
    const row = this.#row(key, this.keys.mapKey(key), this.#bucketOf(first))
    const bucket = this.#open(row)
    const found = bucket.find(first, second)
    if (found !== undefined) return found
    const entry = this.newEntry(key, row, first, second)
    entry.flags = NEW
    bucket.add(entry)
    return entry
  }

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
    this.context.log(
      this.changelogKey(this.keys.encode(key), first, second),
      image === null ? null : this.values.payload(image),
      this.timestamped && image !== null ? timestampMs : this.context.record().timestampMs,
    )
    this.context.drop('expired segment')
    return false
  }

  /** The earliest `first` that a scan of closed entries is sure to find once time has come to `timeMs`. */
  keptFromMs(timeMs: number): number {
    return this.retention.floorAt(timeMs)
  }

  /** Notes a change of a bucket whose entries are logged elsewhere. */
  protected touched(entry: BucketEntry<K, V>): void {
    if (entry.first > this.#highest) this.#highest = entry.first
    if (this.cached) this.retention.written(entry.first)
    entry.bucket.image = undefined
    this.buffer.written(entry.bucket)
  }

  /**
   * Entries of all keys with `first` in `[from, to]`. `byTime`: by first, second, then key bytes; else
   * by bucket, key, first. Expired ones are left out unless asked for.
   */
  protected scanEntries(
    from: number,
    to: number,
    o: EntryScan & { readonly expired?: boolean },
  ): AsyncGenerator<FoundEntry<K>> {
    const low = Math.max(0, from, o.expired === true ? 0 : this.#visibleFrom)
    const high = Math.min(to, this.#highest)
    const after = (this.#bucketOf(Math.max(low, high)) + 1) * this.#bucketMs
    const rows = this.scanRows({
      from: timePrefix(this.#bucketOf(low) * this.#bucketMs),
      to: after > Number.MAX_SAFE_INTEGER ? afterRows : timePrefix(after),
      reverse: o.reverse,
    })
    return entriesIn(rows, low, high, o, (bytes) => this.keys.decode(bytes))
  }

  // ---------- what the base asks

  engineKey(row: BucketRow<K, V>): Uint8Array {
    const keyBytes = this.#keyBytes(row)
    return bucketKey(row.timeMs * this.#bucketMs, keyBytes)
  }

  encode(row: BucketRow<K, V>): Uint8Array {
    return encodeBucket(this.#open(row), this.#imageOf)
  }

  /** Entries are logged over all lists, in order of their last write where that costs nothing. */
  override writeChangelog(): void {
    const dirty = this.#dirty
    if (dirty.length <= sortedBelow) dirty.sort((a, b) => a.order - b.order)
    this.#dirty = []
    this.#order = 0
    for (const entry of dirty) if ((entry.flags & DIRTY) !== 0) this.#logEntry(entry)
    super.writeChangelog()
  }

  #logEntry(entry: BucketEntry<K, V>): void {
    entry.flags &= ~(DIRTY | NEW)
    const image = this.imageOf(entry)
    this.context.log(
      this.changelogKey(this.#keyBytes(entry.bucket), entry.first, entry.second),
      image === undefined ? null : this.values.payload(image),
      entry.logTimestampMs,
    )
    if (image === undefined) entry.bucket.value!.remove(entry)
  }

  /** Lists are not logged themselves. */
  log(row: BucketRow<K, V>, image: Uint8Array | null): void {
    if (row.value === null) return
    row.value.dirtyEntries = 0
    this.#size(row, row.value, image)
  }

  #size(row: BucketRow<K, V>, { entries }: Bucket<K, V>, image: Uint8Array | null): void {
    this.buffer.resized(row, 2 * (image?.length ?? 0) + entryBytes * entries.length)
  }

  forget(row: BucketRow<K, V>): void {
    if (this.#last === row) this.#last = undefined
    this.#buckets.delete(row)
  }

  expired(row: BucketRow<K, V>): boolean {
    return !this.cached && (row.timeMs + 1) * this.#bucketMs <= this.retention.committedFloorMs
  }

  protected override *ghosts(): Generator<BucketRow<K, V>> {
    if (!this.cached) return
    const floorMs = this.retention.committedFloorMs
    for (const row of this.#buckets.before(Math.ceil(floorMs / this.#bucketMs)))
      if ((row.flags & CLEAN) !== 0 && row.present) yield row
  }

  protected mark(row: BucketEntry<K, V>): void {
    row.order = ++this.#order
    if ((row.flags & DIRTY) === 0) {
      row.flags |= DIRTY
      row.bucket.value!.dirtyEntries++
      this.#dirty.push(row)
      // A deletion of what was never there is logged as any other.
      if (!row.present) row.flags &= ~NEW
    } else if (
      (row.flags & NEW) !== 0 &&
      !row.present &&
      row.held === undefined &&
      row.first < this.retention.observedMs
    ) {
      // Made and deleted between two commits: no trace, but of the one that moved time.
      this.unmark(row)
      return
    }
    this.touched(row)
  }

  protected unmark(row: BucketEntry<K, V>): void {
    this.#takeOut(row)
    if (row.bucket.value!.dirtyEntries === 0) this.buffer.unwritten(row.bucket)
  }

  #takeOut(row: BucketEntry<K, V>): void {
    const bucket = row.bucket.value!
    if ((row.flags & DIRTY) !== 0) bucket.dirtyEntries--
    row.flags &= ~DIRTY
    bucket.remove(row)
    row.bucket.image = undefined
  }

  protected override vanish(row: BucketEntry<K, V>): void {
    this.#takeOut(row)
    this.touched(row)
  }

  protected override hidden(row: BucketEntry<K, V>): boolean {
    return row.first < this.retention.visibleFromMs
  }

  protected override flushed(row: BucketEntry<K, V>): void {
    if (!this.retention.put(row.first)) this.context.drop('expired segment')
  }

  protected restoreRecord(record: ChangelogRecord): void {
    const { keyBytes, first, second } = this.splitKey(record.key)
    if (!this.retention.restored(first)) return
    const key = this.keys.decode(keyBytes)
    const row = this.#row(key, this.keys.mapKey(key), this.#bucketOf(first))
    const bucket = this.#open(row)
    const old = bucket.find(first, second)
    if (record.value === null) {
      if (old !== undefined) bucket.remove(old)
    } else {
      const entry = old ?? this.newEntry(key, row, first, second)
      entry.value = null
      entry.image = this.values.imageOf(record.value, record.timestampMs)
      entry.flags |= RAW
      if (old === undefined) bucket.add(entry)
    }
    if (first > this.#highest) this.#highest = first
    row.image = undefined
    this.#restoredRows.add(row)
    this.buffer.replaced(row, null)
    row.value = bucket
  }

  /** Rows whose committed bytes are still to be made. */
  readonly #restoredRows = new Set<BucketRow<K, V>>()

  /** Makes the committed bytes of restored rows. */
  #settle(): void {
    for (const row of this.#restoredRows) {
      const bucket = row.value
      const image = row.present ? this.encode(row) : null
      this.buffer.replaced(row, image)
      this.buffer.resized(row, 2 * (image?.length ?? 0))
      if ((row.flags & RAW) === 0) row.value = bucket
    }
    this.#restoredRows.clear()
  }

  override restore(records: readonly ChangelogRecord[]): void {
    super.restore(records)
    this.#settle()
  }

  override committed(): void {
    super.committed()
    this.retention.committed()
  }

  override aborted(): void {
    this.#dirty = []
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

  readonly #imageOf = (entry: BucketEntry<K, V>): Uint8Array => this.imageOf(entry)!

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

  #keyBytes(row: BucketRow<K, V>): Uint8Array {
    return (row.keyBytes ??= this.keys.encode(row.key))
  }

  #row(key: K, mapKey: unknown, bucket: number): BucketRow<K, V> {
    const last = this.#last
    if (last !== undefined && last.timeMs === bucket && last.mapKey === mapKey) return last
    return (this.#last = this.#lookUp(key, mapKey, bucket))
  }

  #lookUp(key: K, mapKey: unknown, bucket: number): BucketRow<K, V> {
    const found = this.#buckets.get(bucket, mapKey)
    if (found !== undefined) {
      found.flags |= TOUCHED
      return found
    }
    const row = new BucketRow<K, V>(key, mapKey, bucket)
    const startMs = bucket * this.#bucketMs
    const image = this.retention.mayBeStored(startMs)
      ? this.below(bucketKey(startMs, this.keys.encode(key)))
      : undefined
    if (image !== undefined) {
      row.image = image
      row.flags = RAW
    }
    this.#buckets.add(row)
    this.buffer.loaded(row)
    return row
  }

  #open(row: BucketRow<K, V>): Bucket<K, V> {
    if (row.value !== null) return row.value
    const bucket = new Bucket<K, V>()
    if ((row.flags & RAW) !== 0) {
      for (const { first, second, image } of entriesOf(row.image!)) {
        const entry = this.newEntry(row.key, row, first, second)
        entry.image = image
        entry.flags = RAW
        bucket.entries.push(entry)
      }
      row.flags &= ~RAW
      this.#size(row, bucket, row.image!)
    }
    row.value = bucket
    return bucket
  }
}
