// The lists in memory, by time bucket and key.
import type { BucketRow } from './bucket.js'

export class BucketMap<K, V> {
  readonly #buckets = new Map<number, Map<unknown, BucketRow<K, V>>>()

  get(bucket: number, mapKey: unknown): BucketRow<K, V> | undefined {
    return this.#buckets.get(bucket)?.get(mapKey)
  }

  add(row: BucketRow<K, V>): void {
    let rows = this.#buckets.get(row.timeMs)
    if (rows === undefined) this.#buckets.set(row.timeMs, (rows = new Map()))
    rows.set(row.mapKey, row)
  }

  delete(row: BucketRow<K, V>): void {
    const rows = this.#buckets.get(row.timeMs)
    rows?.delete(row.mapKey)
    if (rows?.size === 0) this.#buckets.delete(row.timeMs)
  }

  /** Buckets in `[from, below)` that have a row of the key, ascending. */
  having(mapKey: unknown, from: number, below: number): number[] {
    const found: number[] = []
    for (const [bucket, rows] of this.#buckets)
      if (bucket >= from && bucket < below && rows.has(mapKey)) found.push(bucket)
    return found.sort((a, b) => a - b)
  }

  /** Rows of all buckets before one. */
  *before(bucket: number): Generator<BucketRow<K, V>> {
    for (const [number, rows] of this.#buckets) if (number < bucket) yield* rows.values()
  }
}
