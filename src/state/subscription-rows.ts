// The subscription store of foreign-key joins: (foreign key, left key) → subscription (semantics 8.10).
import type { ChangelogRecord, TaskStore } from './state-store.js'
import type { WriteBatch } from './bytes-store.js'

export declare class SubscriptionRows implements TaskStore {
  /** Keys and subscription are bytes as Kafka Streams has them; null deletes. */
  write(
    foreignKey: Uint8Array,
    leftKey: Uint8Array,
    subscription: Uint8Array | null,
    timestampMs: number,
  ): void
  /** All subscriptions of a foreign key by bytes of the left key. */
  scan(
    foreignKey: Uint8Array,
  ): AsyncIterable<{ leftKey: Uint8Array; subscription: Uint8Array; timestampMs: number }>
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
