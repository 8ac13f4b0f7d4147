// Turns rows that are lists into the entries of all keys, in order.
import { compareBytes, readInt64 } from './byte-keys.js'
import { byTimeThenKey, entriesOf, type ScannedEntry } from './entry-bytes.js'
import type { Entry } from './bytes-store.js'

export interface EntryScan {
  /** By first, second, then key bytes, or by `compare`; else by bucket, key, first. */
  readonly byTime: boolean
  readonly reverse?: boolean
  readonly fromKey?: Uint8Array | undefined
  /** Inclusive, as `fromKey` is. */
  readonly toKey?: Uint8Array | undefined
  readonly compare?: ((a: ScannedEntry<unknown>, b: ScannedEntry<unknown>) => number) | undefined
}

/** Entries with `first` in `[low, high]`, some at a time; `rows` come in the order of the scan. */
export async function* entriesIn<K>(
  rows: AsyncIterable<Entry>,
  low: number,
  high: number,
  scan: EntryScan,
  decodeKey: (bytes: Uint8Array) => K,
): AsyncGenerator<readonly ScannedEntry<K>[]> {
  const reverse = scan.reverse === true
  const sign = reverse ? -1 : 1
  const compare = scan.compare ?? byTimeThenKey
  const inOrder = (entries: ScannedEntry<K>[]): readonly ScannedEntry<K>[] =>
    scan.byTime ? entries.sort((a, b) => sign * compare(a, b)) : entries
  let bucket = -1
  let some: ScannedEntry<K>[] = []
  for await (const [at, image] of rows) {
    const keyBytes = at.subarray(8)
    if (scan.fromKey !== undefined && compareBytes(keyBytes, scan.fromKey) < 0) continue
    if (scan.toKey !== undefined && compareBytes(keyBytes, scan.toKey) > 0) continue
    const time = readInt64(at, 0)
    if (!scan.byTime || time !== bucket) {
      if (some.length > 0) yield inOrder(some)
      some = []
      bucket = time
    }
    const known = decodeKey(keyBytes)
    for (const { first, second, image: value } of entriesOf(image)) {
      if (first < low || first > high) continue
      // An object is one entry's own: who gets it may change it.
      const key = typeof known === 'object' ? decodeKey(keyBytes) : known
      some.push({ key, keyBytes, first, second, image: value })
    }
    if (!scan.byTime && reverse) some.reverse()
  }
  if (some.length > 0) yield inOrder(some)
}
