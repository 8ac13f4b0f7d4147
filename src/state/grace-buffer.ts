// Stream records that wait for a versioned table until stream time is past them (semantics 9.5). The
// buffer lives in memory and is restored from its changelog, which gets every put and every release.
//
//   changelog key    00 · time int64 · key · arrival int32, from 1
//   changelog value  buffer-layout.ts, with nothing as prior and old value and 0 as time
import { HeaderList } from '../serde/record-headers.js'
import type { SerdeFor } from '../serde/serde.js'
import { decodeBuffered, encodeBuffered } from './buffer-layout.js'
import { readInt32, readInt64, toLatin1, writeInt32, writeInt64 } from './byte-keys.js'
import { allocate, written } from './byte-slab.js'
import { SortedMap } from './sorted-map.js'
import type { ChangelogRecord, StoreContext, StoreRecordContext, TaskStore } from './state-store.js'

export interface Waiting<out K, out V> {
  readonly key: K
  readonly value: V
  readonly context: StoreRecordContext
}

interface Entry {
  /** Of the changelog. */
  readonly key: Uint8Array
  readonly timeMs: number
  readonly context: StoreRecordContext
  readonly value: Uint8Array | null
}

const timeEnd = 9
const arrivalBytes = 4

export class GraceBuffer<K, V> implements TaskStore {
  readonly name: string
  readonly api = undefined
  readonly view = undefined
  readonly pinnedBytes = 0
  readonly dirtyBytes = 0
  readonly #key: SerdeFor<K>
  readonly #value: SerdeFor<V>
  readonly #context: StoreContext
  /** By changelog key: time, key bytes, arrival. */
  readonly #entries = new SortedMap<Entry>()
  /** Puts and releases since the last commit, in their order. */
  #changes: { readonly id: string; readonly entry: Entry; readonly isPut: boolean }[] = []
  #logged = 0
  #arrivals = 0

  constructor(name: string, key: SerdeFor<K>, value: SerdeFor<V>, context: StoreContext) {
    this.name = name
    this.#key = key
    this.#value = value
    this.#context = context
  }

  /** Buffers a record under the time of its context. */
  put(key: K, value: V, context: StoreRecordContext): void {
    const { topic } = this.#context
    const headers = new HeaderList(context.headers)
    const timeMs = context.timestampMs
    this.#arrivals = (this.#arrivals + 1) & 0x7fffffff
    const bytes = keyOf(timeMs, this.#key.serialize(key, topic, headers), this.#arrivals)
    const { write } = this.#value
    const valueBytes =
      (write === undefined ? undefined : written(write, value)) ??
      this.#value.serialize(value, topic, headers)
    const entry = { key: bytes, timeMs, context, value: valueBytes }
    const id = toLatin1(bytes)
    this.#entries.set(id, entry)
    this.#changes.push({ id, entry, isPut: true })
  }

  /** Removes and returns the front, by time, key bytes, arrival, if its time is at most `untilMs`. */
  poll(untilMs: number): Waiting<K, V> | undefined {
    const entry = this.#entries.first
    if (entry === undefined || entry.timeMs > untilMs) return undefined
    const id = this.#entries.firstKey!
    this.#entries.delete(id)
    this.#changes.push({ id, entry, isPut: false })
    const { context } = entry
    const headers = new HeaderList(context.headers)
    return {
      key: this.#decode(this.#key, entry.key, timeEnd, entry.key.length - arrivalBytes, headers),
      value: this.#decode(this.#value, entry.value!, 0, entry.value!.length, headers),
      context,
    }
  }

  #decode<T>(
    serde: SerdeFor<T>,
    bytes: Uint8Array,
    start: number,
    end: number,
    headers: HeaderList,
  ): T {
    // What a serde reads is believed to be its type: these bytes were written by it.
    if (serde.read !== undefined) return serde.read(bytes, start, end) as T
    return serde.deserialize(bytes.subarray(start, end), this.#context.topic, headers) as T
  }

  restore(records: readonly ChangelogRecord[]): void {
    for (const { key, value } of records) {
      const id = toLatin1(key)
      // A record that waits under a number already used would replace the one that has it.
      this.#arrivals = Math.max(this.#arrivals, readInt32(key, key.length - arrivalBytes))
      if (value === null) {
        this.#entries.delete(id)
        continue
      }
      const { context, newValue } = decodeBuffered(value).update
      this.#entries.set(id, {
        key: new Uint8Array(key),
        timeMs: readInt64(key, 1),
        context,
        value: newValue,
      })
    }
  }

  flushCache(): void {}

  writeChangelog(): void {
    const changes = this.#changes
    for (let i = this.#logged; i < changes.length; i++) {
      const { entry, isPut } = changes[i]!
      const { key, context, value: newValue } = entry
      const update = { context, prior: null, oldValue: null, newValue }
      this.#context.log(key, isPut ? encodeBuffered(update, 0) : null, null)
    }
    this.#logged = changes.length
  }

  committed(): void {
    this.#changes = []
    this.#logged = 0
  }

  aborted(): void {
    for (const { id, entry, isPut } of this.#changes.toReversed())
      if (isPut) this.#entries.delete(id)
      else this.#entries.set(id, entry)
    this.committed()
  }

  persist(): void {}

  persisted(): void {}

  close(): void {
    this.#entries.clear()
  }
}

function keyOf(timeMs: number, key: Uint8Array, arrival: number): Uint8Array {
  const bytes = allocate(timeEnd + key.length + arrivalBytes)
  bytes[0] = 0
  writeInt64(bytes, 1, timeMs)
  bytes.set(key, timeEnd)
  writeInt32(bytes, timeEnd + key.length, arrival)
  return bytes
}
