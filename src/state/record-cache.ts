// The record cache: updates that wait for a flush before they are forwarded, in order of their last
// update (semantics 15).
import { noHeaders, type HeaderEntry, type HeaderList } from '../serde/record-headers.js'
import type { CachedValue } from './row.js'
import type { StoreRecordContext } from './state-store.js'

/** Kept as the old value where only its existence counts, or where `oldImage` has it. */
export const something: unique symbol = Symbol('something')

/**
 * An update that waits, and the context of the last one. It lives from flush to flush, so it holds
 * no object of a single record, and is used again: the collector would copy each of them twice.
 */
export class Held<K, V> implements StoreRecordContext {
  older: Held<K, V> | undefined = undefined
  newer: Held<K, V> | undefined = undefined
  timestampMs = -1
  #headers: readonly HeaderEntry[] = noHeaders
  #live: HeaderList | undefined
  #hasMetadata = false
  #topic: string | null = null
  #partition = -1
  #offset = -1
  /** In place of `row`, the update itself, of a row that is bytes. */
  key: K | undefined = undefined
  value: V | null = null
  valueTimestampMs = -1

  constructor(
    /** By which the cache knows it, from 1. */
    readonly index: number,
    public row: CachedValue<K, V> | undefined,
    /** The value before the first update since the last flush. */
    public old: V | null | typeof something,
    public oldImage: Uint8Array | undefined,
    /** Whether the row was to be logged already before that update. */
    public wasDirty: boolean,
  ) {}

  get metadata(): StoreRecordContext['metadata'] {
    return this.#hasMetadata
      ? { topic: this.#topic, partition: this.#partition, offset: this.#offset }
      : undefined
  }

  get headers(): readonly HeaderEntry[] {
    return this.#live === undefined ? this.#headers : this.#live.entries
  }

  /** Keeps nothing of a record. */
  forget(): void {
    this.#headers = noHeaders
    this.#live = undefined
  }

  /** Takes over the context of an update. */
  take({ timestampMs, headers, live, metadata }: StoreRecordContext): void {
    this.timestampMs = timestampMs
    this.#headers = headers
    this.#live = live
    this.#hasMetadata = metadata !== undefined
    if (metadata === undefined) return
    this.#topic = metadata.topic
    this.#partition = metadata.partition
    this.#offset = metadata.offset
  }
}

/** A list in order of last update. */
export class RecordCache<K, V> {
  #oldest: Held<K, V> | undefined
  #newest: Held<K, V> | undefined
  #count = 0
  /** In order of `index`. */
  readonly #all: Held<K, V>[] = []
  readonly #spare: Held<K, V>[] = []

  get count(): number {
    return this.#count
  }

  /** An update by its `index`; it may be another one by now. */
  at(index: number): Held<K, V> {
    return this.#all[index - 1]!
  }

  /** Updates of rows that are bytes. */
  withoutRows(): Held<K, V>[] {
    const found: Held<K, V>[] = []
    for (let held = this.#oldest; held !== undefined; held = held.newer)
      if (held.row === undefined) found.push(held)
    return found
  }

  /** The first update of a row since the last flush. */
  add(
    row: CachedValue<K, V> | undefined,
    old: V | null | typeof something,
    oldImage: Uint8Array | undefined,
    wasDirty: boolean,
    context: StoreRecordContext,
  ): Held<K, V> {
    let held = this.#spare.pop()
    if (held === undefined) {
      held = new Held(this.#all.length + 1, row, old, oldImage, wasDirty)
      this.#all.push(held)
    } else {
      held.row = row
      held.old = old
      held.oldImage = oldImage
      held.wasDirty = wasDirty
    }
    held.take(context)
    if (row !== undefined) row.held = held
    this.#count++
    this.#append(held)
    return held
  }

  /** Another update of a row that waits: it moves to the end. */
  renew(held: Held<K, V>, context: StoreRecordContext): void {
    held.take(context)
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
    if (held.row !== undefined) held.row.held = undefined
    return held
  }

  /** What was taken is dealt with: nobody looks at it any more. */
  release(held: Held<K, V>): void {
    held.row = undefined
    held.key = undefined
    held.value = null
    held.old = null
    held.oldImage = undefined
    held.forget()
    this.#spare.push(held)
  }

  clear(): void {
    for (let held = this.take(); held !== undefined; held = this.take()) this.release(held)
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
