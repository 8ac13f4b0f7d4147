// The one interface that a store engine implements: sorted bytes.

/** Bounds of a scan by unsigned bytes: `from` inclusive, `to` exclusive; absent means open. */
export interface ByteRange {
  readonly from?: Uint8Array | undefined
  readonly to?: Uint8Array | undefined
  readonly reverse?: boolean | undefined
}

export type Entry = readonly [key: Uint8Array, value: Uint8Array]

/** Takes a row in arrays that are good during the call only. */
export type ShowRow = (key: Uint8Array, value: Uint8Array) => void

/** Very many rows for a batch, whose bytes nobody changes, in parts of moderate size. */
export interface RowRun {
  readonly parts: number
  readonly count: number
  readonly byteLength: number
  /** Shows the rows of a part, keys behind a prefix; gives their number. */
  each(part: number, prefix: Uint8Array, show: ShowRow): number
}

/** Writes that become visible together. */
export interface WriteBatch {
  put(key: Uint8Array, value: Uint8Array): void
  delete(key: Uint8Array): void
  /** Puts many rows, after what was written before and before what is written next. */
  putRun(run: RowRun): void
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
