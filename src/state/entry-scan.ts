// Turns rows that are lists into the entries of all keys, in order.
import { compareBytes, readInt64 } from './byte-keys.js'
import { byTimeThenKey, entriesOf, type FoundEntry, type ScannedEntry } from './entry-bytes.js'
import type { Entry } from './bytes-store.js'

export interface EntryScan {
  /** By first, second, then key bytes, or by `compare`; else by bucket, key, first. */
  readonly byTime: boolean
  readonly reverse?: boolean
  readonly fromKey?: Uint8Array | undefined
  /** Inclusive, as `fromKey` is. */
  readonly toKey?: Uint8Array | undefined
  readonly compare?: ((a: ScannedEntry, b: ScannedEntry) => number) | undefined
}

/** Entries with `first` in `[low, high]`; `rows` come in the order of the scan. */
export async function* entriesIn<K>(
  rows: AsyncIterable<Entry>,
  low: number,
  high: number,
  scan: EntryScan,
  decodeKey: (bytes: Uint8Array) => K,
): AsyncGenerator<FoundEntry<K>> {
  const reverse = scan.reverse === true
  const sign = reverse ? -1 : 1
  const compare = scan.compare ?? byTimeThenKey
  const found = (entries: ScannedEntry[]): FoundEntry<K>[] => {
    if (scan.byTime) entries.sort((a, b) => sign * compare(a, b))
    return entries.map(({ keyBytes, first, second, image }) => ({
      key: decodeKey(keyBytes),
      first,
      second,
      image,
    }))
  }
  let bucket = -1
  let some: ScannedEntry[] = []
  for await (const [at, image] of rows) {
    const keyBytes = at.subarray(8)
    if (scan.fromKey !== undefined && compareBytes(keyBytes, scan.fromKey) < 0) continue
    if (scan.toKey !== undefined && compareBytes(keyBytes, scan.toKey) > 0) continue
    const time = readInt64(at, 0)
    if (!scan.byTime || time !== bucket) {
      yield* found(some)
      some = []
      bucket = time
    }
    for (const entry of entriesOf(image))
      if (entry.first >= low && entry.first <= high) some.push({ ...entry, keyBytes })
    if (!scan.byTime && reverse) some.reverse()
  }
  yield* found(some)
}
