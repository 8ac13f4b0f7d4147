// Versioned stores (semantics 19.10, KIP-889). The changelog gets every put, refused ones too, as Kafka
// Streams writes it; restoring applies the same rules again. version-node-rows.ts says where histories
// lie. Under the key 00 the engine has the largest time put, an int64, to find what is too old.
import { readInt64, writeInt64 } from './byte-keys.js'
import type { WriteBatch } from './bytes-store.js'
import type { LiveRow } from './live-row.js'
import type { ChangelogRecord, StoreContext, TaskStore } from './state-store.js'
import { KeyCodec, ValueCodec } from './value-codec.js'
import {
  versionAt,
  withoutExpired,
  withVersion,
  type FoundVersion,
  type Version,
} from './version-history.js'
import type { VersionNode } from './version-node.js'
import { emptyNode, nodeOf, VersionNodeRows } from './version-node-rows.js'
import { VersionedApi, VersionedView } from './versioned-api.js'
import type { VersionedRecord } from './versioned-store.js'
import { StateStoreError } from '../errors.js'
import type { SerdeFor } from '../serde/serde.js'

export interface VersionedRowsOptions<K, V> {
  readonly name: string
  readonly key: SerdeFor<K>
  readonly value: SerdeFor<V>
  readonly historyMs: number
  /** What queries get: values, or values with their times. */
  readonly view?: 'values' | 'rows' | undefined
  /** A row that holds more versions than this is cut in two. Default 64. */
  readonly maxVersions?: number | undefined
}

/** How a put went: the time of the next version, `undefined` for the latest. */
type Put = { readonly nextMs: number | undefined } | 'refused'

const timeKey = Uint8Array.of(0)

export class VersionedRows<K, V> implements TaskStore {
  readonly name: string
  readonly historyMs: number
  readonly api: VersionedApi<K, V>
  readonly view: VersionedView<K, V>
  readonly #context: StoreContext
  readonly #keys: KeyCodec<K>
  readonly #values: ValueCodec<V>
  readonly #rows: VersionNodeRows<K>
  readonly #maxVersions: number
  #puts: { key: Uint8Array; value: Uint8Array | null; timestampMs: number }[] = []
  /** The largest time put; what is older by more than the history is refused. */
  #observedMs = -1
  #loggedMs: number
  #committedMs: number
  #closed = false

  constructor(options: VersionedRowsOptions<K, V>, context: StoreContext) {
    this.name = options.name
    this.historyMs = options.historyMs
    this.#maxVersions = options.maxVersions ?? 64
    this.#context = context
    this.#keys = new KeyCodec(options.key, options.name, context.topic)
    this.#values = new ValueCodec(options.value, options.name, context.topic, false)
    this.#rows = new VersionNodeRows(context.rows, this.#keys, context.cacheBytes)
    this.api = new VersionedApi(this)
    this.view = new VersionedView(this, options.view ?? 'values')
    const time = context.rows.get(timeKey)
    if (time !== undefined) this.#observedMs = readInt64(time, 0)
    this.#loggedMs = this.#committedMs = this.#observedMs
  }

  /** The latest version, `undefined` where it is a deletion or there is none. */
  row(key: K): LiveRow<V> | undefined {
    return this.#decoded(versionAt(this.#head(key).history, Infinity))
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
    const result = this.#put(key, bytes, timestampMs)
    this.#puts.push({ key: keyBytes, value: bytes, timestampMs })
    if (result === 'refused') this.#context.drop('version older than the history')
    return result
  }

  latest(key: K): VersionedRecord<V> | undefined {
    return this.#decoded(versionAt(this.#head(key).history, Infinity))
  }

  versionAt(key: K, atMs: number): VersionedRecord<V> | undefined {
    const found = this.#versionAt(key, atMs)
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
    for await (const [key, { history }] of this.#rows.heads(from, to)) {
      const row = this.#decoded(versionAt(history, Infinity))
      if (row !== undefined) yield [key, row]
    }
  }

