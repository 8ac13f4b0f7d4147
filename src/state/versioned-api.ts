// What users and queries get of versioned stores. Values are decoded for each caller.
import { checkedMs } from '../clock.js'
import { checkKey, type RowForm } from './key-value-api.js'
import type { KeyValue, ReadOnlyKeyValueStore } from './key-value-store.js'
import type { LiveRow } from './live-row.js'
import type { VersionedKeyValueStore, VersionedRecord } from './versioned-store.js'

/** What the api needs of the rows. */
export interface VersionedAccess<K, V> {
  readonly name: string
  put(
    key: K,
    value: V | null,
    timestampMs: number,
  ): { readonly nextMs: number | undefined } | 'refused'
  latest(key: K): VersionedRecord<V> | undefined
  versionAt(key: K, atMs: number): VersionedRecord<V> | undefined
  isTooOld(timestampMs: number): boolean
  scanLatest(from: K | undefined, to: K | undefined): AsyncIterable<[K, LiveRow<V>]>
  checkOpen(): void
}

export class VersionedApi<K, V> implements VersionedKeyValueStore<K, V> {
  readonly #rows: VersionedAccess<K, V>

  constructor(rows: VersionedAccess<K, V>) {
    this.#rows = rows
  }

  put(key: K, value: V | null, timestampMs: number): number | null | undefined {
    checkKey(key, this.#rows.name)
    if (value === undefined)
      throw new TypeError(`store ${this.#rows.name}: put undefined; null deletes`)
    checkedMs(timestampMs, `store ${this.#rows.name}: timestampMs`, 0)
    const put = this.#rows.put(key, value, timestampMs)
    return put === 'refused' ? undefined : (put.nextMs ?? null)
  }

  get(key: K, asOfMs?: number): VersionedRecord<V> | undefined {
    checkKey(key, this.#rows.name)
    return withoutEnd(
      asOfMs === undefined ? this.#rows.latest(key) : this.#rows.versionAt(key, asOfMs),
    )
  }

  delete(key: K, timestampMs: number): VersionedRecord<V> | undefined {
    checkKey(key, this.#rows.name)
    checkedMs(timestampMs, `store ${this.#rows.name}: timestampMs`, 0)
    const old = this.#rows.isTooOld(timestampMs)
      ? undefined
      : this.#rows.versionAt(key, timestampMs)
    this.#rows.put(key, null, timestampMs)
    return withoutEnd(old)
  }
}

/** As Kafka Streams 4.1 has it: a look-up does not tell how long a version was valid. */
const withoutEnd = <V>(found: VersionedRecord<V> | undefined): VersionedRecord<V> | undefined =>
  found && { value: found.value, timestampMs: found.timestampMs, validToMs: undefined }

/** What queries see: the latest versions. */
export class VersionedView<K, V> implements ReadOnlyKeyValueStore<K, unknown> {
  readonly #rows: VersionedAccess<K, V>
  readonly #form: RowForm

  constructor(rows: VersionedAccess<K, V>, form: RowForm) {
    this.#rows = rows
    this.#form = form
  }

  async get(key: K): Promise<unknown> {
    checkKey(key, this.#rows.name)
    const row = this.#rows.latest(key)
    return row === undefined || this.#form === 'rows' ? row : row.value
  }

  range(from: K, to: K): AsyncIterable<KeyValue<K, unknown>> {
    return this.#scan(from ?? undefined, to ?? undefined)
  }

  all(): AsyncIterable<KeyValue<K, unknown>> {
    return this.#scan(undefined, undefined)
  }

  async *#scan(from: K | undefined, to: K | undefined): AsyncGenerator<KeyValue<K, unknown>> {
    for await (const [key, row] of this.#rows.scanLatest(from, to))
      yield [key, this.#form === 'rows' ? row : row.value]
  }
}
