// The window stores of stream-stream joins, and window stores that keep duplicates: one row per (key,
// time bucket) lists the records in it, in memory as in the engine. Every put is logged at once, with a
// sequence number that counts the puts of the store.
import { readInt32, writeInt32 } from './byte-keys.js'
import type { WriteBatch } from './bytes-store.js'
import type { BucketRow } from './bucket-row.js'
import { BucketRows } from './bucket-rows.js'
import type { BucketRowsOptions } from './bucket-rows-options.js'
import { endOf, firstAt, headBytes } from './entry-bytes.js'
import { FoundWindows } from './found-windows.js'
import { RecordList } from './record-list.js'
import type { ChangelogRecord, StoreContext } from './state-store.js'
import { WindowApi, WindowView } from './window-api.js'
import { splitWindowKey, windowKey } from './window-keys.js'

/** A record of the other side. */
export interface JoinRow<out V> {
  readonly value: V
  readonly timestampMs: number
}

/** What a list costs in memory beside its bytes (calculated). */
const listBytes = 250

/** Behind all rows and behind the store's time. */
const sequenceKey = Uint8Array.of(0xff, 1)

export class JoinRows<K, V> extends BucketRows<K, V, RecordList, JoinRow<V>> {
  readonly sizeMs: number
  readonly api: WindowApi<K, V, unknown>
  readonly view: WindowView<K, V, unknown>
  readonly windows: FoundWindows<K, V>
  readonly #inMemory: boolean
  readonly #rowForm: boolean
  #sequence = 0
  /** The number of the last record that is no null. */
  #latest = 0

  constructor(
    options: BucketRowsOptions<K, V> & { readonly sizeMs: number },
    context: StoreContext,
  ) {
    super(options, context)
    this.sizeMs = options.sizeMs
    this.#inMemory = options.engine === 'memory'
    this.windows = new FoundWindows(this.queries, this.keys, this.values, this.#inMemory)
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
    if (image === null) {
      const { timestampMs } = this.context.record()
      this.context.log(this.#logKey(this.keys.encode(key), timeMs), null, timestampMs)
      return true
    }
    const row = this.rowFor(key, timeMs)
    this.context.log(
      this.#logKey(this.keyBytesOf(row), timeMs),
      this.values.payload(image),
      this.timestamped ? valueTimeMs : this.context.record().timestampMs,
    )
    this.opened(row).insert(timeMs, this.#sequence, image)
    this.touched(row, timeMs)
    return true
  }

  /** Records of the key with time in `[fromMs, toMs]`, ascending, then by insertion. Copies. */
  find(key: K, fromMs: number, toMs: number): readonly JoinRow<V>[] {
    return this.entries(key, fromMs, toMs)
  }

  // ---------- for the api and the view

  /** The record put last into the store, if it is of that key and time; in memory none, as in Java. */
  read(key: K, startMs: number): { value: V; timestampMs: number } | undefined {
    if (this.#inMemory) return undefined
    const list = this.listAt(key, startMs)
    const at = list === undefined ? -1 : list.find(startMs, this.#latest)
    if (list === undefined || at < 0) return undefined
    const image = list.bytes.subarray(at + headBytes, endOf(list.bytes, at))
    return { value: this.values.decode(image), timestampMs: this.values.timestampOf(image) }
  }

  writeCopy(key: K, startMs: number, value: V | null, timestampMs: number): void {
    this.put(key, value, startMs, this.#rowForm ? timestampMs : startMs)
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

  protected listOf(_row: BucketRow<K, RecordList>, image: Uint8Array | undefined): RecordList {
    return new RecordList(image)
  }

  protected bytesOf(list: RecordList): Uint8Array {
    return list.image()
  }

  protected memoryOf(list: RecordList): number {
    return listBytes + list.bytes.length
  }

  protected collect(list: RecordList, low: number, high: number, found: JoinRow<V>[]): void {
    const { bytes, end } = list
    for (let at = list.startOf(low, -1); at < end;) {
      const timestampMs = firstAt(bytes, at)
      if (timestampMs > high) break
      const next = endOf(bytes, at)
      found.push({ value: this.values.decodeIn(bytes, at + headBytes, next), timestampMs })
      at = next
    }
  }

  protected restoreEntry(
    _row: BucketRow<K, RecordList>,
    list: RecordList,
    timeMs: number,
    sequence: number,
    image: Uint8Array | undefined,
  ): void {
    const at = list.find(timeMs, sequence)
    if (at >= 0) list.remove(at)
    if (image !== undefined) list.insert(timeMs, sequence, image)
  }

  protected mark(): void {}
  protected unmark(): void {}

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

  #logKey(keyBytes: Uint8Array, timeMs: number): Uint8Array {
    return windowKey(keyBytes, timeMs, this.#sequence)
  }
}
