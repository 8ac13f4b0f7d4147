// The base of stores whose entries change, sessions and sliding windows: lists of live rows, each of
// which has its own place in the record cache and its own changelog record.
import { Bucket, BucketEntry } from './bucket.js'
import { BucketRows } from './bucket-rows.js'
import type { BucketRow } from './bucket-row.js'
import { entriesOf } from './entry-bytes.js'
import { CLEAN, DIRTY, NEW, PINNED, RAW } from './row.js'

/** A commit of fewer entries logs them in order of their last write. */
const sortedBelow = 256

/** What an entry costs in memory beside its bytes (calculated: 180 for itself, 100 for its image). */
const entryBytes = 280

type Lists<K, V> = BucketRow<K, Bucket<K, V>>

export abstract class ListRows<K, V> extends BucketRows<K, V, Bucket<K, V>, BucketEntry<K, V>> {
  /** Entries to be logged, and some that need not be any more. */
  #dirty: BucketEntry<K, V>[] = []
  #order = 0
  /** The input record that wrote here last, and the order of its first write. */
  #input = { topic: undefined as string | null | undefined, partition: -1, offset: -1, from: 0 }
  readonly #imageOf = (entry: BucketEntry<K, V>): Uint8Array => this.imageOf(entry)!

  protected abstract newEntry(row: Lists<K, V>, first: number, second: number): BucketEntry<K, V>

  // ---------- entries

  protected entry(key: K, first: number, second: number): BucketEntry<K, V> | undefined {
    const entry = this.listAt(key, first)?.find(first, second)
    return entry?.present === true ? entry : undefined
  }

  /** The entry to write; a new one is empty. */
  protected target(key: K, first: number, second: number): BucketEntry<K, V> {
    const row = this.rowFor(key, first)
    const bucket = this.opened(row)
    const found = bucket.find(first, second)
    if (found !== undefined) return found
    const entry = this.newEntry(row, first, second)
    entry.flags = NEW
    bucket.add(entry)
    return entry
  }

  /** The same of an entry that was found before, whose list may have left memory since. */
  protected again(entry: BucketEntry<K, V>): BucketEntry<K, V> {
    const { row, first, second } = entry
    return (row.flags & (CLEAN | PINNED)) !== 0 ? entry : this.target(row.key, first, second)
  }

  /** Whether an entry waits in the record cache, made since the last commit, and its new place is free. */
  protected isMovable(entry: BucketEntry<K, V>, first: number, second: number): boolean {
    const { held, row } = entry
    if (held === undefined || held.old !== null || held.wasDirty || !this.hasListener) return false
    if ((entry.flags & NEW) === 0 || (row.flags & (CLEAN | PINNED)) === 0) return false
    const there = this.listAt(row.key, first)?.find(first, second)
    return there === undefined || there === entry
  }

  /** Gives a movable entry another place; it is to be stored next. */
  protected move(entry: BucketEntry<K, V>, first: number, second: number): void {
    const { row } = entry
    const to = this.rowFor(row.key, first)
    this.#takeOut(entry)
    if (to !== row && row.value!.dirtyEntries === 0) this.buffer.unwritten(row)
    entry.row = to
    entry.first = first
    entry.second = second
    const bucket = this.opened(to)
    bucket.add(entry)
    entry.flags |= DIRTY
    bucket.dirtyEntries++
  }

  protected collect(
    bucket: Bucket<K, V>,
    low: number,
    high: number,
    found: BucketEntry<K, V>[],
  ): void {
    const { entries } = bucket
    for (let i = bucket.indexOf(low, -1); i < entries.length; i++) {
      const entry = entries[i]!
      if (entry.first > high) break
      if (entry.present) found.push(entry)
    }
  }

  // ---------- lists

  protected listOf(row: Lists<K, V>, image: Uint8Array | undefined): Bucket<K, V> {
    const bucket = new Bucket<K, V>()
    if (image !== undefined)
      for (const { first, second, image: value } of entriesOf(image)) {
        const entry = this.newEntry(row, first, second)
        entry.image = value
        entry.flags = RAW
        bucket.entries.push(entry)
      }
    return bucket
  }

