// What a task and its stores know of each other. A store buffers writes; the commit moves them in
// steps: flushCache → writeChangelog → (transaction ends) committed | aborted → persist.
import type { HeaderEntry, HeaderList } from '../serde/record-headers.js'
import type { BytesStore, WriteBatch } from './bytes-store.js'

/** How the changelog topic of a store is kept (cleanup policy and retention follow). */
export type ChangelogKind =
  'keyValue' | 'window' | 'session' | 'joinWindow' | 'versioned' | 'buffer'

/** One record of a changelog, for restoring. */
export interface ChangelogRecord {
  readonly key: Uint8Array
  readonly value: Uint8Array | null
  readonly timestampMs: number
  readonly headers: readonly HeaderEntry[]
}

/** The record that is being processed, as far as a store needs it. */
export interface StoreRecordContext {
  readonly timestampMs: number
  readonly headers: readonly HeaderEntry[]
  /** The headers themselves, where a node may still change them: what waits goes on with them as they are then. */
  readonly live?: HeaderList | undefined
  readonly metadata:
    | { readonly topic: string | null; readonly partition: number; readonly offset: number }
    | undefined
}

/** All that a store knows of its task. */
export interface StoreContext {
  readonly taskId: string
  readonly partition: number
  readonly applicationId: string
  /** A folder of this store's own, for stores of users' own engines; not made unless used. */
  readonly directory: string
  /** The changelog topic, or the name it would have: serdes get it as their topic. */
  readonly topic: string
  /** The rows of this store alone. */
  readonly rows: BytesStore
  /**
   * Writes a changelog record; a null timestamp is left to the producer. The bytes are the caller's
   * again afterwards. Does nothing when logging is off.
   */
  log(
    key: Uint8Array,
    value: Uint8Array | null,
    timestampMs: number | null,
    headers?: readonly HeaderEntry[],
  ): void
  /** The record in process; inside a punctuator its time and no headers. Stores keep it: it never changes. */
  record(): StoreRecordContext
  /** Counts and logs a record that the store refuses (an expired segment). */
  drop(reason: string): void
  /** Whether a failing callback may be survived, so that rows need undo images. */
  readonly mayContinue: boolean
  /** Whether objects are watched that became rows and must not change: in tests. */
  readonly guardsValues?: boolean | undefined
  /** Bytes that clean rows of this store may hold in memory. */
  readonly cacheBytes: number
  /** Bytes that rows of its engine may hold in memory besides, as bytes. */
  readonly packedBytes: number
  /** Whether record caches are on at all: false where `cacheMaxBytes` is 0 (semantics 15.1). */
  readonly recordCaches: boolean
}

/** The lifecycle of a store inside a task; the runtime calls it, in this order within a commit. */
export interface TaskStore {
  readonly name: string
  /** What users get from `getStateStore`. */
  readonly api: unknown
  /** What interactive queries read; every answer is a copy. */
  readonly view: unknown
  /** Applies changelog records in order; they count as committed at once and leave with the next persist. */
  restore(records: readonly ChangelogRecord[]): void
  /** Called once when restoring is over, before any processor is made. */
  restored?(): void | Promise<void>
  /** Forwards what the record cache holds back, oldest update first. */
  flushCache(): void | Promise<void>
  /** Makes what waits for the next commit smaller, where it can; between two records only. */
  compact?(): void
  /** Serializes each dirty row once and logs it. */
  writeChangelog(): void
  /** The transaction (or flush) that holds what was logged has succeeded. */
  committed(): void
  /** It has not: live rows are dropped, committed bytes count again. */
  aborted(): void
  /** Adds committed rows that the engine does not have yet. Only committed bytes, also in mid-transaction. */
  persist(batch: WriteBatch): void
  /** The batch has finished: its rows need no longer be held. */
  persisted(): void
  /** Bytes of rows that cannot be dropped from memory now: dirty, in a transaction, or not persisted. */
  readonly pinnedBytes: number
  /** Bytes of rows written since the last commit, for early commits. */
  readonly dirtyBytes: number
  /** Bytes that the record cache holds back; above the thread's share the caches are flushed early. */
  readonly heldBytes?: number
  /** Called by the last step of a commit, for stores of users' own. */
  flush?(): void
  close(): void
}

/** A store as a topology holds it: what it is, and how a task opens it. */
export interface StoreSpec {
  readonly name: string
  readonly kind:
    | 'keyValue'
    | 'timestampedKeyValue'
    | 'window'
    | 'timestampedWindow'
    | 'session'
    | 'versioned'
    | 'lru'
    | 'buffer'
    | 'custom'
  readonly engine: 'leveldb' | 'memory'
  readonly caching: boolean
  /** Topic configs on top of the defaults; false: no changelog. */
  readonly logging: false | Readonly<Record<string, string>>
  readonly changelog: ChangelogKind
  /** Of windows, sessions and versions, for the changelog's retention. */
  readonly retentionMs: number | undefined
  open(context: StoreContext): TaskStore
}
