// Rows that came from a changelog and lie neither in memory as live rows nor in the engine yet.
import type { WriteBatch } from './bytes-store.js'
import { toLatin1 } from './byte-keys.js'
import { isWithin, type TextRange } from './merged-scan.js'

interface RestoredRow {
  readonly key: Uint8Array
  /** Null is a deletion. */
  readonly image: Uint8Array | null
}

/** Committed by nature; they leave with the next persist, and are seen until it has finished. */
export class RestoredRows {
  #rows = new Map<string, RestoredRow>()
  #persisting: Map<string, RestoredRow> | undefined
  #bytes = 0
  #persistingBytes = 0

  get bytes(): number {
    return this.#bytes + this.#persistingBytes
  }

  get isEmpty(): boolean {
    return this.#rows.size === 0 && this.#persisting === undefined
  }

  /** Takes both as they are: their bytes must not change. */
  set(engineKey: Uint8Array, image: Uint8Array | null): void {
    this.#rows.set(toLatin1(engineKey), { key: engineKey, image })
    this.#bytes += 200 + engineKey.length + (image?.length ?? 0)
  }

  /** `undefined`: ask the engine; null: deleted. */
  get(engineKey: Uint8Array): Uint8Array | null | undefined {
    if (this.isEmpty) return undefined
    const key = toLatin1(engineKey)
    return (this.#rows.get(key) ?? this.#persisting?.get(key))?.image
  }

  /** Rows in a range in no order, later ones over earlier ones. */
  entries(range: TextRange): Map<string, Uint8Array | null> {
    const rows = new Map<string, Uint8Array | null>()
    for (const map of [this.#persisting, this.#rows])
      if (map !== undefined)
        for (const [key, { image }] of map) if (isWithin(key, range)) rows.set(key, image)
    return rows
  }

  persist(batch: WriteBatch): void {
    if (this.isEmpty) return
    if (this.#persisting === undefined) this.#persisting = this.#rows
    // A batch that failed left its rows here: the newer ones go over them.
    else for (const [key, row] of this.#rows) this.#persisting.set(key, row)
    this.#rows = new Map()
    this.#persistingBytes += this.#bytes
    this.#bytes = 0
    for (const { key, image } of this.#persisting.values()) {
      if (image === null) batch.delete(key)
      else batch.put(key, image)
    }
  }

  persisted(): void {
    this.#persisting = undefined
    this.#persistingBytes = 0
  }
}
