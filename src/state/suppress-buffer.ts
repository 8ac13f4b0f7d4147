// The buffer of suppress: the last update of each key until stream time passes it (semantics 13). It
// lives in memory and is restored from its changelog as a whole. Updates are kept as bytes, so that
// nobody can change what waits.
import { StateStoreError } from '../errors.js'
import { HeaderList, type HeaderEntry } from '../serde/record-headers.js'
import type { SerdeFor } from '../serde/serde.js'
import { decodeBuffered, encodeBuffered, sameBytes, type BufferedUpdate } from './buffer-layout.js'
import { fromLatin1, toLatin1, writeInt64 } from './byte-keys.js'
import { written } from './byte-slab.js'
import { SortedMap } from './sorted-map.js'
import type { ChangelogRecord, StoreContext, StoreRecordContext, TaskStore } from './state-store.js'

export interface Suppressed<out K, out V> {
  readonly key: K
  readonly newValue: V | null
  readonly oldValue: V | null
  /** Of the last update. */
  readonly context: StoreRecordContext
}

/** A key's update and its place; changed only in the stretch in which it was put. */
interface Entry {
  context: StoreRecordContext
  readonly prior: Uint8Array | null
  oldValue: Uint8Array | null
  newValue: Uint8Array | null
  /** The new value where it is no object. */
  newest: unknown
  readonly place: string
  readonly timeMs: number
  bytes: number
  /** The stretch between two changelog writes or commits in which it was put. */
  readonly stretch: number
}

/** The version of the layout, in the header `v` of every record that is no deletion. */
const layoutVersion = 3
const versionHeaders: readonly HeaderEntry[] = [['v', Uint8Array.of(layoutVersion)]]

/** What an entry counts for (`BufferValue` and `ProcessorRecordContext` of Kafka Streams). */
function sizeOf(key: string, { context, prior, oldValue, newValue }: BufferedUpdate): number {
  let bytes = 8 + key.length
  bytes += (prior?.length ?? 0) + (newValue?.length ?? 0)
  if (!sameBytes(oldValue, prior)) bytes += oldValue?.length ?? 0
  bytes += 8 + 8 + 4 + (context.metadata?.topic?.length ?? 0)
  for (const [name, value] of context.headers) bytes += name.length + (value?.length ?? 0)
  return bytes
}

export class SuppressBuffer<K, V> implements TaskStore {
  readonly name: string
  readonly api = undefined
  readonly view = undefined
  readonly pinnedBytes = 0
  readonly dirtyBytes = 0
  readonly #key: SerdeFor<K>
  readonly #value: SerdeFor<V>
  readonly #context: StoreContext
  readonly #entries = new Map<string, Entry>()
  /** Keys by place: buffer time, then key bytes. */
  readonly #places = new SortedMap<string>()
  /** Keys that changed since the changelog was last written. */
  readonly #dirty = new Set<string>()
  /** What changed since the last commit, as it was then. */
  readonly #before = new Map<string, Entry | undefined>()
  #bytes = 0
  #stretch = 0
  /** Buffer time of the front while it is known. */
  #frontMs: number | undefined

  constructor(name: string, key: SerdeFor<K>, value: SerdeFor<V>, context: StoreContext) {
    this.name = name
    this.#key = key
    this.#value = value
    this.#context = context
  }

  /** A key that is buffered already keeps its place and its prior value. */
  put(
    bufferTimeMs: number,
    key: K,
    newValue: V | null,
    oldValue: V | null,
    context: StoreRecordContext,
  ): void {
    const headers = new HeaderList(context.headers)
    const id = toLatin1(this.#key.serialize(key, this.#context.topic, headers))
    const before = this.#entries.get(id)
    const oldBytes =
      before !== undefined && this.#isNewest(before, oldValue)
        ? before.newValue
        : this.#bytesOf(oldValue, headers)
    const newBytes = this.#bytesOf(newValue, headers)
    const newest = typeof newValue === 'object' ? undefined : newValue
    context = kept(context)
    if (before?.stretch === this.#stretch) {
      // Noted already, here and as something to undo.
      const bytes = before.bytes
      before.context = context
      before.oldValue = oldBytes
      before.newValue = newBytes
      before.newest = newest
      before.bytes = sizeOf(id, before)
      this.#bytes += before.bytes - bytes
      return
    }
    this.#dirty.add(id)
    const prior = before === undefined ? oldBytes : before.prior
    const update = { context, prior, oldValue: oldBytes, newValue: newBytes }
    this.#set(id, before, before?.timeMs ?? bufferTimeMs, update, newest)
  }

  /** Whether a value is the one that an entry has the bytes of. */
  #isNewest(entry: Entry, value: V | null): boolean {
    return (
      typeof value !== 'object' && Object.is(value, entry.newest) && this.#value.write !== undefined
    )
  }

