// The one interface that a store engine implements: sorted bytes.

/** Bounds of a scan by unsigned bytes: `from` inclusive, `to` exclusive; absent means open. */
export interface ByteRange {
  readonly from?: Uint8Array | undefined
  readonly to?: Uint8Array | undefined
  readonly reverse?: boolean | undefined
}

export type Entry = readonly [key: Uint8Array, value: Uint8Array]

/** Writes that become visible together. */
export interface WriteBatch {
  put(key: Uint8Array, value: Uint8Array): void
  delete(key: Uint8Array): void
  /** Deletes `[from, to)` as it is when the batch is written. */
  deleteRange(from: Uint8Array, to: Uint8Array): void
  readonly byteLength: number
}

/** Sorted bytes with point look-ups that do not wait. */
export interface BytesStore {
  get(key: Uint8Array): Uint8Array | undefined
  /** A consistent view as of the call. */
  scan(range: ByteRange): AsyncIterable<Entry>
  approximateSize(): number
}

/** A database: what a task owns. Its stores see parts of it through `part`. */
export interface Database extends BytesStore {
  batch(): WriteBatch
  /** All or nothing; `sync` waits until it is on the disk. */
  write(batch: WriteBatch, options?: { readonly sync?: boolean }): Promise<void>
  /** The rows behind a prefix; `batch` keys must carry the prefix, which `partBatch` does. */
  part(prefix: Uint8Array): BytesStore
  partBatch(batch: WriteBatch, prefix: Uint8Array): WriteBatch
  /** Deletes everything. */
  clear(): Promise<void>
  close(): Promise<void>
}
