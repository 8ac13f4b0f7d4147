// Session stores as stateful operators use them: one row per (key, time bucket) lists the sessions
// that end in it.
import type { FlushOptions, LiveRow, SessionFlushListener } from './live-row.js'
import type { ChangelogRecord, TaskStore } from './state-store.js'
import type { WriteBatch } from './bytes-store.js'

/** A session found; good until the next write. */
export interface SessionRow<out V> extends LiveRow<V> {
  readonly startMs: number
  readonly endMs: number
}

export declare class SessionRows<K, V> implements TaskStore {
  readonly cached: boolean
  /** Sessions with end ≥ `earliestEndMs` and start ≤ `latestStartMs`, by end, then start. */
  find(key: K, earliestEndMs: number, latestStartMs: number): readonly SessionRow<V>[]
  row(key: K, startMs: number, endMs: number): SessionRow<V> | undefined
  protect(row: LiveRow<V>): void
  undo(row: LiveRow<V>): void
  copyOf(row: LiveRow<V>): V
  /** False when the store refused the row because its segment is gone; that is logged and counted here. */
  write(key: K, startMs: number, endMs: number, value: V | null): boolean
  onFlush(listener: SessionFlushListener<K, V>, options: FlushOptions): void
  /** Sessions with end in `[fromMs, toMs]` by end, start, key bytes (in memory: end, key, start). */
  closed(
    fromMs: number,
    toMs: number,
  ): AsyncIterable<{ key: K; startMs: number; endMs: number; value: V }>
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
