// Key-value stores as stateful operators use them, plain and timestamped.
import type { FlushListener, FlushOptions, LiveRow } from './live-row.js'
import type { KeyValueStore } from './key-value-store.js'
import type { ChangelogRecord, TaskStore } from './state-store.js'
import type { WriteBatch } from './bytes-store.js'

export declare class KeyValueRows<K, V> implements TaskStore {
  readonly name: string
  /** Whether forwarding waits for the flush: then register a listener and do not forward on writes. */
  readonly cached: boolean
  readonly api: KeyValueStore<K, unknown>
  readonly view: unknown
  /** The row of a key, `undefined` where there is none. Allocates nothing for a key in memory. */
  row(key: K): LiveRow<V> | undefined
  /** Call before a user's callback gets `row.value` and may change it in place. */
  protect(row: LiveRow<V>): void
  /** Call when that callback threw: the row is what it was when it was protected. */
  undo(row: LiveRow<V>): void
  /** A copy of the value that later changes in place do not reach. Primitives are themselves. */
  copyOf(row: LiveRow<V>): V
  /** Writes, null deletes. `timestampMs` is the value's; a deletion is logged under the context's. */
  write(key: K, value: V | null, timestampMs: number): void
  /** Makes this a record cache with a listener, where `cached`; without one every row counts as flushed. */
  onFlush(listener: FlushListener<K, V>, options: FlushOptions): void
  restore(records: readonly ChangelogRecord[]): void
  flushCache(): void | Promise<void>
  writeChangelog(): void
  committed(): void
  aborted(): void
  persist(batch: WriteBatch): void
  persisted(): void
  readonly pinnedBytes: number
  readonly dirtyBytes: number
  readonly heldBytes: number
  close(): void
}