  protected bytesOf(bucket: Bucket<K, V>): Uint8Array {
    return bucket.encode(this.#imageOf)
  }

  protected memoryOf(bucket: Bucket<K, V>): number {
    return entryBytes * bucket.entries.length
  }

  protected restoreEntry(
    row: Lists<K, V>,
    bucket: Bucket<K, V>,
    first: number,
    second: number,
    image: Uint8Array | undefined,
  ): void {
    const old = bucket.find(first, second)
    if (image === undefined) {
      if (old !== undefined) bucket.remove(old)
      return
    }
    const entry = old ?? this.newEntry(row, first, second)
    entry.value = null
    entry.image = image
    entry.flags |= RAW
    if (old === undefined) bucket.add(entry)
  }

  // ---------- the changelog

  protected mark(entry: BucketEntry<K, V>): void {
    const writtenAt = entry.order
    entry.order = ++this.#order
    if (!this.cached) this.#noteInput()
    if ((entry.flags & DIRTY) === 0) {
      entry.flags |= DIRTY
      entry.row.value!.dirtyEntries++
      this.#dirty.push(entry)
      // A deletion of what was never there is logged as any other.
      if (!entry.present) entry.flags &= ~NEW
    } else if (
      (entry.flags & NEW) !== 0 &&
      !entry.present &&
      entry.held === undefined &&
      entry.first < this.retention.observedMs &&
      writtenAt < this.#input.from
    ) {
      // Made and deleted between two commits: no trace, but of the one that moved time, and of what
      // one input record made and deleted, which is logged whenever a commit is.
      this.unmark(entry)
      return
    }
    this.touched(entry.row, entry.first)
  }

  #noteInput(): void {
    const { metadata } = this.context.record()
    const { topic, partition = -1, offset = -1 } = metadata ?? {}
    const input = this.#input
    if (offset === input.offset && partition === input.partition && topic === input.topic) return
    this.#input = { topic, partition, offset, from: this.#order }
  }

  protected unmark(entry: BucketEntry<K, V>): void {
    this.#takeOut(entry)
    if (entry.row.value!.dirtyEntries === 0) this.buffer.unwritten(entry.row)
  }

  #takeOut(entry: BucketEntry<K, V>): void {
    const bucket = entry.row.value!
    if ((entry.flags & DIRTY) !== 0) bucket.dirtyEntries--
    entry.flags &= ~DIRTY
    bucket.remove(entry)
    entry.row.image = undefined
  }

  protected override vanish(entry: BucketEntry<K, V>): void {
    this.#takeOut(entry)
    this.touched(entry.row, entry.first)
  }

  protected override hidden(entry: BucketEntry<K, V>): boolean {
    return entry.first < this.retention.visibleFromMs
  }

  protected override flushed(entry: BucketEntry<K, V>): void {
    if (!this.retention.put(entry.first)) this.context.drop('expired segment')
  }

  /** Entries are logged over all lists, in order of their last write where that costs nothing. */
  override writeChangelog(): void {
    const dirty = this.#dirty
    if (dirty.length <= sortedBelow) dirty.sort((a, b) => a.order - b.order)
    this.#dirty = []
    this.#order = 0
    this.#input.from = 0
    for (const entry of dirty) if ((entry.flags & DIRTY) !== 0) this.#logEntry(entry)
    super.writeChangelog()
  }

  #logEntry(entry: BucketEntry<K, V>): void {
    entry.flags &= ~(DIRTY | NEW)
    const image = this.imageOf(entry)
    this.context.log(
      this.changelogKey(this.keyBytesOf(entry.row), entry.first, entry.second),
      image === undefined ? null : this.values.payload(image),
      entry.logTimestampMs,
    )
    if (image === undefined) entry.row.value!.remove(entry)
  }

  override log(row: Lists<K, V>, image: Uint8Array | null): void {
    if (row.value !== null) row.value.dirtyEntries = 0
    super.log(row, image)
    if (image === null || !this.isPast(row)) return
    // Only a late record will ask for it: until then its bytes do.
    row.value = null
    row.flags |= RAW
  }

  override aborted(): void {
    this.#dirty = []
    super.aborted()
  }
}
