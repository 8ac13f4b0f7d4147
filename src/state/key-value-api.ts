// What users and queries get of key-value stores. Objects go in and out as copies.
import { checkedMs } from '../clock.js'
import { afterPrefix, concatBytes } from './byte-keys.js'
import type { ByteRange, Entry } from './bytes-store.js'
import type {
  KeyValue,
  KeyValueStore,
  ReadOnlyKeyValueStore,
  ScanOrder,
  ValueAndTimestamp,
} from './key-value-store.js'
import type { Serializer } from '../serde/serde.js'
import { HeaderList } from '../serde/record-headers.js'

/** What the api needs of the rows. */
export interface KeyValueAccess<K, V> {
  readonly name: string
  read(key: K): ValueAndTimestamp<V> | undefined
  peek(key: K): ValueAndTimestamp<V> | undefined
  writeCopy(key: K, value: V | null, timestampMs: number): void
  scanBytes(range: ByteRange): AsyncIterable<Entry>
  encodeKey(key: K): Uint8Array
  decodeKey(bytes: Uint8Array): K
  decodeRow(image: Uint8Array): ValueAndTimestamp<V>
  approximateNumEntries(): number
  checkOpen(): void
}

/** `rows` gives and takes values with their times. */
export type RowForm = 'values' | 'rows'

const nextKey = (bytes: Uint8Array): Uint8Array => concatBytes(bytes, new Uint8Array(1))

/** Inclusive bounds as a half-open range of bytes. */
export const keyRange = (
  from: Uint8Array | undefined,
  to: Uint8Array | undefined,
  o: ScanOrder | undefined,
): ByteRange => ({
  from,
  to: to === undefined ? undefined : nextKey(to),
  reverse: o?.reverse === true,
})

/** @throws TypeError for null and undefined */
export const checkKey = (key: unknown, store: string): void => {
  if (key === null || key === undefined)
    throw new TypeError(`store ${store}: a key must not be ${String(key)}`)
}

/** A row as users of timestamped stores hand it in. @throws TypeError for anything else */
export function checkedRow<V>(row: unknown, store: string): ValueAndTimestamp<V> {
  if (typeof row !== 'object' || row === null || !('timestampMs' in row))
    throw new TypeError(`store ${store}: a row is { value, timestampMs }; timestampMs is missing`)
  checkedMs(row.timestampMs, `store ${store}: timestampMs`, 0)
  return row as ValueAndTimestamp<V>
}

/** T is what users hand in and get: V, or V with its time. */
export class KeyValueApi<K, V, T> implements KeyValueStore<K, T> {
  readonly #rows: KeyValueAccess<K, V>
  readonly #form: RowForm

  constructor(rows: KeyValueAccess<K, V>, form: RowForm) {
    this.#rows = rows
    this.#form = form
  }

  get(key: K): T | undefined {
    this.#check(key)
    return this.#out(this.#rows.read(key))
  }

  put(key: K, value: T | null): void {
    this.#check(key)
    if (value === undefined)
      throw new TypeError(`store ${this.#rows.name}: put undefined; null deletes`)
    if (value === null) this.#rows.writeCopy(key, null, -1)
    else if (this.#form === 'rows') {
      const row = checkedRow<V>(value, this.#rows.name)
      this.#rows.writeCopy(key, row.value, row.timestampMs)
    } else this.#rows.writeCopy(key, value as unknown as V, -1)
  }

  putIfAbsent(key: K, value: T): T | undefined {
    const old = this.get(key)
    if (old === undefined) this.put(key, value)
    return old
  }

  putAll(rows: Iterable<KeyValue<K, T | null>>): void {
    for (const [key, value] of rows) this.put(key, value)
  }

  delete(key: K): T | undefined {
    const old = this.get(key)
    this.put(key, null)
    return old
  }

  range(from: K | null, to: K | null, o?: ScanOrder): AsyncIterable<KeyValue<K, T>> {
    return this.#scan(
      keyRange(
        from === null ? undefined : this.#rows.encodeKey(from),
        to === null ? undefined : this.#rows.encodeKey(to),
        o,
      ),
    )
  }

  all(o?: ScanOrder): AsyncIterable<KeyValue<K, T>> {
    return this.#scan({ reverse: o?.reverse === true })
  }

  prefixScan<P>(prefix: P, serializer: Serializer<P>): AsyncIterable<KeyValue<K, T>> {
    const from = serializer.serialize(prefix, this.#rows.name, new HeaderList())
    return this.#scan({ from, to: afterPrefix(from) })
  }

  approximateNumEntries(): number {
    this.#rows.checkOpen()
    return this.#rows.approximateNumEntries()
  }

  #scan(range: ByteRange): AsyncIterable<KeyValue<K, T>> {
    return decodeAll(this.#rows, this.#rows.scanBytes(range), (row) => this.#out(row) as T)
  }

  #check(key: K): void {
    this.#rows.checkOpen()
    checkKey(key, this.#rows.name)
  }

  #out(row: ValueAndTimestamp<V> | undefined): T | undefined {
    // The form says which of the two T is.
    return (row === undefined || this.#form === 'rows' ? row : row.value) as T | undefined
  }
}

/** What queries see: copies of what is there now, uncommitted values included (semantics 24.4). */
export class KeyValueView<K, V, T> implements ReadOnlyKeyValueStore<K, T> {
  readonly #rows: KeyValueAccess<K, V>
  readonly #form: RowForm

  constructor(rows: KeyValueAccess<K, V>, form: RowForm) {
    this.#rows = rows
    this.#form = form
  }

  async get(key: K): Promise<T | undefined> {
    checkKey(key, this.#rows.name)
    const row = this.#rows.peek(key)
    return row === undefined ? undefined : this.#out(row)
  }

  range(from: K, to: K): AsyncIterable<KeyValue<K, T>> {
    const open = (key: K): Uint8Array | undefined =>
      key === null || key === undefined ? undefined : this.#rows.encodeKey(key)
    return this.#scan(keyRange(open(from), open(to), undefined))
  }

  all(): AsyncIterable<KeyValue<K, T>> {
    return this.#scan({})
  }

  #scan(range: ByteRange): AsyncIterable<KeyValue<K, T>> {
    return decodeAll(this.#rows, this.#rows.scanBytes(range), (row) => this.#out(row))
  }

  #out(row: ValueAndTimestamp<V>): T {
    return (this.#form === 'rows' ? row : row.value) as T
  }
}

async function* decodeAll<K, V, T>(
  rows: KeyValueAccess<K, V>,
  entries: AsyncIterable<Entry>,
  out: (row: ValueAndTimestamp<V>) => T,
): AsyncGenerator<KeyValue<K, T>> {
  for await (const [key, image] of entries) yield [rows.decodeKey(key), out(rows.decodeRow(image))]
}
