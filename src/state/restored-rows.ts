// Rows that came from a changelog and lie neither in memory as live rows nor in the engine yet.
import type { WriteBatch } from './bytes-store.js'
import { fromLatin1, toLatin1 } from './byte-keys.js'
import { SortedMap } from './sorted-map.js'

/** Committed by nature; they leave with the next persist, and are seen until it has finished. */
export class RestoredRows {
  #rows = new SortedMap<Uint8Array | null>()
  #persisting: SortedMap<Uint8Array | null> | undefined
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  get isEmpty(): boolean {
    return this.#rows.size === 0 && this.#persisting === undefined
  }

  set(engineKey: Uint8Array, image: Uint8Array | null): void {
    this.#rows.set(toLatin1(engineKey), image)
    this.#bytes += 100 + engineKey.length + (image?.length ?? 0)
  }

  /** `undefined`: ask the engine; null: deleted. */
  get(engineKey: Uint8Array): Uint8Array | null | undefined {
    if (this.isEmpty) return undefined
    const key = toLatin1(engineKey)
    const image = this.#rows.get(key)
    return image === undefined ? this.#persisting?.get(key) : image
  }

  /** Later rows over earlier ones, ascending. */
  entries(from: string | undefined, to: string | undefined): Map<string, Uint8Array | null> {
    const rows = new Map<string, Uint8Array | null>()
    if (this.isEmpty) return rows
    for (const map of [this.#persisting, this.#rows])
      if (map !== undefined)
        for (const [key, image] of map.snapshot().entries(from, to)) rows.set(key, image)
    return rows
  }

  persist(batch: WriteBatch): void {
    if (this.isEmpty) return
    // A batch that failed left its rows here: the newer ones go over them.
    const all = this.#persisting ?? new SortedMap()
    for (const [key, image] of this.#rows.snapshot().entries(undefined, undefined))
      all.set(key, image)
    this.#persisting = all
    this.#rows = new SortedMap()
    for (const [key, image] of all.snapshot().entries(undefined, undefined)) {
      if (image === null) batch.delete(fromLatin1(key))
      else batch.put(fromLatin1(key), image)
    }
  }

  persisted(): void {
    this.#persisting = undefined
    if (this.#rows.size === 0) this.#bytes = 0
  }
}
