// Versioned stores as stateful operators use them.
import type { LiveRow } from './live-row.js'
import type { ChangelogRecord, TaskStore } from './state-store.js'
import type { WriteBatch } from './bytes-store.js'

export declare class VersionedRows<K, V> implements TaskStore {
  readonly historyMs: number
  /** The latest version, `undefined` where it is a deletion or there is none. */
  row(key: K): LiveRow<V> | undefined
  /** The version valid at a time (semantics 19.10). */
  rowAt(key: K, atMs: number): LiveRow<V> | undefined
  /** A copy of the value that nobody else holds. */
  copyOf(row: LiveRow<V>): V
  /** 'latest', 'older' (accepted, out of order) or 'refused' (too old; counted and logged here). */
  write(key: K, value: V | null, timestampMs: number): 'latest' | 'older' | 'refused'
  readonly name: string
  readonly api: unknown
  readonly view: unknown
  restore(records: readonly ChangelogRecord[]): void
  flushCache(): void | Promise<void>
  writeChangelog(): void
  committed(): void
  aborted(): void
  persist(batch: WriteBatch): void
  persisted(): void
  readonly pinnedBytes: number
  readonly dirtyBytes: number
  close(): void
}
