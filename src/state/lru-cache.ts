// The record cache in front of an LRU store. As in Kafka Streams it goes on showing what was written
// or read, also rows that the store behind it has dropped since (semantics 15.2, 15.4).
import type { StoreRecordContext } from './state-store.js'

/** What an entry costs beside its bytes. */
const entryBytes = 100

export class LruCache {
  readonly #maxBytes: number
  /** Key bytes as text → value bytes, null for a deletion; least recently used first. */
  readonly #entries = new Map<string, Uint8Array | null>()
  /** Updates that the store does not have yet, in order of each key's last one. */
  readonly #held = new Map<string, StoreRecordContext>()
  #bytes = 0
  #heldBytes = 0

  /** Above `maxBytes` entries leave that the store has. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** About as many bytes as the updates since the last flush take. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** All entries: what a scan has to show in front of the store's rows. */
  entries(): Iterable<readonly [key: string, image: Uint8Array | null]> {
    return this.#entries
  }

  /** `undefined` where it knows nothing of the key. */
  get(key: string): Uint8Array | null | undefined {
    const image = this.#entries.get(key)
    if (image === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, image)
    return image
  }

  /** The same without a trace. */
  peek(key: string): Uint8Array | null | undefined {
    return this.#entries.get(key)
  }

  /** Notes a row that was read from the store. */
  keep(key: string, image: Uint8Array): void {
    this.#set(key, image)
  }

  /** Notes an update, which waits for the flush. */
  hold(key: string, image: Uint8Array | null, context: StoreRecordContext): void {
    if (!this.#held.delete(key)) this.#heldBytes += sizeOf(key, image)
    this.#held.set(key, context)
    this.#set(key, image)
  }

  /** Hands the updates on; rows stay, deletions are forgotten. */
  flush(write: (key: string, image: Uint8Array | null, context: StoreRecordContext) => void): void {
    for (const [key, context] of this.#held) {
      const image = this.#entries.get(key) ?? null
      if (image === null) this.#drop(key)
      write(key, image, context)
    }
    this.#held.clear()
    this.#heldBytes = 0
  }

  clear(): void {
    this.#entries.clear()
    this.#held.clear()
    this.#bytes = this.#heldBytes = 0
  }

  #set(key: string, image: Uint8Array | null): void {
    this.#drop(key)
    this.#entries.set(key, image)
    this.#bytes += sizeOf(key, image)
    if (this.#bytes <= this.#maxBytes) return
    for (const [oldest] of this.#entries) {
      if (!this.#held.has(oldest)) this.#drop(oldest)
      if (this.#bytes <= this.#maxBytes) return
    }
  }

  #drop(key: string): void {
    const image = this.#entries.get(key)
    if (image === undefined) return
    this.#entries.delete(key)
    this.#bytes -= sizeOf(key, image)
  }
}

const sizeOf = (key: string, image: Uint8Array | null): number =>
  key.length + (image?.length ?? 0) + entryBytes