  #bytesOf(value: V | null, headers: HeaderList): Uint8Array | null {
    if (value === null) return null
    const { write } = this.#value
    const bytes = write === undefined ? undefined : written(write, value)
    return bytes ?? this.#value.serialize(value, this.#context.topic, headers)
  }

  /** Buffer time of the front, Infinity when empty. */
  get minTimeMs(): number {
    if (this.#frontMs !== undefined) return this.#frontMs
    const id = this.#places.first
    return (this.#frontMs = id === undefined ? Infinity : this.#entries.get(id)!.timeMs)
  }

  get records(): number {
    return this.#entries.size
  }

  /** As Kafka Streams counts them (semantics 13.7). */
  get bytes(): number {
    return this.#bytes
  }

  /** The update that leaves next, `undefined` when empty. */
  get front(): Suppressed<K, V> | undefined {
    const id = this.#places.first
    if (id === undefined) return undefined
    const { context, newValue, oldValue } = this.#entries.get(id)!
    const { topic } = this.#context
    const headers = new HeaderList(context.headers)
    return {
      key: this.#key.deserialize(fromLatin1(id), topic, headers) as K,
      newValue: this.#decode(newValue, headers),
      oldValue: this.#decode(oldValue, headers),
      context,
    }
  }

  removeFront(): void {
    const id = this.#places.first
    if (id === undefined) return
    this.#delete(id)
    this.#dirty.add(id)
  }

  /** What look-ups see while the key is buffered; `undefined` when it is not. */
  prior(key: K): { readonly value: V | null } | undefined {
    const headers = new HeaderList()
    const id = toLatin1(this.#key.serialize(key, this.#context.topic, headers))
    const entry = this.#entries.get(id)
    return entry && { value: this.#decode(entry.prior, headers) }
  }

  restore(records: readonly ChangelogRecord[]): void {
    for (const { key, value, headers } of records) {
      const id = toLatin1(key)
      if (value === null) {
        this.#delete(id)
        continue
      }
      const version = headers.findLast(([name]) => name === 'v')?.[1]?.[0]
      if (version !== layoutVersion)
        throw new StateStoreError(
          `the changelog ${this.#context.topic} of ${this.name} holds records of layout ${version ?? 0}; only ${layoutVersion} is read: let the application that wrote it drain its buffers, or delete the topic`,
        )
      const { update, timeMs } = decodeBuffered(value)
      this.#delete(id)
      this.#set(id, undefined, timeMs, update, undefined)
    }
    this.#before.clear()
    this.#stretch++
  }

  flushCache(): void {}

  writeChangelog(): void {
    for (const id of this.#dirty) {
      const entry = this.#entries.get(id)
      const key = fromLatin1(id)
      if (entry === undefined) this.#context.log(key, null, null)
      else this.#context.log(key, encodeBuffered(entry, entry.timeMs), null, versionHeaders)
    }
    this.#dirty.clear()
    this.#stretch++
  }

  committed(): void {
    this.#before.clear()
    this.#stretch++
  }

  aborted(): void {
    const before = [...this.#before]
    for (const [id, entry] of before) {
      this.#delete(id)
      if (entry !== undefined) this.#set(id, undefined, entry.timeMs, entry, entry.newest)
    }
    this.#before.clear()
    this.#dirty.clear()
    this.#stretch++
  }

  persist(): void {}

  persisted(): void {}

  close(): void {
    this.#entries.clear()
    this.#places.clear()
    this.#frontMs = undefined
  }

  #decode(bytes: Uint8Array | null, headers: HeaderList): V | null {
    if (bytes === null) return null
    return this.#value.deserialize(bytes, this.#context.topic, headers) as V
  }

  #remember(id: string): void {
    if (!this.#before.has(id)) this.#before.set(id, this.#entries.get(id))
  }

  /** `before` is the key's entry that this one replaces. */
  #set(
    id: string,
    before: Entry | undefined,
    timeMs: number,
    update: BufferedUpdate,
    newest: unknown,
  ): void {
    const stretch = this.#stretch
    if (before?.stretch !== stretch) this.#remember(id)
    const { context, prior, oldValue, newValue } = update
    const place = before?.place ?? placeOf(timeMs, id)
    const bytes = sizeOf(id, update)
    this.#entries.set(id, {
      context,
      prior,
      oldValue,
      newValue,
      newest,
      place,
      timeMs,
      bytes,
      stretch,
    })
    if (before === undefined) {
      this.#places.set(place, id)
      this.#frontMs = undefined
    }
    this.#bytes += bytes - (before?.bytes ?? 0)
  }

  #delete(id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    this.#remember(id)
    this.#entries.delete(id)
    this.#places.delete(entry.place)
    this.#frontMs = undefined
    this.#bytes -= entry.bytes
  }
}

/** A context that keeps of a record what goes on with its update. */
function kept(context: StoreRecordContext): StoreRecordContext {
  const { live, timestampMs, metadata } = context
  if (live === undefined) return context
  return {
    timestampMs,
    metadata,
    get headers() {
      return live.entries
    },
  }
}

/** Text that sorts by time, then by key bytes. */
function placeOf(timeMs: number, id: string): string {
  const bytes = new Uint8Array(8)
  // Times are not negative, so their bytes sort as they do.
  writeInt64(bytes, 0, Math.max(0, timeMs))
  return toLatin1(bytes) + id
}
