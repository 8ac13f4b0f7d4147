// The shared store of left and outer stream joins: unmatched records by time, in the bytes that
// Kafka Streams has (semantics 19.11).
//
//   key    time int64 · side (1 left, 0 right) · key
//   value  01 · count int32 · per record, in order of arrival: length int32 · side · value
import { bytes } from '../serde/bytes-serdes.js'
import type { SerdeFor } from '../serde/serde.js'
import { readInt32, readInt64, writeInt32, writeInt64 } from './byte-keys.js'
import { KeyValueRows } from './key-value-rows.js'
import { RowsOver } from './rows-over.js'
import type { StoreContext } from './state-store.js'
import { KeyCodec, ValueCodec } from './value-codec.js'

export interface UnmatchedRow<out K, out L, out R> {
  readonly timestampMs: number
  readonly side: 'left' | 'right'
  readonly key: K
  /** In order of arrival. */
  readonly values: readonly (L | R)[]
}

export interface OuterJoinRowsOptions<K, L, R> {
  readonly name: string
  readonly key: SerdeFor<K>
  readonly left: SerdeFor<L>
  readonly right: SerdeFor<R>
}

const keyStart = 9
const listStart = 5

export class OuterJoinRows<K, L, R> extends RowsOver<KeyValueRows<Uint8Array, Uint8Array>> {
  readonly #keys: KeyCodec<K>
  readonly #left: ValueCodec<L>
  readonly #right: ValueCodec<R>

  constructor(options: OuterJoinRowsOptions<K, L, R>, context: StoreContext) {
    const { name } = options
    super(new KeyValueRows({ name, key: bytes(), value: bytes(), timestamped: false }, context))
    this.#keys = new KeyCodec(options.key, name, context.topic)
    this.#left = new ValueCodec(options.left, name, context.topic, false)
    this.#right = new ValueCodec(options.right, name, context.topic, false)
  }

  /** Appends an unmatched record. */
  put(side: 'left' | 'right', key: K, value: L | R, timestampMs: number): void {
    const rowKey = this.#rowKey(side, key, timestampMs)
    // The side says which of the two the value is.
    const encoded =
      side === 'left'
        ? this.#left.encode(value as L, timestampMs)
        : this.#right.encode(value as R, timestampMs)
    const list = this.inner.row(rowKey)?.value
    this.inner.write(rowKey, appended(list, side, encoded), timestampMs)
  }

  /** Removes all unmatched records of that side, key and time. Does nothing when there are none. */
  delete(side: 'left' | 'right', key: K, timestampMs: number): void {
    const rowKey = this.#rowKey(side, key, timestampMs)
    if (this.inner.row(rowKey) !== undefined) this.inner.write(rowKey, null, timestampMs)
  }

  /** All rows by time, right before left, key bytes; rows deleted meanwhile are left out. */
  async *scan(): AsyncGenerator<UnmatchedRow<K, L, R>> {
    for await (const [rowKey] of this.inner.scanBytes({})) {
      const list = this.inner.row(rowKey)?.value
      if (list === undefined) continue
      const side = rowKey[8] === 1 ? 'left' : 'right'
      const decode = (item: Uint8Array): L | R =>
        side === 'left' ? this.#left.decode(item) : this.#right.decode(item)
      yield {
        timestampMs: readInt64(rowKey, 0),
        side,
        key: this.#keys.decode(rowKey.subarray(keyStart)),
        values: itemsOf(list).map(decode),
      }
    }
  }

  #rowKey(side: 'left' | 'right', key: K, timestampMs: number): Uint8Array {
    const keyBytes = this.#keys.encode(key)
    const rowKey = new Uint8Array(keyStart + keyBytes.length)
    writeInt64(rowKey, 0, timestampMs)
    rowKey[8] = side === 'left' ? 1 : 0
    rowKey.set(keyBytes, keyStart)
    return rowKey
  }
}

/** A list with one more record; a new one where there is none. */
function appended(
  list: Uint8Array | undefined,
  side: 'left' | 'right',
  value: Uint8Array,
): Uint8Array {
  const start = list?.length ?? listStart
  const longer = new Uint8Array(start + 5 + value.length)
  if (list !== undefined) longer.set(list)
  longer[0] = 1
  writeInt32(longer, 1, (list === undefined ? 0 : readInt32(list, 1)) + 1)
  writeInt32(longer, start, value.length + 1)
  longer[start + 4] = side === 'left' ? 1 : 0
  longer.set(value, start + 5)
  return longer
}

/** The values of a list, without their sides. */
function itemsOf(list: Uint8Array): Uint8Array[] {
  const items: Uint8Array[] = []
  let at = listStart
  for (let left = readInt32(list, 1); left > 0; left--) {
    const length = readInt32(list, at)
    items.push(list.subarray(at + 5, at + 4 + length))
    at += 4 + length
  }
  return items
}
