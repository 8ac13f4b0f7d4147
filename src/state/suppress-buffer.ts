// The buffer of suppress: the last update of each key until stream time passes it (semantics 13).
import type { ChangelogRecord, StoreRecordContext, TaskStore } from './state-store.js'
import type { WriteBatch } from './bytes-store.js'

export interface Suppressed<out K, out V> {
  readonly key: K
  readonly newValue: V | null
  readonly oldValue: V | null
  /** Of the last update. */
  readonly context: StoreRecordContext
}

export declare class SuppressBuffer<K, V> implements TaskStore {
  /** A key that is buffered already keeps its place and its prior value. */
  put(
    bufferTimeMs: number,
    key: K,
    newValue: V | null,
    oldValue: V | null,
    context: StoreRecordContext,
  ): void
  /** Buffer time of the front, Infinity when empty. */
  readonly minTimeMs: number
  readonly records: number
  /** As Kafka Streams counts them (semantics 13.7). */
  readonly bytes: number
  /** Removes and returns the front. */
  poll(): Suppressed<K, V> | undefined
  /** What look-ups see while the key is buffered; `undefined` when it is not. */
  prior(key: K): { readonly value: V | null } | undefined
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
