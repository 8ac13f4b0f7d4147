// A map in memory of bounded size: the row that was not used for longest leaves, with a tombstone in
// the changelog (semantics 19.9). Rows are kept as bytes. With a record cache in front the map sees
// only what the cache does not know, and writes at the flush.
import type { Entry as EngineEntry, ByteRange } from './bytes-store.js'
import { fromLatin1, toLatin1 } from './byte-keys.js'
import { KeyValueApi, KeyValueView, type KeyValueAccess } from './key-value-api.js'
import { isWithin, mergeScan, textRange } from './merged-scan.js'
import { LruCache } from './lru-cache.js'
import type { ChangelogRecord, StoreContext, StoreRecordContext, TaskStore } from './state-store.js'
import { KeyCodec, ValueCodec } from './value-codec.js'
import { StateStoreError } from '../errors.js'
import type { SerdeFor } from '../serde/serde.js'

export interface LruOptions<K, V> {
  readonly name: string
  readonly key: SerdeFor<K>
  readonly value: SerdeFor<V>
  readonly maxEntries: number
  readonly caching?: boolean | undefined
}

export class LruRows<K, V> implements TaskStore, KeyValueAccess<K, V> {
  readonly name: string
  readonly api: KeyValueApi<K, V, unknown>
  readonly view: KeyValueView<K, V, unknown>
  readonly #maxEntries: number
  readonly #context: StoreContext
  readonly #keys: KeyCodec<K>
  readonly #values: ValueCodec<V>
  readonly #cache: LruCache | undefined
  /** Key bytes as text → value bytes, least recently used first. */
  #rows = new Map<string, Uint8Array>()
  /** The rows as of the last commit, once anything was touched since. */
  #committed: Map<string, Uint8Array> | undefined
  /** Keys to be logged with their times, in order of their last write. */
  #dirty = new Map<string, number>()
  #closed = false

  constructor(options: LruOptions<K, V>, context: StoreContext) {
    this.name = options.name
    this.#maxEntries = options.maxEntries
    this.#context = context
    this.#keys = new KeyCodec(options.key, options.name, context.topic)
    this.#values = new ValueCodec(options.value, options.name, context.topic, false)
    if (options.caching === true && context.recordCaches)
      this.#cache = new LruCache(context.cacheBytes)
    this.api = new KeyValueApi(this, 'values')
    this.view = new KeyValueView(this, 'values')
  }

  read(key: K): { value: V; timestampMs: number } | undefined {
    const id = toLatin1(this.#keys.encode(key))
    const cached = this.#cache?.get(id)
    const image = cached === undefined ? this.#used(id) : cached
    return image === null || image === undefined ? undefined : this.decodeRow(image)
  }

  peek(key: K): { value: V; timestampMs: number } | undefined {
    this.checkOpen()
    const id = toLatin1(this.#keys.encode(key))
    const cached = this.#cache?.peek(id)
    const image = cached === undefined ? this.#rows.get(id) : cached
    return image === null || image === undefined ? undefined : this.decodeRow(image)
  }

  writeCopy(key: K, value: V | null, timestampMs: number): void {
    const id = toLatin1(this.#keys.encode(key))
    const image = value === null ? null : new Uint8Array(this.#values.encode(value, timestampMs))
    const context = this.#context.record()
    if (this.#cache === undefined) this.#write(id, image, context)
    else this.#cache.hold(id, image, context)
  }

  scanBytes(range: ByteRange): AsyncIterable<EngineEntry> {
    this.checkOpen()
    const texts = textRange(range)
    const rows = [...this.#shown()]
      .filter(([key]) => isWithin(key, texts))
      .map(([key, image]) => ({ key, image }))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
    const reverse = range.reverse === true
    return mergeScan(undefined, reverse ? rows.reverse() : rows, reverse)
  }

  encodeKey(key: K): Uint8Array {
    return this.#keys.encode(key)
  }

  decodeKey(bytes: Uint8Array): K {
    return this.#keys.decode(bytes)
  }

  decodeRow(image: Uint8Array): { value: V; timestampMs: number } {
    return { value: this.#values.decode(image), timestampMs: -1 }
  }

  approximateNumEntries(): number {
    return this.#rows.size
  }

  /** @throws StateStoreError when the task has closed the store */
  checkOpen(): void {
    if (this.#closed)
      throw new StateStoreError(
        `store ${this.name} of task ${this.#context.taskId} is closed: the task has moved or stopped`,
      )
  }

  restore(records: readonly ChangelogRecord[]): void {
    for (const { key, value } of records) {
      const id = toLatin1(key)
      this.#rows.delete(id)
      if (value !== null) this.#rows.set(id, value)
    }
    for (const [oldest] of this.#rows) {
      if (this.#rows.size <= this.#maxEntries) break
      this.#rows.delete(oldest)
    }
  }

  flushCache(): void {
    this.#cache?.flush((id, image, context) => this.#write(id, image, context))
  }

  writeChangelog(): void {
    for (const [id, timestampMs] of this.#dirty)
      this.#context.log(fromLatin1(id), this.#rows.get(id) ?? null, timestampMs)
    this.#dirty = new Map()
  }

  committed(): void {
    this.#committed = undefined
  }

  aborted(): void {
    this.#cache?.clear()
    if (this.#committed !== undefined) this.#rows = this.#committed
    this.#committed = undefined
    this.#dirty = new Map()
  }

  /** Nothing: rows live in memory and come back from the changelog. */
  persist(): void {}

  persisted(): void {}

  get pinnedBytes(): number {
    return 0
  }

  get dirtyBytes(): number {
    return this.#dirty.size * 100
  }

  get heldBytes(): number {
    return this.#cache?.heldBytes ?? 0
  }

  close(): void {
    this.#closed = true
  }

  /** Reads a row of the map, which is thereby the one used last. */
  #used(id: string): Uint8Array | undefined {
    const image = this.#rows.get(id)
    if (image === undefined) return undefined
    this.#touch()
    this.#rows.delete(id)
    this.#rows.set(id, image)
    this.#cache?.keep(id, image)
    return image
  }

  #write(id: string, image: Uint8Array | null, { timestampMs }: StoreRecordContext): void {
    this.#touch()
    this.#rows.delete(id)
    if (image !== null) {
      this.#rows.set(id, image)
      for (const [oldest] of this.#rows) {
        if (this.#rows.size <= this.#maxEntries) break
        this.#rows.delete(oldest)
        this.#note(oldest, timestampMs)
      }
    }
    this.#note(id, timestampMs)
  }

  /** The rows with what the cache says of them. */
  #shown(): ReadonlyMap<string, Uint8Array> {
    if (this.#cache === undefined) return this.#rows
    const shown = new Map(this.#rows)
    for (const [id, image] of this.#cache.entries())
      if (image === null) shown.delete(id)
      else shown.set(id, image)
    return shown
  }

  #touch(): void {
    this.#committed ??= new Map(this.#rows)
  }

  #note(id: string, timestampMs: number): void {
    this.#dirty.delete(id)
    this.#dirty.set(id, timestampMs)
  }
}
