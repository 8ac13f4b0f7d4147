// The writes of a batch as a list, for engines that apply them when the batch is written.
import type { WriteBatch } from './bytes-store.js'
import { concatBytes } from './byte-keys.js'

/** Range deletions come first: what the same batch puts into a range stays. */
export class WriteList implements WriteBatch {
  readonly keys: Uint8Array[] = []
  /** Null deletes. */
  readonly values: (Uint8Array | null)[] = []
  /** The parts that were written, for counting rows. */
  readonly parts: PartBatch[] = []
  readonly ranges: (readonly [from: Uint8Array, to: Uint8Array])[] = []
  #bytes = 0

  get byteLength(): number {
    return this.#bytes
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.keys.push(key)
    this.values.push(value)
    this.#bytes += key.length + value.length
  }

  delete(key: Uint8Array): void {
    this.keys.push(key)
    this.values.push(null)
    this.#bytes += key.length
  }

  deleteRange(from: Uint8Array, to: Uint8Array): void {
    this.ranges.push([from, to])
    this.#bytes += from.length + to.length
  }
}

/** Puts a prefix before every key of another batch. */
export class PartBatch implements WriteBatch {
  readonly #batch: WriteBatch
  readonly #prefix: Uint8Array
  /** Puts less deletions. */
  change = 0

  constructor(batch: WriteBatch, prefix: Uint8Array) {
    this.#batch = batch
    this.#prefix = prefix
    if (batch instanceof WriteList) batch.parts.push(this)
  }

  get prefix(): Uint8Array {
    return this.#prefix
  }

  get byteLength(): number {
    return this.#batch.byteLength
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.change++
    this.#batch.put(concatBytes(this.#prefix, key), value)
  }

  delete(key: Uint8Array): void {
    this.change--
    this.#batch.delete(concatBytes(this.#prefix, key))
  }

  deleteRange(from: Uint8Array, to: Uint8Array): void {
    this.#batch.deleteRange(concatBytes(this.#prefix, from), concatBytes(this.#prefix, to))
  }
}
