// Queries of stores of lists: they see rows in memory over rows in the engine as bytes, and leave no
// trace in memory.
import type { ByteRange, Entry } from './bytes-store.js'
import { entriesOf, timePrefix, type EntryBytes, type FoundEntry } from './entry-bytes.js'
import { entriesIn, type EntryScan } from './entry-scan.js'
import { afterRows } from './retention.js'
import type { KeyCodec } from './value-codec.js'

/** A query of one key that needs more look-ups than this scans instead. */
const manyBuckets = 2000

/** What queries ask of the store. */
export interface QueriedBuckets<K> {
  readonly keys: KeyCodec<K>
  readonly bucketMs: number
  /** The latest `first` of any entry. */
  highest(): number
  /** The earliest that is to be seen. */
  visibleFrom(): number
  /** Before this only the memory is asked. */
  storedFrom(): number
  checkOpen(): void
  /** Buckets in `[from, below)` of which the memory has a row. */
  inMemory(key: K, from: number, below: number): number[]
  /** The list of a bucket as it is now. */
  imageOf(key: K, keyBytes: Uint8Array, bucket: number): Uint8Array | undefined
  scanRows(range: ByteRange): AsyncIterable<Entry>
}

export interface BucketScan extends EntryScan {
  /** With entries that have expired. */
  readonly expired?: boolean
}

export class BucketQueries<K> {
  readonly #store: QueriedBuckets<K>

  constructor(store: QueriedBuckets<K>) {
    this.#store = store
  }

  /** Entries of one key with `first` in `[from, to]`, by time. */
  async *ofKey(key: K, from: number, to: number, reverse: boolean): AsyncGenerator<FoundEntry<K>> {
    const found = this.#lookedUp(key, from, to)
    if (found !== undefined) {
      if (reverse) found.reverse()
      for (const entry of found) yield { ...entry, key }
      return
    }
    const keyBytes = this.#store.keys.encode(key)
    const o = { byTime: true, reverse, fromKey: keyBytes, toKey: keyBytes }
    for await (const some of this.scan(from, to, o)) yield* some
  }

  /**
   * Entries of all keys with `first` in `[from, to]`, some at a time. `byTime`: by first, second, then key bytes; else
   * by bucket, key, first.
   */
  scan(from: number, to: number, o: BucketScan): AsyncGenerator<readonly FoundEntry<K>[]> {
    const store = this.#store
    const { bucketMs, keys } = store
    const low = Math.max(0, from, o.expired === true ? 0 : store.visibleFrom())
    const high = Math.min(to, store.highest())
    const after = (Math.floor(Math.max(low, high) / bucketMs) + 1) * bucketMs
    const rows = store.scanRows({
      from: timePrefix(Math.floor(low / bucketMs) * bucketMs),
      to: after > Number.MAX_SAFE_INTEGER ? afterRows : timePrefix(after),
      reverse: o.reverse,
    })
    return entriesIn(rows, low, high, o, (bytes) => keys.decode(bytes))
  }

  /** By point look-ups; `undefined` when those would be so many that a scan is better. */
  #lookedUp(key: K, from: number, to: number): EntryBytes[] | undefined {
    const store = this.#store
    store.checkOpen()
    const { bucketMs } = store
    const low = Math.max(0, from, store.visibleFrom())
    const high = Math.min(to, store.highest())
    const start = Math.floor(Math.max(low, store.storedFrom()) / bucketMs)
    const last = Math.floor(high / bucketMs)
    if (last - start > manyBuckets) return undefined
    const keyBytes = store.keys.encode(key)
    const buckets = store.inMemory(key, Math.floor(low / bucketMs), start)
    for (let b = start; b <= last; b++) buckets.push(b)
    const found: EntryBytes[] = []
    for (const b of buckets) {
      const image = store.imageOf(key, keyBytes, b)
      if (image === undefined) continue
      for (const entry of entriesOf(image))
        if (entry.first >= low && entry.first <= high) found.push(entry)
    }
    return found
  }
}
