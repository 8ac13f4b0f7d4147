// The record cache: updates that wait for a flush before they are forwarded, in order of their last
// update (semantics 15).
import type { StoreRecordContext } from './state-store.js'
import type { CachedValue } from './row.js'

/** Kept as the old value where only its existence counts, or where `oldImage` has it. */
export const something: unique symbol = Symbol('something')

/** An update that waits. */
export class Held<K, V> {
  older: Held<K, V> | undefined = undefined
  newer: Held<K, V> | undefined = undefined

  constructor(
    readonly row: CachedValue<K, V>,
    /** The value before the first update since the last flush. */
    readonly old: V | null | typeof something,
    readonly oldImage: Uint8Array | undefined,
    /** Whether the row was to be logged already before that update. */
    readonly wasDirty: boolean,
    public context: StoreRecordContext,
  ) {}
}

/** A list in order of last update. */
export class RecordCache<K, V> {
  #oldest: Held<K, V> | undefined
  #newest: Held<K, V> | undefined
  #count = 0

  get count(): number {
    return this.#count
  }

  add(held: Held<K, V>): void {
    held.row.held = held
    this.#count++
    this.#append(held)
  }

  /** Another update of a row that waits: it moves to the end. */
  renew(held: Held<K, V>, context: StoreRecordContext): void {
    held.context = context
    if (this.#newest === held) return
    this.#unlink(held)
    this.#append(held)
  }

  /** Takes the oldest out; the next update of its row is a first one again. */
  take(): Held<K, V> | undefined {
    const held = this.#oldest
    if (held === undefined) return undefined
    this.#unlink(held)
    this.#count--
    held.row.held = undefined
    return held
  }

  clear(): void {
    while (this.take() !== undefined);
  }

  #append(held: Held<K, V>): void {
    held.older = this.#newest
    held.newer = undefined
    if (this.#newest === undefined) this.#oldest = held
    else this.#newest.newer = held
    this.#newest = held
  }

  #unlink(held: Held<K, V>): void {
    if (held.older === undefined) this.#oldest = held.newer
    else held.older.newer = held.newer
    if (held.newer === undefined) this.#newest = held.older
    else held.newer.older = held.older
    held.older = held.newer = undefined
  }
}
