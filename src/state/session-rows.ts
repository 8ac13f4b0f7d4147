// Session stores as stateful operators use them: one row per (key, time bucket) lists the sessions
// that end in it. The changelog has them one by one: key │ end 8 │ start 8.
import { compareBytes, readInt64, writeInt64 } from './byte-keys.js'
import { BucketEntry, type Bucket } from './bucket.js'
import type { BucketRow } from './bucket-row.js'
import type { BucketRowsOptions } from './bucket-rows-options.js'
import { allocate } from './byte-slab.js'
import type { WriteBatch } from './bytes-store.js'
import type { FoundEntry, ScannedEntry } from './entry-bytes.js'
import { ListRows } from './list-rows.js'
import type { FlushOptions, LiveRow, SessionFlushListener } from './live-row.js'
import type { Held } from './record-cache.js'
import { SessionApi, SessionView, type FoundSession } from './session-api.js'
import type { ChangelogRecord, StoreContext } from './state-store.js'

/** A session found; good until the next write. */
export interface SessionRow<out V> extends LiveRow<V> {
  readonly startMs: number
  readonly endMs: number
}

/** Behind all rows and behind the store's time. */
const longestKey = Uint8Array.of(0xff, 1)

class SessionEntry<K, V> extends BucketEntry<K, V> {
  get startMs(): number {
    return this.second
  }

  get endMs(): number {
    return this.first
  }
}

export class SessionRows<K, V> extends ListRows<K, V> {
  readonly api: SessionApi<K, V>
  readonly view: SessionView<K, V>
  /** In memory, sessions of one end come by key, then by start, the latest first. */
  readonly #inMemory: boolean
  #listener: SessionFlushListener<K, V> | undefined
  /** No session here was ever longer: bounds the look-ups of a late record. */
  #longestMs = 0

  constructor(options: BucketRowsOptions<K, V>, context: StoreContext) {
    super(options, context)
    this.#inMemory = options.engine === 'memory'
    const longest = context.rows.get(longestKey)
    if (longest !== undefined) this.#longestMs = readInt64(longest, 0)
    this.api = new SessionApi(this)
    this.view = new SessionView(this)
  }

  /** Sessions with end ≥ `earliestEndMs` and start ≤ `latestStartMs`, by end, then start. */
  find(key: K, earliestEndMs: number, latestStartMs: number): readonly SessionRow<V>[] {
    // No session is longer, so none that ends later can have begun in time.
    const latestEndMs = latestStartMs + this.#longestMs
    const found = this.entries(key, earliestEndMs, latestEndMs)
    let count = 0
    for (const entry of found) {
      if (entry.second > latestStartMs) continue
      this.valueOf(entry)
      found[count++] = entry
    }
    // Setting a length is slow even where it changes nothing.
    if (count < found.length) found.length = count
    // Entries that are present have a value.
    return found as unknown as readonly SessionRow<V>[]
  }

  row(key: K, startMs: number, endMs: number): SessionRow<V> | undefined {
    const entry = this.entry(key, endMs, startMs)
    if (entry === undefined) return undefined
    this.valueOf(entry)
    return entry as unknown as SessionRow<V>
  }

