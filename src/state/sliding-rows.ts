// The store of sliding windows: one row per (key, time bucket) lists the windows that start in it.
// The changelog has them one by one, as any window store: key │ start 8 │ sequence 4.
import { readInt64, writeInt32, writeInt64 } from './byte-keys.js'
import { BucketEntry, type BucketRow } from './bucket.js'
import { ListRows } from './list-rows.js'
import type { ListRowsOptions } from './list-rows-options.js'
import type { FlushOptions, LiveRow, WindowFlushListener } from './live-row.js'
import type { Held } from './record-cache.js'
import type { StoreContext } from './state-store.js'
import { WindowApi, WindowView, type FoundWindow } from './window-api.js'

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
  #listener: WindowFlushListener<K, V> | undefined

  constructor(
    options: ListRowsOptions<K, V> & {
      readonly sizeMs: number
      readonly view?: 'values' | 'rows' | undefined
    },
    context: StoreContext,
  ) {
    super(options, context)
    this.sizeMs = options.sizeMs
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

  onFlush(listener: WindowFlushListener<K, V>, options: FlushOptions): void {
    this.#listener = listener
    this.listening(options.oldValues)
  }

  /** Windows with start in `[fromMs, toMs]` by start, then key bytes, expired ones too: for emit on close. */
  async *closed(fromMs: number, toMs: number): AsyncGenerator<FoundWindow<K, V>> {
    for await (const entry of this.scanEntries(fromMs, toMs, { byTime: true, expired: true }))
      yield this.#found(entry)
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
      byTime: true,
      reverse,
      fromKey: fromKey === null ? undefined : this.keys.encode(fromKey),
      toKey: toKey === null ? undefined : this.keys.encode(toKey),
    }
    for await (const entry of this.scanEntries(fromMs, toMs, o)) yield this.#found(entry)
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
    const timestampMs = newValue === null ? held.context.timestampMs : row.timestampMs
    return this.#listener!(row.key, row.first, newValue, oldValue, timestampMs, held.context)
  }

  protected changelogKey(keyBytes: Uint8Array, startMs: number): Uint8Array {
    return windowKey(keyBytes, startMs, 0)
  }

  protected splitKey(changelogKey: Uint8Array) {
    return splitWindowKey(changelogKey)
  }

  protected newEntry(key: K, bucket: BucketRow<K, V>, first: number, second: number) {
    return new SlidingEntry(key, bucket, first, second)
  }

  #accept(key: K, startMs: number, value: V | null, timestampMs: number): boolean {
    if (this.accepts(startMs)) return true
    const image = value === null ? null : this.values.encode(value, timestampMs)
    return this.refuse(key, startMs, 0, image, timestampMs)
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

/** key │ start 8 │ sequence 4 */
export const windowKey = (keyBytes: Uint8Array, startMs: number, sequence: number): Uint8Array => {
  const key = Buffer.allocUnsafe(keyBytes.length + 12)
  key.set(keyBytes, 0)
  writeInt32(key, writeInt64(key, keyBytes.length, startMs), sequence)
  return key
}

export const splitWindowKey = (
  key: Uint8Array,
): { keyBytes: Uint8Array; first: number; second: number } => {
  const at = key.length - 12
  const view = Buffer.from(key.buffer, key.byteOffset, key.length)
  return {
    keyBytes: key.subarray(0, at),
    first: readInt64(key, at),
    second: view.readInt32BE(at + 8),
  }
}
