// Lists as the engine has them. A store of sessions, sliding windows or joined records has one row
// per (key, time bucket):
//
//   key    bucket start 8 │ key
//   value  entry after entry: first 8 │ second 8 │ length 4 │ value, with 8 bytes of time before it
//          in timestamped stores
//
// `first` orders and expires: the end of a session, the start of a window, the time of a record.
// `second` tells entries of one `first` apart: the start of a session, a sequence number.
import { compareBytes, readInt32, readInt64, writeInt32, writeInt64 } from './byte-keys.js'

/** Bytes of an entry before its value. */
export const headBytes = 20

/** An entry as bytes. */
export interface EntryBytes {
  readonly first: number
  readonly second: number
  readonly image: Uint8Array
}

/** An entry found by a scan, with its key. */
export interface FoundEntry<K> extends EntryBytes {
  readonly key: K
}

export interface ScannedEntry<K> extends FoundEntry<K> {
  readonly keyBytes: Uint8Array
}

export const byTimeThenKey = (a: ScannedEntry<unknown>, b: ScannedEntry<unknown>): number =>
  a.first - b.first || compareBytes(a.keyBytes, b.keyBytes) || a.second - b.second

/** Writes an entry; returns where it ends. */
export const writeEntry = (
  to: Uint8Array,
  offset: number,
  first: number,
  second: number,
  image: Uint8Array,
): number => {
  const { length } = image
  const at = writeInt32(to, writeInt64(to, writeInt64(to, offset, first), second), length)
  // Below this length a loop is quicker than a call out of JavaScript.
  if (length > 64) to.set(image, at)
  else for (let i = 0; i < length; i++) to[at + i] = image[i]!
  return at + length
}

export const firstAt = (list: Uint8Array, at: number): number => readInt64(list, at)
export const secondAt = (list: Uint8Array, at: number): number => readInt64(list, at + 8)
/** Where the entry that begins at `at` ends. */
export const endOf = (list: Uint8Array, at: number): number =>
  at + headBytes + readInt32(list, at + 16)

/** The entries of a list. */
export const entriesOf = (list: Uint8Array): EntryBytes[] => {
  const entries: EntryBytes[] = []
  for (let at = 0; at < list.length;) {
    const end = endOf(list, at)
    const start = at + headBytes
    // Twice as fast as `subarray`.
    const image = new Uint8Array(list.buffer, list.byteOffset + start, end - start)
    entries.push({ first: firstAt(list, at), second: secondAt(list, at), image })
    at = end
  }
  return entries
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
