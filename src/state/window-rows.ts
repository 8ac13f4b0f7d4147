// Window stores as stateful operators use them: time windows by point look-up. In memory there is one
// map per start; window-layout.ts draws the engine's keys, window-keys.ts the changelog's.
import type { WriteBatch } from './bytes-store.js'
import type { FlushOptions, LiveRow, WindowFlushListener } from './live-row.js'
import type { Held } from './record-cache.js'
import { Retention } from './retention.js'
import { CLEAN, RAW, Row, TOUCHED } from './row.js'
import { RowStore, type RowStoreOptions } from './row-store.js'
import type { ChangelogRecord, StoreContext } from './state-store.js'
import { WindowApi, WindowView, type FoundWindow } from './window-api.js'
import { splitWindowKey, windowKey } from './window-keys.js'
import { WindowLayout } from './window-layout.js'
import { WindowQueries } from './window-queries.js'
import { WriteBuffer } from './write-buffer.js'

export interface WindowRowsOptions<K, V> extends RowStoreOptions<K, V> {
  readonly engine: 'leveldb' | 'memory'
  readonly sizeMs: number
  readonly retentionMs: number
  readonly timeFirst?: boolean | undefined
  readonly view?: 'values' | 'rows' | undefined
}

export class WindowRows<K, V> extends RowStore<K, V> {
  readonly sizeMs: number
  readonly api: WindowApi<K, V, unknown>
  readonly view: WindowView<K, V, unknown>
  readonly windows: WindowQueries<K, V>
  protected readonly buffer: WriteBuffer<K, V>
  readonly #retention: Retention
  readonly #layout: WindowLayout
  readonly #starts = new Map<number, Map<unknown, Row<K, V>>>()
  #last: Row<K, V> | undefined
  #lastStart: Map<unknown, Row<K, V>> | undefined
  #lastStartMs = -1
  #sweptMs = 0
  #listener: WindowFlushListener<K, V> | undefined

