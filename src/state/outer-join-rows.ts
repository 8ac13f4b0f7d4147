// The shared store of left and outer stream joins: unmatched records by time (semantics 19.11).
import type { ChangelogRecord, TaskStore } from './state-store.js'
import type { WriteBatch } from './bytes-store.js'

export interface UnmatchedRow<out K, out L, out R> {
  readonly timestampMs: number
  readonly side: 'left' | 'right'
  readonly key: K
  /** In order of arrival. */
  readonly values: readonly (L | R)[]
}

export declare class OuterJoinRows<K, L, R> implements TaskStore {
  /** Appends an unmatched record. */
  put(side: 'left' | 'right', key: K, value: L | R, timestampMs: number): void
  /** Removes all unmatched records of that side, key and time. Does nothing when there are none. */
  delete(side: 'left' | 'right', key: K, timestampMs: number): void
  /** All rows by time, right before left, key bytes; rows deleted meanwhile are left out. */
  scan(): AsyncIterable<UnmatchedRow<K, L, R>>
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
