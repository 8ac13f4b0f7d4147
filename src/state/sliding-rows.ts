// The store of sliding windows: one row per (key, time bucket) lists the windows that start in it.
// The changelog has them one by one, as any window store.
import { BucketEntry, type Bucket } from './bucket.js'
import type { BucketRow } from './bucket-row.js'
import type { BucketRowsOptions } from './bucket-rows-options.js'
import { FoundWindows } from './found-windows.js'
import { ListRows } from './list-rows.js'
import type { FlushOptions, LiveRow, WindowFlushListener } from './live-row.js'
import type { Held } from './record-cache.js'
import type { StoreContext } from './state-store.js'
import { WindowApi, WindowView, type FoundWindow } from './window-api.js'
import { splitWindowKey, windowKey } from './window-keys.js'

/** A window found; good until the next write. */
export interface SlidingRow<out V> extends LiveRow<V> {
  readonly startMs: number
}

class SlidingEntry<K, V> extends BucketEntry<K, V> {
  get startMs(): number {
    return this.first
  }
}

export class SlidingRows<K, V> extends ListRows<K, V> {
  readonly sizeMs: number
  readonly api: WindowApi<K, V, unknown>
  readonly view: WindowView<K, V, unknown>
  readonly windows: FoundWindows<K, V>
  #listener: WindowFlushListener<K, V> | undefined

  constructor(
    options: BucketRowsOptions<K, V> & {
      readonly sizeMs: number
      readonly view?: 'values' | 'rows' | undefined
    },
    context: StoreContext,
  ) {
    super(options, context)
    this.sizeMs = options.sizeMs
    this.windows = new FoundWindows(this.queries, this.keys, this.values, true)
    this.api = new WindowApi(this, 'rows')
    this.view = new WindowView(this, options.view ?? 'values')
  }

  /** Windows of the key with start in `[fromMs, toMs]`, ascending. */
  find(key: K, fromMs: number, toMs: number): readonly SlidingRow<V>[] {
    const found = this.entries(key, fromMs, toMs)
    for (const entry of found) this.valueOf(entry)
    // Entries that are present have a value.
    return found as unknown as readonly SlidingRow<V>[]
  }

  row(key: K, startMs: number): LiveRow<V> | undefined {
    const entry = this.entry(key, startMs, 0)
    if (entry === undefined) return undefined
    this.valueOf(entry)
    return entry as LiveRow<V>
  }

  /** False when the store refused the row because its segment is gone; that is logged and counted here. */
  write(key: K, startMs: number, value: V | null, timestampMs: number): boolean {
    if (!this.cached && !this.#accept(key, startMs, value, timestampMs)) return false
    this.store(this.target(key, startMs, 0), value, timestampMs)
    return true
  }

  /** The same of a window that was found, whatever was written since. */
  update(window: SlidingRow<V>, value: V | null, timestampMs: number): boolean {
    // What `find` gave are entries.
    const entry = window as unknown as SlidingEntry<K, V>
    if (!this.cached && !this.#accept(entry.row.key, entry.first, value, timestampMs)) return false
    this.store(this.again(entry), value, timestampMs)
    return true
  }

  onFlush(listener: WindowFlushListener<K, V>, options: FlushOptions): void {
    this.#listener = listener
    this.listening(options.oldValues)
  }

  /** Windows with start in `[fromMs, toMs]` by start, then key bytes, expired ones too: for emit on close. */
  closed(fromMs: number, toMs: number): AsyncIterable<readonly FoundWindow<K, V>[]> {
    return this.windows.closed(fromMs, toMs)
  }

  // ---------- for the api and the view

  read(key: K, startMs: number): { value: V; timestampMs: number } | undefined {
    const entry = this.entry(key, startMs, 0)
    if (entry === undefined) return undefined
    return { value: this.copied(entry) as V, timestampMs: this.timeOf(entry) }
  }

  writeCopy(key: K, startMs: number, value: V | null, timestampMs: number): void {
    const image = this.imageForCopy(value, timestampMs)
    if (!this.cached && !this.#accept(key, startMs, value, timestampMs)) return
    this.storeCopy(this.target(key, startMs, 0), value, image, timestampMs)
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
    const timestampMs = newValue === null ? held.timestampMs : row.timestampMs
    return this.#listener!(row.row.key, row.first, newValue, oldValue, timestampMs, held)
  }

  protected changelogKey(keyBytes: Uint8Array, startMs: number): Uint8Array {
    return windowKey(keyBytes, startMs, 0)
  }

  protected splitKey(changelogKey: Uint8Array) {
    return splitWindowKey(changelogKey)
  }

  protected newEntry(row: BucketRow<K, Bucket<K, V>>, first: number, second: number) {
    return new SlidingEntry(row, first, second)
  }

  #accept(key: K, startMs: number, value: V | null, timestampMs: number): boolean {
    if (this.accepts(startMs)) return true
    const image = value === null ? null : this.values.encode(value, timestampMs)
    return this.refuse(key, startMs, 0, image, timestampMs)
  }
}
