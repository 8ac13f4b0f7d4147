// The rows of a database behind a prefix, as a store of their own.
import type { ByteRange, BytesStore, Entry } from './bytes-store.js'
import { afterPrefix, concatBytes } from './byte-keys.js'

export class DatabasePart implements BytesStore {
  readonly #whole: BytesStore
  readonly #prefix: Uint8Array
  readonly #after: Uint8Array | undefined
  readonly #size: () => number

  constructor(whole: BytesStore, prefix: Uint8Array, size: () => number) {
    this.#whole = whole
    this.#prefix = prefix
    this.#after = afterPrefix(prefix)
    this.#size = size
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#whole.get(concatBytes(this.#prefix, key))
  }

  scan(range: ByteRange): AsyncIterable<Entry> {
    const skip = this.#prefix.length
    const inside = this.#whole.scan({
      from: range.from === undefined ? this.#prefix : concatBytes(this.#prefix, range.from),
      to: range.to === undefined ? this.#after : concatBytes(this.#prefix, range.to),
      reverse: range.reverse,
    })
    return withoutPrefix(inside, skip)
  }

  approximateSize(): number {
    return this.#size()
  }
}

async function* withoutPrefix(entries: AsyncIterable<Entry>, skip: number): AsyncGenerator<Entry> {
  for await (const [key, value] of entries) yield [key.subarray(skip), value]
}