  /** False when the store refused the row because its segment is gone; that is logged and counted here. */
  write(key: K, startMs: number, endMs: number, value: V | null): boolean {
    if (!this.cached && !this.#accept(key, startMs, endMs, value)) return false
    if (endMs - startMs > this.#longestMs) this.#longestMs = endMs - startMs
    this.store(this.target(key, endMs, startMs), value, -1)
    return true
  }

  /**
   * Whether a session found may simply become a longer one: nobody outside knows of it yet, so that its
   * removal would leave no trace.
   */
  grows(session: SessionRow<V>, startMs: number, endMs: number): boolean {
    return this.isMovable(session as unknown as SessionEntry<K, V>, endMs, startMs)
  }

  /** Writes a session that `grows` under its new bounds; a null value deletes it. */
  grow(session: SessionRow<V>, startMs: number, endMs: number, value: V | null): void {
    if (endMs - startMs > this.#longestMs) this.#longestMs = endMs - startMs
    const entry = session as unknown as SessionEntry<K, V>
    this.move(entry, endMs, startMs)
    this.store(entry, value, -1)
  }

  onFlush(listener: SessionFlushListener<K, V>, options: FlushOptions): void {
    this.#listener = listener
    this.listening(options.oldValues)
  }

  /**
   * Sessions with end in `[fromMs, toMs]` by end, start, key bytes (in memory: end, key, latest start),
   * expired ones too: for emit on close.
   */
  async *closed(fromMs: number, toMs: number): AsyncGenerator<readonly FoundSession<K, V>[]> {
    const compare = this.#inMemory ? byKeyThenLatest : byStartThenKey
    const o = { byTime: true, expired: true, compare }
    for await (const some of this.queries.scan(fromMs, toMs, o))
      yield some.map((entry) => this.#found(entry))
  }

  // ---------- for the api and the view

  read(key: K, startMs: number, endMs: number): V | undefined {
    const entry = this.entry(key, endMs, startMs)
    return entry === undefined ? undefined : (this.copied(entry) as V)
  }

  writeCopy(key: K, startMs: number, endMs: number, value: V | null): void {
    const image = this.imageForCopy(value, -1)
    if (!this.cached && !this.#accept(key, startMs, endMs, value)) return
    if (endMs - startMs > this.#longestMs) this.#longestMs = endMs - startMs
    this.storeCopy(this.target(key, endMs, startMs), value, image, -1)
  }

  /** A removal that comes too late is logged all the same, but not counted. */
  remove(key: K, startMs: number, endMs: number): void {
    const isKept =
      this.cached || (this.#inMemory ? this.retention.keeps(endMs) : this.accepts(endMs))
    if (isKept) this.store(this.target(key, endMs, startMs), null, -1)
    else this.logRefused(key, endMs, startMs, null, -1)
  }

  /** Copies of sessions, by end, then start. */
  async *findCopies(
    key: K,
    earliestEndMs: number,
    latestStartMs: number,
    reverse: boolean,
  ): AsyncGenerator<FoundSession<K, V>> {
    const latestEndMs = latestStartMs + this.#longestMs
    const entries = this.queries.ofKey(key, earliestEndMs, latestEndMs, reverse)
    // With a record cache in front, Kafka Streams merges both by start.
    const turned = this.#inMemory && !this.cached ? turnEqualEnds(entries) : entries
    for await (const entry of turned) if (entry.second <= latestStartMs) yield this.#found(entry)
  }

  /** Copies of all sessions that end in `[fromMs, toMs]`. */
  async *allCopies(fromMs: number, toMs: number): AsyncGenerator<FoundSession<K, V>> {
    for await (const some of this.queries.scan(fromMs, toMs, { byTime: true }))
      for (const entry of some) yield this.#found(entry)
  }

  // ---------- what the base asks

  protected get hasListener(): boolean {
    return this.#listener !== undefined
  }

  protected emit(
    row: BucketEntry<K, V>,
    newValue: V | null,
    oldValue: V | null,
    held: Held<K, V>,
  ): void | Promise<void> {
    return this.#listener!(row.row.key, row.second, row.first, newValue, oldValue, held)
  }

  protected changelogKey(keyBytes: Uint8Array, endMs: number, startMs: number): Uint8Array {
    const key = allocate(keyBytes.length + 16)
    key.set(keyBytes, 0)
    writeInt64(key, writeInt64(key, keyBytes.length, endMs), startMs)
    return key
  }

  protected splitKey(key: Uint8Array) {
    const at = key.length - 16
    return {
      keyBytes: key.subarray(0, at),
      first: readInt64(key, at),
      second: readInt64(key, at + 8),
    }
  }

  protected override restoreRecord(record: ChangelogRecord): void {
    const { first, second } = this.splitKey(record.key)
    if (first - second > this.#longestMs) this.#longestMs = first - second
    super.restoreRecord(record)
  }

  override persist(batch: WriteBatch): void {
    super.persist(batch)
    const longest = new Uint8Array(8)
    writeInt64(longest, 0, this.#longestMs)
    batch.put(longestKey, longest)
  }

  protected newEntry(row: BucketRow<K, Bucket<K, V>>, first: number, second: number) {
    return new SessionEntry(row, first, second)
  }

  #accept(key: K, startMs: number, endMs: number, value: V | null): boolean {
    if (this.accepts(endMs)) return true
    const image = value === null ? null : this.values.encode(value, -1)
    return this.refuse(key, endMs, startMs, image, -1)
  }

  #found(entry: FoundEntry<K>): FoundSession<K, V> {
    return {
      key: entry.key,
      startMs: entry.second,
      endMs: entry.first,
      value: this.values.decode(entry.image),
    }
  }
}

const byStartThenKey = (a: ScannedEntry<unknown>, b: ScannedEntry<unknown>): number =>
  a.first - b.first || a.second - b.second || compareBytes(a.keyBytes, b.keyBytes)

const byKeyThenLatest = (a: ScannedEntry<unknown>, b: ScannedEntry<unknown>): number =>
  a.first - b.first || compareBytes(a.keyBytes, b.keyBytes) || b.second - a.second

/** The same entries, those of one end the other way round. */
async function* turnEqualEnds<K>(
  entries: AsyncIterable<FoundEntry<K>>,
): AsyncGenerator<FoundEntry<K>> {
  let equal: FoundEntry<K>[] = []
  for await (const entry of entries) {
    if (equal.length > 0 && equal[0]!.first !== entry.first) {
      yield* equal.reverse()
      equal = []
    }
    equal.push(entry)
  }
  yield* equal.reverse()
}
