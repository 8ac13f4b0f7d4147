// The store of sliding windows: one row per (key, time bucket) lists the windows that start in it.
import type { FlushOptions, LiveRow, WindowFlushListener } from './live-row.js'
import type { ChangelogRecord, TaskStore } from './state-store.js'
import type { WriteBatch } from './bytes-store.js'

/** A window found; good until the next write. */
export interface SlidingRow<out V> extends LiveRow<V> {
  readonly startMs: number
}

export declare class SlidingRows<K, V> implements TaskStore {
  readonly cached: boolean
  readonly sizeMs: number
  /** Windows of the key with start in `[fromMs, toMs]`, ascending. */
  find(key: K, fromMs: number, toMs: number): readonly SlidingRow<V>[]
  row(key: K, startMs: number): LiveRow<V> | undefined
  protect(row: LiveRow<V>): void
  undo(row: LiveRow<V>): void
  copyOf(row: LiveRow<V>): V
  write(key: K, startMs: number, value: V | null, timestampMs: number): boolean
  onFlush(listener: WindowFlushListener<K, V>, options: FlushOptions): void
  /** Windows with start in `[fromMs, toMs]` by start, then key bytes, for emit on close. */
  closed(
    fromMs: number,
    toMs: number,
  ): AsyncIterable<{ key: K; startMs: number; value: V; timestampMs: number }>
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