  constructor(options: WindowRowsOptions<K, V>, context: StoreContext) {
    super(options, context)
    this.sizeMs = options.sizeMs
    this.#retention = new Retention(options, context.rows)
    this.#layout = new WindowLayout(options.timeFirst === true, this.#retention)
    this.windows = new WindowQueries({
      keys: this.keys,
      values: this.values,
      layout: this.#layout,
      retention: this.#retention,
      byTime: options.engine === 'memory',
      shown: () => (this.cached ? this.#starts.keys() : []),
      scanRows: (range) => this.scanRows(range),
    })
    this.buffer = new WriteBuffer(this, context.cacheBytes)
    this.api = new WindowApi(this, options.timestamped ? 'rows' : 'values')
    this.view = new WindowView(this, options.timestamped ? (options.view ?? 'values') : 'values')
  }

  /** The window of a key that starts at `startMs`; rows past the retention are not there. */
  row(key: K, startMs: number): LiveRow<V> | undefined {
    if (!this.cached && startMs < this.#retention.visibleFromMs) return undefined
    const row = this.#find(key, startMs)
    if ((row.flags & RAW) !== 0) this.valueOf(row)
    return row.value === null ? undefined : (row as LiveRow<V>)
  }

  /** False when the store refused the row because its segment is gone; that is logged and counted here. */
  write(key: K, startMs: number, value: V | null, timestampMs: number): boolean {
    if (this.cached) this.#retention.written(startMs)
    else if (!this.#accept(key, startMs, value, timestampMs)) return false
    this.store(this.#target(key, startMs), value, timestampMs)
    return true
  }

  onFlush(listener: WindowFlushListener<K, V>, options: FlushOptions): void {
    this.#listener = listener
    this.listening(options.oldValues)
  }

  /** Windows with start in `[fromMs, toMs]` by start, then key bytes, expired ones too: for emit on close. */
  async *closed(fromMs: number, toMs: number): AsyncGenerator<readonly FoundWindow<K, V>[]> {
    for await (const window of this.windows.closed(fromMs, toMs)) yield [window]
  }

  /** The earliest start that `closed` is sure to find once time has come to `timeMs`. */
  keptFromMs(timeMs: number): number {
    return this.#retention.floorAt(timeMs)
  }

  // ---------- for the api and the view

  read(key: K, startMs: number): { value: V; timestampMs: number } | undefined {
    if (!this.cached && startMs < this.#retention.visibleFromMs) return undefined
    const row = this.#find(key, startMs)
    const value = this.copied(row)
    return value === null ? undefined : { value, timestampMs: this.timeOf(row) }
  }

  writeCopy(key: K, startMs: number, value: V | null, timestampMs: number): void {
    const image = this.imageForCopy(value, timestampMs)
    if (this.cached) this.#retention.written(startMs)
    else if (!this.#accept(key, startMs, value, timestampMs)) return
    this.storeCopy(this.#target(key, startMs), value, image, timestampMs)
  }

  // ---------- where rows lie

  engineKey(row: Row<K, V>): Uint8Array {
    const { keyBytes } = splitWindowKey(this.#changelogKey(row))
    return this.#layout.keyOf(keyBytes, row.timeMs, 0)
  }

  encode(row: Row<K, V>): Uint8Array {
    return this.values.encode(row.value as V, row.timestampMs)
  }

  log(row: Row<K, V>, image: Uint8Array | null): void {
    const value = image === null ? null : this.values.payload(image)
    this.context.log(this.#changelogKey(row), value, row.logTimestampMs)
  }

  forget(row: Row<K, V>): void {
    if (this.#last === row) this.#last = undefined
    const rows = this.#starts.get(row.timeMs)
    if (rows === undefined) return
    rows.delete(row.mapKey)
    if (rows.size > 0) return
    this.#starts.delete(row.timeMs)
    if (this.#lastStart === rows) this.#lastStartMs = -1
  }

  /** By committed time; a record cache shows its rows as long as it has them (semantics 12.16). */
  expired(row: Row<K, V>): boolean {
    return !this.cached && this.unasked(row)
  }

  override unasked(row: Row<K, V>): boolean {
    return row.timeMs < this.#retention.unseenBeforeMs(this.cached)
  }

  protected override *ghosts(): Generator<Row<K, V>> {
    if (!this.cached) return
    const floorMs = this.#retention.committedFloorMs
    for (const [startMs, rows] of this.#starts)
      if (startMs < floorMs)
        for (const row of rows.values()) if ((row.flags & CLEAN) !== 0 && row.present) yield row
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

  protected override hidden(row: Row<K, V>): boolean {
    return row.timeMs < this.#retention.visibleFromMs
  }

  /** Behind a record cache, time moves with what is flushed. */
  protected override flushed(row: Row<K, V>): void {
    if (!this.#retention.put(row.timeMs)) this.context.drop('expired segment')
  }

  protected emit(
    row: Row<K, V>,
    newValue: V | null,
    oldValue: V | null,
    held: Held<K, V>,
  ): void | Promise<void> {
    const timestampMs = newValue === null || !this.timestamped ? held.timestampMs : row.timestampMs
    return this.#listener!(row.key, row.timeMs, newValue, oldValue, timestampMs, held)
  }

  protected restoreRecord(record: ChangelogRecord): void {
    const { keyBytes, first: startMs } = splitWindowKey(record.key)
    if (!this.#retention.restored(startMs)) return
    const image =
      record.value === null ? null : this.values.imageOf(record.value, record.timestampMs)
    if (this.#starts.size > 0) {
      const rows = this.#starts.get(startMs)
      const row = rows?.get(this.keys.mapKey(this.keys.decode(keyBytes)))
      if (row !== undefined) {
        this.buffer.drop(row)
        if (rows!.get(row.mapKey) === row) return this.buffer.replaced(row, image)
      }
    }
    this.fromChangelog.set(this.#layout.keyOf(keyBytes, startMs, 0), image)
  }

  override committed(): void {
    this.#retention.committed()
    super.committed()
  }

  override aborted(): void {
    this.#last = undefined
    super.aborted()
    this.#retention.aborted()
  }

  override persist(batch: WriteBatch): void {
    this.#retention.persist(batch, (floorMs) => this.#layout.firstAt(floorMs))
    super.persist(batch)
  }

  #accept(key: K, startMs: number, value: V | null, timestampMs: number): boolean {
    if (this.#retention.put(startMs)) {
      if (startMs >= this.#sweptMs + this.#retention.intervalMs) this.#sweep(startMs)
      return true
    }
    // Refused, but in the changelog all the same, as Kafka Streams has it.
    const record = this.context.record()
    const image = value === null ? null : this.values.encode(value, timestampMs)
    this.context.log(
      windowKey(this.keys.encode(key), startMs, 0),
      image === null ? null : this.values.payload(image),
      this.timestamped && value !== null ? timestampMs : record.timestampMs,
    )
    this.context.drop('expired segment')
    return false
  }

  /** Lets go of clean rows that nobody can see any more. */
  #sweep(nowMs: number): void {
    this.#sweptMs = nowMs
    const visible = this.#retention.visibleFromMs
    for (const [startMs, rows] of this.#starts)
      if (startMs < visible) for (const row of rows.values()) this.buffer.drop(row)
  }

  #rowsAt(startMs: number): Map<unknown, Row<K, V>> {
    if (startMs === this.#lastStartMs) return this.#lastStart!
    let rows = this.#starts.get(startMs)
    if (rows === undefined) this.#starts.set(startMs, (rows = new Map()))
    this.#lastStart = rows
    this.#lastStartMs = startMs
    return rows
  }

  #remembered(key: K, startMs: number): Row<K, V> | undefined {
    const last = this.#last
    return last !== undefined &&
      last.key === key &&
      last.timeMs === startMs &&
      typeof key !== 'object'
      ? last
      : undefined
  }

  #find(key: K, startMs: number): Row<K, V> {
    const last = this.#remembered(key, startMs)
    if (last !== undefined) return last
    const mapKey = this.keys.mapKey(key)
    const rows = this.#rowsAt(startMs)
    const found = rows.get(mapKey)
    if (found !== undefined) {
      found.flags |= TOUCHED
      return (this.#last = found)
    }
    const row = new Row<K, V>(key, mapKey, startMs)
    const retention = this.#retention
    if (startMs >= retention.visibleFromMs && retention.mayBeStored(startMs)) {
      const image = this.below(this.#layout.keyOf(this.keys.encode(key), startMs, 0))
      if (image !== undefined) {
        row.image = image
        row.flags = RAW
      }
    }
    rows.set(mapKey, row)
    this.#last = row
    this.buffer.loaded(row)
    return row
  }

  #target(key: K, startMs: number): Row<K, V> {
    const last = this.#remembered(key, startMs)
    if (last !== undefined) return last
    if (this.cached && this.#listener !== undefined) return this.#find(key, startMs)
    const mapKey = this.keys.mapKey(key)
    const rows = this.#rowsAt(startMs)
    let row = rows.get(mapKey)
    if (row === undefined) rows.set(mapKey, (row = new Row<K, V>(key, mapKey, startMs)))
    return (this.#last = row)
  }

  #changelogKey(row: Row<K, V>): Uint8Array {
    return (row.keyBytes ??= windowKey(this.keys.encode(row.key), row.timeMs, 0))
  }
}
