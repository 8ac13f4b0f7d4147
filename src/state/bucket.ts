// A list in memory as objects, for stores whose entries change: sessions and sliding windows.
import { allocate } from './byte-slab.js'
import { headBytes, writeEntry } from './entry-bytes.js'
import type { BucketRow, EntryList } from './bucket-row.js'
import { CachedValue } from './row.js'

/** One entry: a row of the changelog, and what operators see as a live row. */
export class BucketEntry<K, V> extends CachedValue<K, V> {
  constructor(
    public row: BucketRow<K, Bucket<K, V>>,
    public first: number,
    public second: number,
  ) {
    super()
  }
}

export class Bucket<K, V> implements EntryList {
  /** In order of `first`, then `second`; deleted ones stay until they are logged. */
  readonly entries: BucketEntry<K, V>[] = []
  /** How many entries are to be logged. */
  dirtyEntries = 0

  get isEmpty(): boolean {
    const { entries } = this
    for (let i = entries.length - 1; i >= 0; i--) if (entries[i]!.present) return false
    return true
  }

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
    const { entries } = this
    const index = this.indexOf(entry.first, entry.second)
    if (index === entries.length) entries.push(entry)
    else entries.splice(index, 0, entry)
  }

  remove(entry: BucketEntry<K, V>): void {
    const { entries } = this
    const index = entries.lastIndexOf(entry)
    if (index === entries.length - 1) entries.pop()
    else if (index >= 0) entries.splice(index, 1)
  }

  /** Its bytes; `imageOf` gives those of an entry that is present. */
  encode(imageOf: (entry: BucketEntry<K, V>) => Uint8Array): Uint8Array {
    const { entries } = this
    let length = 0
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!
      if (entry.present) length += headBytes + imageOf(entry).length
    }
    const bytes = allocate(length)
    let at = 0
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!
      if (entry.present) at = writeEntry(bytes, at, entry.first, entry.second, imageOf(entry))
    }
    return bytes
  }
}
