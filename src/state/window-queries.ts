// Queries of window stores: they see rows in memory over rows in the engine as bytes, and leave no
// trace in memory.
import { compareBytes } from './byte-keys.js'
import type { ByteRange, Entry } from './bytes-store.js'
import type { Retention } from './retention.js'
import type { KeyCodec, ValueCodec } from './value-codec.js'
import type { FoundWindow, WindowScans } from './window-api.js'
import type { WindowLayout } from './window-layout.js'

/** What queries ask of the store. */
export interface QueriedWindows<K, V> {
  readonly keys: KeyCodec<K>
  readonly values: ValueCodec<V>
  readonly layout: WindowLayout
  readonly retention: Retention
  /** Whether windows of several keys come by start, then key bytes; else in the engine's order. */
  readonly byTime: boolean
  /** Starts that a record cache shows, whatever the time. */
  shown(): Iterable<number>
  scanRows(range: ByteRange): AsyncIterable<Entry>
}

/** In which order, and which keys. */
interface WindowScan {
  readonly reverse?: boolean
  /** By start, then key bytes; else in the engine's order. */
  readonly byTime?: boolean
  readonly fromKey?: Uint8Array | undefined
  readonly toKey?: Uint8Array | undefined
}

const largestSequence = 2 ** 31 - 1

export class WindowQueries<K, V> implements WindowScans<K, V> {
  readonly #store: QueriedWindows<K, V>

  constructor(store: QueriedWindows<K, V>) {
    this.#store = store
  }

  async *ofKey(
    key: K,
    fromMs: number,
    toMs: number,
    reverse: boolean,
  ): AsyncGenerator<FoundWindow<K, V>> {
    const { keys, layout, retention } = this.#store
    const keyBytes = keys.encode(key)
    if (layout.timeFirst) {
      const scan = { reverse, fromKey: keyBytes, toKey: keyBytes }
      yield* this.#scan(this.#lowest(fromMs), toMs, scan)
      return
    }
    const low = this.#lowest(fromMs)
    const high = Math.min(toMs, this.#highest())
    if (low > high) return
    // Asked for now, so that all segments show the same moment.
    const scans: AsyncIterable<Entry>[] = []
    const { intervalMs } = retention
    for (const s of retention.segmentsIn(low, high, this.#store.shown())) {
      const lastMs = Math.min(high, (s + 1) * intervalMs - 1)
      const from = layout.keyOf(keyBytes, Math.max(low, s * intervalMs), 0)
      const to = layout.keyOf(keyBytes, lastMs, largestSequence)
      scans.push(this.#store.scanRows({ from, to, reverse }))
    }
    if (reverse) scans.reverse()
    for (const scan of scans)
      for await (const [at, image] of scan)
        // Other keys that begin with this one lie between its windows.
        if (layout.keyBytesOf(at).length === keyBytes.length) yield this.#found(at, image)
  }

  ofKeys(
    fromKey: K | null,
    toKey: K | null,
    fromMs: number,
    toMs: number,
    reverse: boolean,
  ): AsyncIterable<FoundWindow<K, V>> {
    const { keys } = this.#store
    return this.#scan(this.#lowest(fromMs), toMs, {
      byTime: this.#store.byTime,
      reverse,
      fromKey: fromKey === null ? undefined : keys.encode(fromKey),
      toKey: toKey === null ? undefined : keys.encode(toKey),
    })
  }

  /** Windows of all keys by start, then key bytes, expired ones too. */
  closed(fromMs: number, toMs: number): AsyncIterable<FoundWindow<K, V>> {
    return this.#scan(fromMs, toMs, { byTime: true })
  }

  async *#scan(fromMs: number, toMs: number, o: WindowScan): AsyncGenerator<FoundWindow<K, V>> {
    const { layout, retention } = this.#store
    const low = Math.max(0, fromMs)
    const high = Math.min(toMs, this.#highest())
    if (low > high) return
    const reverse = o.reverse === true
    const range = { from: layout.firstAt(low), to: layout.firstAfter(high), reverse }
    const sorts = o.byTime === true && !layout.timeFirst
    let segment = -1
    let some: Entry[] = []
    for await (const entry of this.#store.scanRows(range)) {
      const [at, image] = entry
      const startMs = layout.startOf(at)
      if (startMs < low || startMs > high) continue
      const keyBytes = layout.keyBytesOf(at)
      if (o.fromKey !== undefined && compareBytes(keyBytes, o.fromKey) < 0) continue
      if (o.toKey !== undefined && compareBytes(keyBytes, o.toKey) > 0) continue
      if (!sorts) {
        yield this.#found(at, image)
        continue
      }
      if (retention.segment(startMs) !== segment) {
        yield* this.#inOrder(some, reverse)
        some = []
        segment = retention.segment(startMs)
      }
      some.push(entry)
    }
    yield* this.#inOrder(some, reverse)
  }

  /** One segment by start, then key. */
  *#inOrder(rows: Entry[], reverse: boolean): Generator<FoundWindow<K, V>> {
    const { layout } = this.#store
    rows.sort(
      ([a], [b]) =>
        (layout.startOf(a) - layout.startOf(b) ||
          compareBytes(layout.keyBytesOf(a), layout.keyBytesOf(b))) * (reverse ? -1 : 1),
    )
    for (const [at, image] of rows) yield this.#found(at, image)
  }

  #found(engineKey: Uint8Array, image: Uint8Array): FoundWindow<K, V> {
    const { keys, values, layout } = this.#store
    return {
      key: keys.decode(layout.keyBytesOf(engineKey)),
      startMs: layout.startOf(engineKey),
      value: values.decode(image),
      timestampMs: values.timestampOf(image),
    }
  }

  /** The earliest start that a query may show. */
  #lowest(fromMs: number): number {
    let low = this.#store.retention.visibleFromMs
    for (const startMs of this.#store.shown()) low = Math.min(low, startMs)
    return Math.max(0, fromMs, low)
  }

  #highest(): number {
    let high = this.#store.retention.observedMs
    for (const startMs of this.#store.shown()) high = Math.max(high, startMs)
    return high
  }
}
