// The window stores of stream-stream joins: one row per (key, time bucket) lists the records in it.
import type { ChangelogRecord, TaskStore } from './state-store.js'
import type { WriteBatch } from './bytes-store.js'

/** A record of the other side. */
export interface JoinRow<out V> {
  readonly value: V
  readonly timestampMs: number
}

export declare class JoinRows<K, V> implements TaskStore {
  /** Keeps a record; a null value only takes a sequence number and writes a null to the changelog. */
  put(key: K, value: V | null, timestampMs: number): boolean
  /** Records of the key with time in `[fromMs, toMs]`, ascending, then by insertion. Copies. */
  find(key: K, fromMs: number, toMs: number): readonly JoinRow<V>[]
  /** The largest time put so far, -1 at first. */
  readonly observedMs: number
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
