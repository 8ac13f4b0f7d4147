// The window stores of stream-stream joins, and window stores that keep duplicates: one row per (key,
// time bucket) lists the records in it. Every put is logged: key │ time 8 │ sequence 4, the sequence
// counting the puts of the store.
import { readInt32, writeInt32 } from './byte-keys.js'
import type { WriteBatch } from './bytes-store.js'
import { BucketEntry, type BucketRow } from './bucket.js'
import { ListRows } from './list-rows.js'
import type { ListRowsOptions } from './list-rows-options.js'
import { RAW } from './row.js'
import { splitWindowKey, windowKey } from './sliding-rows.js'
import type { ChangelogRecord, StoreContext } from './state-store.js'
import { WindowApi, WindowView, type FoundWindow } from './window-api.js'

/** A record of the other side. */
export interface JoinRow<out V> {
  readonly value: V
  readonly timestampMs: number
}

/** Behind all rows and behind the store's time. */
const sequenceKey = Uint8Array.of(0xff, 1)

export class JoinRows<K, V> extends ListRows<K, V> {
  readonly sizeMs: number
  readonly api: WindowApi<K, V, unknown>
  readonly view: WindowView<K, V, unknown>
  readonly #inMemory: boolean
  readonly #rowForm: boolean
  #sequence = 0
  /** The number of the last record that is no null. */
  #latest = 0

  constructor(options: ListRowsOptions<K, V> & { readonly sizeMs: number }, context: StoreContext) {
    super(options, context)
    this.sizeMs = options.sizeMs
    this.#inMemory = options.engine === 'memory'
    this.#rowForm = options.timestamped
    this.api = new WindowApi(this, options.timestamped ? 'rows' : 'values')
    this.view = new WindowView(this, options.timestamped ? 'rows' : 'values')
    const stored = context.rows.get(sequenceKey)
    if (stored !== undefined) this.#latest = this.#sequence = readInt32(stored, 0)
  }

  /** The largest time put so far, -1 at first. */
  get observedMs(): number {
    return this.retention.observedMs
  }

  /**
   * Keeps a record; a null value only takes a sequence number and writes a null to the changelog.
   * False when the store refused the row because its segment is gone; that is logged and counted here.
   */
  put(key: K, value: V | null, timeMs: number, valueTimeMs: number = timeMs): boolean {
    const image = value === null ? null : this.values.encode(value, valueTimeMs)
    this.#sequence = (this.#sequence + 1) & 0x7fffffff
    if (image !== null) this.#latest = this.#sequence
    // A null is not stored, so it moves no time either; in memory it does, as in Kafka Streams.
    if ((image !== null || this.#inMemory) && !this.accepts(timeMs))
      return this.refuse(key, timeMs, this.#sequence, image, valueTimeMs)
    this.context.log(
      windowKey(this.keys.encode(key), timeMs, this.#sequence),
      image === null ? null : this.values.payload(image),
      this.timestamped && image !== null ? valueTimeMs : this.context.record().timestampMs,
    )
    if (image === null) return true
    const entry = this.target(key, timeMs, this.#sequence)
    entry.timestampMs = valueTimeMs
    if (typeof value === 'object') {
      entry.value = null
      entry.flags |= RAW
    } else entry.value = value
    entry.image = image
    this.touched(entry)
    return true
  }

  /** Records of the key with time in `[fromMs, toMs]`, ascending, then by insertion. Copies. */
  find(key: K, fromMs: number, toMs: number): readonly JoinRow<V>[] {
    const found = this.entries(key, fromMs, toMs)
    const rows: JoinRow<V>[] = []
    for (const entry of found)
      rows.push({ value: this.copied(entry) as V, timestampMs: entry.first })
    return rows
  }

  // ---------- for the api and the view

  /** The record put last into the store, if it is of that key and time; in memory none, as in Java. */
  read(key: K, startMs: number): { value: V; timestampMs: number } | undefined {
    if (this.#inMemory) return undefined
    const entry = this.entry(key, startMs, this.#latest)
    if (entry === undefined) return undefined
    return { value: this.copied(entry) as V, timestampMs: this.timeOf(entry) }
  }

  writeCopy(key: K, startMs: number, value: V | null, timestampMs: number): void {
    this.put(key, value, startMs, this.#rowForm ? timestampMs : startMs)
  }

  async *fetch(
    key: K,
    fromMs: number,
    toMs: number,
    reverse: boolean,
  ): AsyncGenerator<FoundWindow<K, V>> {
    for await (const entry of this.entriesOfKey(key, fromMs, toMs, reverse))
      yield this.#found(entry)
  }

  async *fetchRange(
    fromKey: K | null,
    toKey: K | null,
    fromMs: number,
    toMs: number,
    reverse: boolean,
  ): AsyncGenerator<FoundWindow<K, V>> {
    const o = {
      byTime: this.#inMemory,
      reverse,
      fromKey: fromKey === null ? undefined : this.keys.encode(fromKey),
      toKey: toKey === null ? undefined : this.keys.encode(toKey),
    }
    for await (const entry of this.scanEntries(fromMs, toMs, o)) yield this.#found(entry)
  }

  // ---------- what the base asks

  protected get hasListener(): boolean {
    return false
  }

  protected emit(): void {}

  protected changelogKey(keyBytes: Uint8Array, timeMs: number, sequence: number): Uint8Array {
    return windowKey(keyBytes, timeMs, sequence)
  }

  protected splitKey(changelogKey: Uint8Array) {
    return splitWindowKey(changelogKey)
  }

  protected newEntry(key: K, bucket: BucketRow<K, V>, first: number, second: number) {
    return new BucketEntry(key, bucket, first, second)
  }

  protected override restoreRecord(record: ChangelogRecord): void {
    // Counting goes on behind what is there, so that no record takes the place of another.
    const { second } = splitWindowKey(record.key)
    if (second > this.#sequence) this.#sequence = second
    if (record.value !== null || this.#inMemory) super.restoreRecord(record)
  }

  override persist(batch: WriteBatch): void {
    super.persist(batch)
    const sequence = new Uint8Array(4)
    writeInt32(sequence, 0, this.#sequence)
    batch.put(sequenceKey, sequence)
  }

  #found(entry: { key: K; first: number; image: Uint8Array }): FoundWindow<K, V> {
    return {
      key: entry.key,
      startMs: entry.first,
      value: this.values.decode(entry.image),
      timestampMs: this.values.timestampOf(entry.image),
    }
  }
}
