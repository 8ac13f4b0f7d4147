// Stream records that wait for a versioned table until stream time is past them (semantics 9.5).
import type { ChangelogRecord, StoreRecordContext, TaskStore } from './state-store.js'
import type { WriteBatch } from './bytes-store.js'

export interface Waiting<out K, out V> {
  readonly key: K
  readonly value: V
  readonly context: StoreRecordContext
}

export declare class GraceBuffer<K, V> implements TaskStore {
  /** Buffers a record under the time of its context. */
  put(key: K, value: V, context: StoreRecordContext): void
  /** Removes and returns the front, by time, key bytes, arrival, if its time is at most `untilMs`. */
  poll(untilMs: number): Waiting<K, V> | undefined
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
