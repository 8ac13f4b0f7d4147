// What queries get of stores that list windows: the entries found, with values and times.
import type { BucketQueries } from './bucket-queries.js'
import type { FoundEntry } from './entry-bytes.js'
import type { KeyCodec, ValueCodec } from './value-codec.js'
import type { FoundWindow, WindowScans } from './window-api.js'

export class FoundWindows<K, V> implements WindowScans<K, V> {
  readonly #queries: BucketQueries<K>
  readonly #keys: KeyCodec<K>
  readonly #values: ValueCodec<V>
  readonly #byTime: boolean

  /** `byTime`: those of several keys by start, then key; else by bucket, key, start. */
  constructor(
    queries: BucketQueries<K>,
    keys: KeyCodec<K>,
    values: ValueCodec<V>,
    byTime: boolean,
  ) {
    this.#queries = queries
    this.#keys = keys
    this.#values = values
    this.#byTime = byTime
  }

  async *ofKey(
    key: K,
    fromMs: number,
    toMs: number,
    reverse: boolean,
  ): AsyncGenerator<FoundWindow<K, V>> {
    for await (const entry of this.#queries.ofKey(key, fromMs, toMs, reverse))
      yield this.#decoded(entry)
  }

  async *ofKeys(
    fromKey: K | null,
    toKey: K | null,
    fromMs: number,
    toMs: number,
    reverse: boolean,
  ): AsyncGenerator<FoundWindow<K, V>> {
    const scan = {
      byTime: this.#byTime,
      reverse,
      fromKey: fromKey === null ? undefined : this.#keys.encode(fromKey),
      toKey: toKey === null ? undefined : this.#keys.encode(toKey),
    }
    for await (const some of this.#queries.scan(fromMs, toMs, scan))
      for (const entry of some) yield this.#decoded(entry)
  }

  /** Windows of all keys by start, then key, expired ones too, some at a time. */
  async *closed(fromMs: number, toMs: number): AsyncGenerator<readonly FoundWindow<K, V>[]> {
    const scan = { byTime: true, expired: true }
    for await (const some of this.#queries.scan(fromMs, toMs, scan))
      yield some.map((entry) => this.#decoded(entry))
  }

  #decoded({ key, first, image }: FoundEntry<K>): FoundWindow<K, V> {
    return {
      key,
      startMs: first,
      value: this.#values.decode(image),
      timestampMs: this.#values.timestampOf(image),
    }
  }
}
