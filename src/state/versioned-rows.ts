// Versioned stores (semantics 19.10, KIP-889): the history of each key is one row of the engine. The
// changelog gets every put, refused ones too, as Kafka Streams writes it; restoring applies the same
// rules again.
//
//   engine  00                time int64: the largest time put, to find what is too old
//           01 · key          version-history.ts
import { concatBytes, readInt64, writeInt64 } from './byte-keys.js'
import type { WriteBatch } from './bytes-store.js'
import type { LiveRow } from './live-row.js'
import { mergeScan, textRange, type Overlaid } from './merged-scan.js'
import { RestoredRows } from './restored-rows.js'
import { RAW, Row, TOUCHED } from './row.js'
import type { ChangelogRecord, StoreContext, TaskStore } from './state-store.js'
import { KeyCodec, ValueCodec } from './value-codec.js'
import {
  decodeHistory,
  encodeHistory,
  versionAt,
  withoutExpired,
  withVersion,
  type FoundVersion,
  type History,
} from './version-history.js'
import { VersionedApi, VersionedView } from './versioned-api.js'
import type { VersionedRecord } from './versioned-store.js'
import { WriteBuffer, type RowOwner } from './write-buffer.js'
import { StateStoreError } from '../errors.js'
import type { SerdeFor } from '../serde/serde.js'

export interface VersionedRowsOptions<K, V> {
  readonly name: string
  readonly key: SerdeFor<K>
  readonly value: SerdeFor<V>
  readonly historyMs: number
  /** What queries get: values, or values with their times. */
  readonly view?: 'values' | 'rows' | undefined
}

/** How a put went: the time of the next version, `undefined` for the latest. */
type Put = { readonly nextMs: number | undefined } | 'refused'

const timeKey = Uint8Array.of(0)
const rowPrefix = Uint8Array.of(1)
const rowsEnd = Uint8Array.of(2)
const emptyHistory: History = Object.freeze([])

export class VersionedRows<K, V> implements TaskStore, RowOwner<K, History> {
  readonly name: string
  readonly historyMs: number
  readonly keepsImages = false
  readonly api: VersionedApi<K, V>
  readonly view: VersionedView<K, V>
  readonly #context: StoreContext
  readonly #keys: KeyCodec<K>
  readonly #values: ValueCodec<V>
  readonly #buffer: WriteBuffer<K, History>
  readonly #rows = new Map<unknown, Row<K, History>>()
  readonly #restored = new RestoredRows()
  #puts: { key: Uint8Array; value: Uint8Array | null; timestampMs: number }[] = []
  /** The largest time put; what is older by more than the history is refused. */
  #observedMs = -1
  #loggedMs: number
  #committedMs: number
  #closed = false

  constructor(options: VersionedRowsOptions<K, V>, context: StoreContext) {
    this.name = options.name
    this.historyMs = options.historyMs
    this.#context = context
    this.#keys = new KeyCodec(options.key, options.name, context.topic)
    this.#values = new ValueCodec(options.value, options.name, context.topic, false)
    this.#buffer = new WriteBuffer(this, context.cacheBytes)
    this.api = new VersionedApi(this)
    this.view = new VersionedView(this, options.view ?? 'values')
    const time = context.rows.get(timeKey)
    if (time !== undefined) this.#observedMs = readInt64(time, 0)
    this.#loggedMs = this.#committedMs = this.#observedMs
  }

  /** The latest version, `undefined` where it is a deletion or there is none. */
  row(key: K): LiveRow<V> | undefined {
    return this.#decoded(versionAt(this.#history(key), Infinity))
  }

  /** The version valid at a time; before the history, the latest if it is as old. */
  rowAt(key: K, atMs: number): LiveRow<V> | undefined {
    return this.versionAt(key, atMs)
  }

  /** Rows are decoded anew by each look-up, so the value is the caller's own. */
  copyOf(row: LiveRow<V>): V {
    return row.value
  }

