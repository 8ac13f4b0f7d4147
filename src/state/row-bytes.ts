// The rows of a key-value store that are not live, found by key: those written since the last commit,
// committed ones on their way to the engine, and the engine's, of which many are remembered.
import type { ShowRow, WriteBatch } from './bytes-store.js'
import { PackedRows } from './packed-rows.js'
import { UncommittedRows } from './uncommitted-rows.js'
import type { KeyCodec } from './value-codec.js'

/** Where an image lies among other bytes, until the next call. */
export type FoundBytes = Pick<PackedRows, 'buffer' | 'start' | 'end'>

/** Where keys are written that are needed for a moment. */
const scratch: Uint8Array = Buffer.allocUnsafeSlow(256)

export class RowBytes<K> {
  readonly #keys: KeyCodec<K>
  /** What the engine has, or will have with a restore that is not persisted yet. */
  readonly #below: (engineKey: Uint8Array) => Uint8Array | undefined
  readonly #uncommitted: UncommittedRows
  /** Rows of the engine, which need not be asked then, and committed ones that it does not have yet. */
  readonly #packed: PackedRows
  #key = scratch

  constructor(
    keys: KeyCodec<K>,
    maxBytes: number,
    below: (engineKey: Uint8Array) => Uint8Array | undefined,
  ) {
    this.#keys = keys
    this.#below = below
    this.#uncommitted = new UncommittedRows(maxBytes)
    this.#packed = new PackedRows(maxBytes)
  }

  /** Says that the engine has no row: all that it will ever have passes by here. */
  beginEmpty(): void {
    this.#packed.isComplete = true
  }

  /** The key's bytes, until the next call. */
  keyBytes(key: K): Uint8Array {
    const length = this.#writeKey(key)
    return firstBytes(this.#key, length)
  }

  /** Where the row of a key lies. What the engine has is remembered. */
  find(key: K): FoundBytes | undefined {
    const length = this.#writeKey(key)
    const found = this.#findInMemory(length)
    if (found !== undefined || this.#packed.isComplete) return found
    const image = this.#below(firstBytes(this.#key, length))
    if (image === undefined) return undefined
    this.#packed.set(this.#key, length, image)
    return { buffer: image, start: 0, end: image.length }
  }

  /** A copy of the row's bytes; nothing is remembered. */
  peek(key: K): Uint8Array | undefined {
    const length = this.#writeKey(key)
    const found = this.#findInMemory(length)
    return found === undefined ? this.#below(firstBytes(this.#key, length)) : imageOf(found)
  }

  /** Keeps a copy of what the engine has of a row from now on; null where it was deleted. */
  stored(key: K, image: Uint8Array | null): boolean {
    const length = this.#writeKey(key)
    if (image !== null) return this.#packed.set(this.#key, length, image)
    this.#packed.delete(this.#key, length)
    return false
  }

  /** The engine's row has changed behind our back. */
  restored(key: Uint8Array): void {
    this.#packed.delete(key, key.length)
    this.#packed.isComplete = false
  }

  // ---------- what the engine does not have

  /** Whether the changelog does not have the row that was found last. */
  get isDirty(): boolean {
    return this.#uncommitted.isDirty
  }

  /** What the owner has put to that row, where it is dirty; else 0. */
  get tag(): number {
    return this.#uncommitted.tag
  }

  putTag(tag: number): void {
    this.#uncommitted.putTag(tag)
  }

  /** Keeps a copy of a changed row, the first `length` bytes of `image`; false where it is too large. */
  write(key: K, image: Uint8Array, length: number): boolean {
    const keyLength = this.#writeKey(key)
    return this.#uncommitted.write(this.#key, keyLength, image, length)
  }

  /** The dirty row that was found is live from now on. */
  takeFound(): void {
    this.#uncommitted.takeFound()
  }

  /** Whatever changed row there is of a key, it is live from now on. */
  take(key: K): void {
    if (this.dirtyBytes === 0) return
    const length = this.#writeKey(key)
    if (this.#uncommitted.find(this.#key, length) && this.isDirty) this.takeFound()
  }

  /** Keeps a copy of a committed row until it is persisted; false where it is too large. */
  commit(key: K, image: Uint8Array): boolean {
    const length = this.#writeKey(key)
    return this.#packed.commit(this.#key, length, image)
  }

  /** Rows that the changelog does not have, and some that are live. */
  get dirtyRows(): number {
    return this.#uncommitted.dirtyRows
  }

  /** Bytes of rows that the changelog does not have. */
  get dirtyBytes(): number {
    return this.#uncommitted.dirtyBytes
  }

  /** Bytes of rows that the engine does not have. */
  get pinnedBytes(): number {
    return this.#packed.pinnedBytes + this.#uncommitted.bytes
  }

  /** Shows the rows that the engine does not have, later ones over earlier ones. */
  eachPinned(show: ShowRow): void {
    this.#packed.showPinned(show)
    this.#uncommitted.each(show)
  }

  /** Shows what goes into the changelog now. */
  writeChangelog(log: ShowRow): void {
    this.#uncommitted.writeChangelog(log)
  }

  committed(): void {
    this.#uncommitted.committed((key, image) => this.#packed.commit(key, key.length, image))
  }

  aborted(): void {
    this.#uncommitted.aborted()
  }

  persist(batch: WriteBatch): void {
    const run = this.#packed.persist()
    if (run !== undefined) batch.putRun(run)
  }

  persisted(): void {
    this.#packed.persisted()
  }

  // ---------- keys

  #findInMemory(length: number): FoundBytes | undefined {
    if (this.#uncommitted.find(this.#key, length)) return this.#uncommitted
    return this.#packed.find(this.#key, length) ? this.#packed : undefined
  }

  /** Writes a key to the start of `#key`, where it stays until the next one; gives its length. */
  #writeKey(key: K): number {
    const length = this.#keys.write(key, scratch)
    this.#key = length < 0 ? this.#keys.encode(key) : scratch
    return length < 0 ? this.#key.length : length
  }
}

/** A copy of what was found. */
export const imageOf = ({ buffer, start, end }: FoundBytes): Uint8Array =>
  new Uint8Array(buffer.subarray(start, end))

const firstBytes = (bytes: Uint8Array, length: number): Uint8Array =>
  bytes.length === length ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, length)
