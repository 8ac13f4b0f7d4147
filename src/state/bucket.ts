// What stores of sessions, sliding windows and join windows keep of one key and one stretch of time:
// a list, in order. Its bytes in the engine, entry after entry:
//
//   first 8 │ second 8 │ length 4 │ value, with 8 bytes of time before it in timestamped stores
//
// `first` orders and expires: the end of a session, the start of a window, the time of a record.
// `second` tells entries of one `first` apart: the start of a session, a sequence number.
import { compareBytes, readInt32, readInt64, writeInt32, writeInt64 } from './byte-keys.js'
import { RAW, Row } from './row.js'

const headBytes = 20

/** One entry: a row of the changelog, and what operators see as a live row. */
export class BucketEntry<K, V> extends Row<K, V> {
  constructor(
    key: K,
    readonly bucket: BucketRow<K, V>,
    readonly first: number,
    readonly second: number,
  ) {
    super(key, undefined, first)
  }
}

export class Bucket<K, V> {
  /** In order of `first`, then `second`; deleted ones stay until they are logged. */
  readonly entries: BucketEntry<K, V>[] = []
  /** How many entries are to be logged. */
  dirtyEntries = 0

  /** The first index whose entry is not before (first, second). */
  indexOf(first: number, second: number): number {
    const entries = this.entries
    const last = entries[entries.length - 1]
    // Time mostly goes on: look at the end first.
    if (last === undefined || last.first < first) return entries.length
    let low = 0
    let high = entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const entry = entries[middle]!
      if (entry.first < first || (entry.first === first && entry.second < second)) low = middle + 1
      else high = middle
    }
    return low
  }

  find(first: number, second: number): BucketEntry<K, V> | undefined {
    const entry = this.entries[this.indexOf(first, second)]
    return entry !== undefined && entry.first === first && entry.second === second
      ? entry
      : undefined
  }

  add(entry: BucketEntry<K, V>): void {
    this.entries.splice(this.indexOf(entry.first, entry.second), 0, entry)
  }

  remove(entry: BucketEntry<K, V>): void {
    const index = this.entries.indexOf(entry)
    if (index >= 0) this.entries.splice(index, 1)
  }
}

/** The row of the engine. An empty bucket is no row. */
export class BucketRow<K, V> extends Row<K, Bucket<K, V>> {
  override get present(): boolean {
    if ((this.flags & RAW) !== 0) return true
    const bucket = this.value
    return bucket !== null && bucket.entries.some((entry) => entry.present)
  }
}

/** An entry as bytes. */
export interface EntryBytes {
  readonly first: number
  readonly second: number
  readonly image: Uint8Array
}

/** `imageOf` gives the bytes of an entry that is present. */
export const encodeBucket = <K, V>(
  bucket: Bucket<K, V>,
  imageOf: (entry: BucketEntry<K, V>) => Uint8Array,
): Uint8Array => {
  let length = 0
  for (const entry of bucket.entries) if (entry.present) length += headBytes + imageOf(entry).length
  const bytes = Buffer.allocUnsafeSlow(length)
  let at = 0
  for (const entry of bucket.entries) {
    if (!entry.present) continue
    const image = imageOf(entry)
    at = writeInt64(bytes, at, entry.first)
    at = writeInt64(bytes, at, entry.second)
    at = writeInt32(bytes, at, image.length)
    bytes.set(image, at)
    at += image.length
  }
  return bytes
}

export function* entriesOf(image: Uint8Array): Generator<EntryBytes> {
  let at = 0
  while (at < image.length) {
    const length = readInt32(image, at + 16)
    const start = at + headBytes
    yield {
      first: readInt64(image, at),
      second: readInt64(image, at + 8),
      image: image.subarray(start, start + length),
    }
    at = start + length
  }
}

/** The beginning of the engine keys of the buckets that start at a time. */
export const timePrefix = (timeMs: number): Uint8Array => {
  const prefix = new Uint8Array(8)
  writeInt64(prefix, 0, timeMs)
  return prefix
}

/** Where the bucket of a key that starts at a time lies in the engine. */
export const bucketKey = (timeMs: number, keyBytes: Uint8Array): Uint8Array => {
  const key = Buffer.allocUnsafe(8 + keyBytes.length)
  writeInt64(key, 0, timeMs)
  key.set(keyBytes, 8)
  return key
}

/** An entry found by a scan, with its key. */
export interface FoundEntry<K> extends EntryBytes {
  readonly key: K
}

export interface ScannedEntry extends EntryBytes {
  readonly keyBytes: Uint8Array
}

export const byTimeThenKey = (a: ScannedEntry, b: ScannedEntry): number =>
  a.first - b.first || compareBytes(a.keyBytes, b.keyBytes) || a.second - b.second
