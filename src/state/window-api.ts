// What users and queries get of window stores.
import { checkedMs } from '../clock.js'
import type { RowForm } from './key-value-api.js'
import { checkedRow, checkKey } from './key-value-api.js'
import type { KeyValue, ScanOrder, ValueAndTimestamp } from './key-value-store.js'
import type { Windowed } from '../serde/windowed.js'
import type { ReadOnlyWindowStore, TimeRange, WindowStore } from './window-store.js'

/** A row with its window. */
export interface FoundWindow<K, V> {
  readonly key: K
  readonly startMs: number
  readonly value: V
  readonly timestampMs: number
}

/** Windows with start in `[fromMs, toMs]`. */
export interface WindowScans<K, V> {
  ofKey(key: K, fromMs: number, toMs: number, reverse: boolean): AsyncIterable<FoundWindow<K, V>>
  /** Of the keys between two, null being no bound; in the order in which Kafka Streams has them. */
  ofKeys(
    fromKey: K | null,
    toKey: K | null,
    fromMs: number,
    toMs: number,
    reverse: boolean,
  ): AsyncIterable<FoundWindow<K, V>>
}

/** What the api needs of the rows. */
export interface WindowAccess<K, V> {
  readonly name: string
  readonly sizeMs: number
  readonly windows: WindowScans<K, V>
  read(key: K, startMs: number): ValueAndTimestamp<V> | undefined
  writeCopy(key: K, startMs: number, value: V | null, timestampMs: number): void
  checkOpen(): void
}

const everMs = Number.MAX_SAFE_INTEGER

const windowOf = <K, V>(row: FoundWindow<K, V>, sizeMs: number): Windowed<K> => ({
  kind: 'time',
  key: row.key,
  startMs: row.startMs,
  endMs: row.startMs + sizeMs,
})

/** The form says which of V and V with its time T is. */
const outAs = <K, V, T>(row: FoundWindow<K, V>, form: RowForm): T =>
  (form === 'rows' ? { value: row.value, timestampMs: row.timestampMs } : row.value) as T

/** T is what users hand in and get: V, or V with its time. */
export class WindowApi<K, V, T> implements WindowStore<K, T> {
  readonly #rows: WindowAccess<K, V>
  readonly #form: RowForm

  constructor(rows: WindowAccess<K, V>, form: RowForm) {
    this.#rows = rows
    this.#form = form
  }

  put(key: K, value: T | null, startMs: number): void {
    this.#check(key)
    if (value === undefined)
      throw new TypeError(`store ${this.#rows.name}: put undefined; null deletes`)
    checkedMs(startMs, `store ${this.#rows.name}: a window start`, 0)
    if (value === null) this.#rows.writeCopy(key, startMs, null, -1)
    else if (this.#form === 'rows') {
      const row = checkedRow<V>(value, this.#rows.name)
      this.#rows.writeCopy(key, startMs, row.value, row.timestampMs)
    } else this.#rows.writeCopy(key, startMs, value as unknown as V, -1)
  }

  fetch(key: K, startMs: number): T | undefined
  fetch(
    key: K,
    range: TimeRange,
    o?: ScanOrder,
  ): AsyncIterable<readonly [startMs: number, value: T]>
  fetch(
    key: K,
    at: number | TimeRange,
    o?: ScanOrder,
  ): T | undefined | AsyncIterable<readonly [startMs: number, value: T]> {
    this.#check(key)
    if (typeof at === 'number') {
      const row = this.#rows.read(key, at)
      // The form says which of V and V with its time T is.
      return (row === undefined || this.#form === 'rows' ? row : row.value) as T | undefined
    }
    const found = this.#rows.windows.ofKey(key, at.fromMs, at.toMs, o?.reverse === true)
    return mapEach(found, (row) => [row.startMs, outAs<K, V, T>(row, this.#form)] as const)
  }

  fetchRange(
    from: K | null,
    to: K | null,
    range: TimeRange,
    o?: ScanOrder,
  ): AsyncIterable<readonly [key: Windowed<K>, value: T]> {
    this.#rows.checkOpen()
    const { fromMs, toMs } = range
    return this.#windows(this.#rows.windows.ofKeys(from, to, fromMs, toMs, o?.reverse === true))
  }

  fetchAll(range: TimeRange, o?: ScanOrder): AsyncIterable<readonly [key: Windowed<K>, value: T]> {
    return this.fetchRange(null, null, range, o)
  }

  all(o?: ScanOrder): AsyncIterable<readonly [key: Windowed<K>, value: T]> {
    return this.fetchRange(null, null, { fromMs: 0, toMs: everMs }, o)
  }

  #windows(
    found: AsyncIterable<FoundWindow<K, V>>,
  ): AsyncIterable<readonly [key: Windowed<K>, value: T]> {
    const size = this.#rows.sizeMs
    return mapEach(found, (row) => [windowOf(row, size), outAs<K, V, T>(row, this.#form)] as const)
  }

  #check(key: K): void {
    this.#rows.checkOpen()
    checkKey(key, this.#rows.name)
  }
}

/** What queries see of a window store. */
export class WindowView<K, V, T> implements ReadOnlyWindowStore<K, T> {
  readonly #rows: WindowAccess<K, V>
  readonly #form: RowForm

  constructor(rows: WindowAccess<K, V>, form: RowForm) {
    this.#rows = rows
    this.#form = form
  }

  async fetch(
    key: K,
    range: TimeRange,
  ): Promise<readonly { readonly startMs: number; readonly endMs: number; readonly value: T }[]> {
    this.#rows.checkOpen()
    checkKey(key, this.#rows.name)
    const windows: { startMs: number; endMs: number; value: T }[] = []
    for await (const row of this.#rows.windows.ofKey(key, range.fromMs, range.toMs, false))
      windows.push({
        startMs: row.startMs,
        endMs: row.startMs + this.#rows.sizeMs,
        value: outAs(row, this.#form),
      })
    return windows
  }

  fetchAll(range: TimeRange): AsyncIterable<KeyValue<Windowed<K>, T>> {
    this.#rows.checkOpen()
    const found = this.#rows.windows.ofKeys(null, null, range.fromMs, range.toMs, false)
    return mapEach(
      found,
      (row) => [windowOf(row, this.#rows.sizeMs), outAs<K, V, T>(row, this.#form)] as const,
    )
  }

  all(): AsyncIterable<KeyValue<Windowed<K>, T>> {
    return this.fetchAll({ fromMs: 0, toMs: everMs })
  }
}

export async function* mapEach<A, B>(rows: AsyncIterable<A>, f: (row: A) => B): AsyncGenerator<B> {
  for await (const row of rows) yield f(row)
}
