// The lists in memory: of each key those that are there, by time.
import type { BucketRow, EntryList } from './bucket-row.js'

export class BucketMap<K, L extends EntryList> {
  readonly #keys = new Map<unknown, BucketRow<K, L>[]>()
  /** The key that was looked up last: a record asks for several of its lists. */
  #lastKey: unknown
  #lastRows: BucketRow<K, L>[] | undefined

  get(mapKey: unknown, bucket: number): BucketRow<K, L> | undefined {
    const rows = this.#rowsOf(mapKey)
    if (rows === undefined) return undefined
    // Time mostly goes on: the last is asked for, or the one before.
    let i = rows.length - 1
    let row = rows[i]!
    if (row.timeMs > bucket) {
      i = indexOf(rows, bucket)
      row = rows[i]!
    }
    return row.timeMs === bucket ? row : undefined
  }

  add(row: BucketRow<K, L>): void {
    const rows = this.#rowsOf(row.mapKey)
    if (rows === undefined) {
      this.#lastRows = [row]
      this.#keys.set(row.mapKey, this.#lastRows)
    } else if (rows[rows.length - 1]!.timeMs < row.timeMs) rows.push(row)
    else rows.splice(indexOf(rows, row.timeMs), 0, row)
  }

  delete(row: BucketRow<K, L>): void {
    const rows = this.#keys.get(row.mapKey)
    if (rows === undefined) return
    const i = indexOf(rows, row.timeMs)
    if (rows[i] !== row) return
    rows.splice(i, 1)
    if (rows.length > 0) return
    this.#keys.delete(row.mapKey)
    if (this.#lastRows === rows) this.#lastRows = undefined
  }

  /** Buckets in `[from, below)` that have a row of the key, ascending. */
  having(mapKey: unknown, from: number, below: number): number[] {
    const found: number[] = []
    const rows = this.#rowsOf(mapKey)
    if (rows !== undefined)
      for (let i = indexOf(rows, from); i < rows.length && rows[i]!.timeMs < below; i++)
        found.push(rows[i]!.timeMs)
    return found
  }

  /** Rows of all buckets before one; deleting them meanwhile is fine. */
  *before(bucket: number): Generator<BucketRow<K, L>> {
    for (const rows of this.#keys.values()) {
      if (rows[0]!.timeMs >= bucket) continue
      yield* rows.slice(0, indexOf(rows, bucket))
    }
  }

  #rowsOf(mapKey: unknown): BucketRow<K, L>[] | undefined {
    if (mapKey === this.#lastKey && this.#lastRows !== undefined) return this.#lastRows
    this.#lastKey = mapKey
    return (this.#lastRows = this.#keys.get(mapKey))
  }
}

/** The first index whose row is not before a bucket. */
const indexOf = (rows: readonly { readonly timeMs: number }[], bucket: number): number => {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rows[middle]!.timeMs < bucket) low = middle + 1
    else high = middle
  }
  return low
}