  /** @throws StateStoreError when the task has closed the store */
  checkOpen(): void {
    if (this.#closed)
      throw new StateStoreError(
        `store ${this.name} of task ${this.#context.taskId} is closed: the task has moved or stopped`,
      )
  }

  // ---------- the lifecycle

  /** Puts all records as they were put, refused ones too; then they count as committed. */
  restore(records: readonly ChangelogRecord[]): void {
    for (const { key, value, timestampMs } of records)
      this.#put(this.#keys.decode(key), value, timestampMs)
    this.#rows.buffer.writeChangelog()
    this.#rows.buffer.committed()
    this.#loggedMs = this.#committedMs = this.#observedMs
  }

  flushCache(): void {}

  writeChangelog(): void {
    for (const { key, value, timestampMs } of this.#puts) this.#context.log(key, value, timestampMs)
    this.#puts = []
    this.#rows.buffer.writeChangelog()
    this.#loggedMs = this.#observedMs
  }

  committed(): void {
    this.#rows.buffer.committed()
    this.#committedMs = this.#loggedMs
  }

  aborted(): void {
    this.#puts = []
    this.#rows.buffer.aborted()
    this.#observedMs = this.#loggedMs = this.#committedMs
  }

  persist(batch: WriteBatch): void {
    this.#rows.buffer.persist(batch)
    const time = new Uint8Array(8)
    writeInt64(time, 0, this.#committedMs)
    batch.put(timeKey, time)
  }

  persisted(): void {
    this.#rows.buffer.persisted()
  }

  get pinnedBytes(): number {
    return this.#rows.buffer.pinnedBytes
  }

  get dirtyBytes(): number {
    return this.#rows.buffer.dirtyBytes
  }

  close(): void {
    this.#closed = true
  }

  // ---------- inside

  /** The oldest time that is in the history. */
  get #oldestMs(): number {
    return this.#observedMs - this.historyMs
  }

  #put(key: K, bytes: Uint8Array | null, timestampMs: number): Put {
    if (timestampMs < this.#oldestMs) return 'refused'
    this.#observedMs = Math.max(this.#observedMs, timestampMs)
    const row = this.#rows.row(key, 0)
    const head = nodeOf(row)
    // Pinned from here on, so that it stays while older rows are loaded.
    this.#rows.buffer.written(row)
    const version = { timestampMs, bytes }
    const oldest = head.history.at(-1)
    let nextMs: number | undefined
    let node: VersionNode
    if (oldest === undefined || timestampMs >= oldest.timestampMs || head.older.length === 0) {
      const put = withVersion(head.history, version)
      nextMs = put.nextMs
      node = this.#cut(key, { history: put.history, older: head.older })
    } else ({ nextMs, node } = this.#putOlder(key, head, version))
    this.#rows.write(row, this.#withoutExpired(key, node))
    return { nextMs }
  }

  /** Puts a version into the older row that it belongs to. */
  #putOlder(
    key: K,
    head: VersionNode,
    version: Version,
  ): { readonly nextMs: number | undefined; readonly node: VersionNode } {
    const { timestampMs } = version
    let i = head.older.findIndex(({ firstMs }) => firstMs <= timestampMs)
    if (i < 0) i = head.older.length - 1
    const { number, firstMs } = head.older[i]!
    const row = this.#rows.row(key, number)
    const put = withVersion(nodeOf(row).history, version)
    const newerFirstMs = i === 0 ? head.history.at(-1)!.timestampMs : head.older[i - 1]!.firstMs
    const parts = [{ number, firstMs: Math.min(firstMs, timestampMs) }]
    let { history } = put
    if (history.length > this.#maxVersions) {
      // The newer half stays; its earliest time is later now.
      const half = history.length >> 1
      const rest = history.slice(half)
      history = history.slice(0, half)
      parts.unshift({ number, firstMs: history.at(-1)!.timestampMs })
      parts[1] = { number: nextNumber(head), firstMs: rest.at(-1)!.timestampMs }
      this.#rows.write(row, { history, older: [] })
      this.#rows.write(this.#rows.newRow(key, parts[1].number), { history: rest, older: [] })
    } else this.#rows.write(row, { history, older: [] })
    return {
      nextMs: put.nextMs ?? newerFirstMs,
      node: { history: head.history, older: head.older.toSpliced(i, 1, ...parts) },
    }
  }

  /** Moves the older half of a head that has grown into a row of its own. */
  #cut(key: K, head: VersionNode): VersionNode {
    const { history, older } = head
    if (history.length <= this.#maxVersions) return head
    const half = history.length >> 1
    const rest = history.slice(half)
    const number = nextNumber(head)
    this.#rows.write(this.#rows.newRow(key, number), { history: rest, older: [] })
    const moved = { number, firstMs: rest.at(-1)!.timestampMs }
    return { history: history.slice(0, half), older: [moved, ...older] }
  }

  /** Drops what nobody can ask for any more; whole rows, and then the versions of the head. */
  #withoutExpired(key: K, node: VersionNode): VersionNode {
    let { history, older } = node
    while (older.length > 0) {
      const endMs = older.at(-2)?.firstMs ?? history.at(-1)!.timestampMs
      if (endMs >= this.#oldestMs) break
      this.#rows.write(this.#rows.newRow(key, older.at(-1)!.number), emptyNode)
      older = older.slice(0, -1)
    }
    if (older.length === 0) history = withoutExpired(history, this.#oldestMs)
    return { history, older }
  }

  #versionAt(key: K, atMs: number): FoundVersion | undefined {
    const head = this.#head(key)
    const oldest = head.history.at(-1)
    if (oldest === undefined || oldest.timestampMs <= atMs) return versionAt(head.history, atMs)
    const i = head.older.findIndex(({ firstMs }) => firstMs <= atMs)
    if (i < 0) return undefined
    const found = versionAt(this.#rows.node(key, head.older[i]!.number).history, atMs)
    const newerFirstMs = i === 0 ? oldest.timestampMs : head.older[i - 1]!.firstMs
    return found && { ...found, validToMs: found.validToMs ?? newerFirstMs }
  }

  #head(key: K): VersionNode {
    this.checkOpen()
    return this.#rows.node(key, 0)
  }

  #decoded(found: FoundVersion | undefined): VersionedRecord<V> | undefined {
    if (found === undefined) return undefined
    const { timestampMs, bytes, validToMs } = found
    return { value: this.#values.decode(bytes), timestampMs, validToMs }
  }
}

/** Numbers of older rows are never given twice while they are in use. */
const nextNumber = (head: VersionNode): number =>
  head.older.reduce((highest, { number }) => Math.max(highest, number), 0) + 1