  /** 'latest', 'older' (accepted, out of order) or 'refused' (too old; counted and logged here). */
  write(key: K, value: V | null, timestampMs: number): 'latest' | 'older' | 'refused' {
    const put = this.put(key, value, timestampMs)
    if (put === 'refused') return 'refused'
    return put.nextMs === undefined ? 'latest' : 'older'
  }

  // ---------- for the api and the view

  put(key: K, value: V | null, timestampMs: number): Put {
    this.checkOpen()
    const bytes = value === null ? null : this.#values.encode(value, timestampMs)
    const keyBytes = this.#keys.encode(key)
    const result = this.#put(this.#find(key, keyBytes), bytes, timestampMs)
    this.#puts.push({ key: keyBytes, value: bytes, timestampMs })
    if (result === 'refused') this.#context.drop('version older than the history')
    return result
  }

  latest(key: K): VersionedRecord<V> | undefined {
    return this.#decoded(versionAt(this.#history(key), Infinity))
  }

  versionAt(key: K, atMs: number): VersionedRecord<V> | undefined {
    const history = this.#history(key)
    const found = versionAt(history, atMs)
    // Before the history only the latest version is sure to be there (semantics 19.10).
    if (atMs < this.#oldestMs && found?.validToMs !== undefined) return undefined
    return this.#decoded(found)
  }

  /** Whether a put at that time would be refused. */
  isTooOld(timestampMs: number): boolean {
    return timestampMs < this.#oldestMs
  }

  /** The latest versions by key bytes, deletions left out. */
  async *scanLatest(from: K | undefined, to: K | undefined): AsyncGenerator<[K, LiveRow<V>]> {
    this.checkOpen()
    const bound = (key: K): Uint8Array => concatBytes(rowPrefix, this.#keys.encode(key))
    const range = {
      from: from === undefined ? rowPrefix : bound(from),
      to: to === undefined ? rowsEnd : concatBytes(bound(to), new Uint8Array(1)),
    }
    const { rows } = this.#context
    for await (const [key, image] of mergeScan(rows.scan(range), this.#inMemory(range), false)) {
      const row = this.#decoded(versionAt(decodeHistory(image), Infinity))
      if (row !== undefined) yield [this.#keys.decode(key.subarray(1)), row]
    }
  }

  /** @throws StateStoreError when the task has closed the store */
  checkOpen(): void {
    if (this.#closed)
      throw new StateStoreError(
        `store ${this.name} of task ${this.#context.taskId} is closed: the task has moved or stopped`,
      )
  }

  // ---------- where rows lie

  engineKey(row: Row<K, History>): Uint8Array {
    return (row.keyBytes ??= concatBytes(rowPrefix, this.#keys.encode(row.key)))
  }

  encode(row: Row<K, History>): Uint8Array {
    return encodeHistory(row.value ?? emptyHistory)
  }

  /** Nothing: the changelog has puts, not rows. */
  log(): void {}

  forget(row: Row<K, History>): void {
    this.#rows.delete(row.mapKey)
  }

  expired(): boolean {
    return false
  }

  // ---------- the lifecycle

  restore(records: readonly ChangelogRecord[]): void {
    for (const { key, value, timestampMs } of records) this.#restore(key, value, timestampMs)
    this.#loggedMs = this.#committedMs = this.#observedMs
  }

  flushCache(): void {}

  writeChangelog(): void {
    for (const { key, value, timestampMs } of this.#puts) this.#context.log(key, value, timestampMs)
    this.#puts = []
    this.#buffer.writeChangelog()
    this.#loggedMs = this.#observedMs
  }

  committed(): void {
    this.#buffer.committed()
    this.#committedMs = this.#loggedMs
  }

  aborted(): void {
    this.#puts = []
    this.#buffer.aborted()
    this.#observedMs = this.#loggedMs = this.#committedMs
  }

  persist(batch: WriteBatch): void {
    this.#restored.persist(batch)
    this.#buffer.persist(batch)
    const time = new Uint8Array(8)
    writeInt64(time, 0, this.#committedMs)
    batch.put(timeKey, time)
  }

  persisted(): void {
    this.#restored.persisted()
    this.#buffer.persisted()
  }

  get pinnedBytes(): number {
    return this.#buffer.pinnedBytes + this.#restored.bytes
  }

  get dirtyBytes(): number {
    return this.#buffer.dirtyBytes
  }

  close(): void {
    this.#closed = true
  }

  // ---------- inside

  /** The oldest time that is in the history. */
  get #oldestMs(): number {
    return this.#observedMs - this.historyMs
  }

  #put(row: Row<K, History>, bytes: Uint8Array | null, timestampMs: number): Put {
    if (timestampMs < this.#oldestMs) return 'refused'
    this.#observedMs = Math.max(this.#observedMs, timestampMs)
    const { history, nextMs } = withVersion(this.#historyOf(row), { timestampMs, bytes })
    const kept = withoutExpired(history, this.#oldestMs)
    row.value = kept.length === 0 ? null : kept
    row.image = undefined
    row.flags &= ~RAW
    this.#buffer.written(row)
    return { nextMs }
  }

  #restore(key: Uint8Array, value: Uint8Array | null, timestampMs: number): void {
    if (timestampMs < this.#oldestMs) return
    this.#observedMs = Math.max(this.#observedMs, timestampMs)
    const engineKey = concatBytes(rowPrefix, key)
    const row = this.#rows.get(this.#keys.mapKey(this.#keys.decode(key)))
    const before = row === undefined ? this.#below(engineKey) : this.#historyOf(row)
    const { history } = withVersion(before, { timestampMs, bytes: value })
    const kept = withoutExpired(history, this.#oldestMs)
    const image = kept.length === 0 ? null : encodeHistory(kept)
    if (row !== undefined) {
      this.#buffer.drop(row)
      if (this.#rows.get(row.mapKey) === row) return this.#buffer.replaced(row, image)
    }
    this.#restored.set(engineKey, image)
  }

  #history(key: K): History {
    this.checkOpen()
    return this.#historyOf(this.#find(key, undefined))
  }

  #historyOf(row: Row<K, History>): History {
    if ((row.flags & RAW) !== 0) {
      row.value = decodeHistory(row.image!)
      row.flags &= ~RAW
    }
    return row.value ?? emptyHistory
  }

  #find(key: K, keyBytes: Uint8Array | undefined): Row<K, History> {
    const mapKey = this.#keys.mapKey(key)
    const found = this.#rows.get(mapKey)
    if (found !== undefined) {
      found.flags |= TOUCHED
      return found
    }
    const row = new Row<K, History>(key, mapKey, 0)
    const history = this.#below(concatBytes(rowPrefix, keyBytes ?? this.#keys.encode(key)))
    row.value = history.length === 0 ? null : history
    this.#rows.set(mapKey, row)
    this.#buffer.loaded(row)
    return row
  }

  #below(engineKey: Uint8Array): History {
    const restored = this.#restored.get(engineKey)
    const image = restored === undefined ? this.#context.rows.get(engineKey) : restored
    return image === undefined || image === null ? emptyHistory : decodeHistory(image)
  }

  #inMemory(range: { from: Uint8Array; to: Uint8Array }): Overlaid[] {
    const { from, to } = textRange(range)
    const images = new Map<string, Uint8Array | undefined>()
    for (const [key, image] of this.#restored.entries(from, to)) images.set(key, image ?? undefined)
    for (const [key, row] of this.#buffer.sorted().entries(from, to))
      images.set(key, row.present ? (row.image ?? this.encode(row)) : undefined)
    return [...images]
      .map(([key, image]) => ({ key, image }))
      .toSorted((a, b) => (a.key < b.key ? -1 : 1))
  }

  #decoded(found: FoundVersion | undefined): VersionedRecord<V> | undefined {
    if (found === undefined) return undefined
    const { timestampMs, bytes, validToMs } = found
    return { value: this.#values.decode(bytes), timestampMs, validToMs }
  }
}
