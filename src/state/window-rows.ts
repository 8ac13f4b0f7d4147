// Window stores as stateful operators use them: time windows by point look-up.
import type { FlushOptions, LiveRow, WindowFlushListener } from './live-row.js'
import type { ChangelogRecord, TaskStore } from './state-store.js'
import type { WriteBatch } from './bytes-store.js'

export declare class WindowRows<K, V> implements TaskStore {
  readonly cached: boolean
  readonly sizeMs: number
  /** The window of a key that starts at `startMs`; rows past the retention are not there. */
  row(key: K, startMs: number): LiveRow<V> | undefined
  protect(row: LiveRow<V>): void
  undo(row: LiveRow<V>): void
  copyOf(row: LiveRow<V>): V
  /** False when the store refused the row because its segment is gone; that is logged and counted here. */
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
