// The shared store of left and outer stream joins: unmatched records by time, in the bytes that
// Kafka Streams has (semantics 19.11). Which records are unmatched is known in memory too, in order,
// so that a join asks for the ones whose time is over without a scan of the engine.
//
//   key    time int64 · side (1 left, 0 right) · key
//   value  01 · count int32 · per record, in order of arrival: length int32 · side · value
import { bytes } from '../serde/bytes-serdes.js'
import type { Serde, SerdeFor } from '../serde/serde.js'
import { fromLatin1, readInt32, readInt64, toLatin1, writeInt32, writeInt64 } from './byte-keys.js'
import { allocate } from './byte-slab.js'
import type { WriteBatch } from './bytes-store.js'
import { KeyValueRows } from './key-value-rows.js'
import { STORED, UNSTORED, type Row } from './row.js'
import { RowsOver } from './rows-over.js'
import { SortedMap } from './sorted-map.js'
import type { StoreContext } from './state-store.js'
import { KeyCodec, ValueCodec } from './value-codec.js'

/** Records of one side, key and time. */
export interface Unmatched<out K> {
  readonly timestampMs: number
  readonly side: 'left' | 'right'
  readonly key: K
  /** Its place in the order: time, right before left, key bytes. */
  readonly id: string
  /** How often rows had gone to the engine when it was put; -1 when it came from there. */
  readonly persists: number
}

export interface OuterJoinRowsOptions<K, L, R> {
  readonly name: string
  readonly key: SerdeFor<K>
  readonly left: SerdeFor<L>
  readonly right: SerdeFor<R>
}

const keyStart = 9
const listStart = 5

/** Row keys are texts of their bytes, which sort and compare as the bytes do. */
const latin1: Serde<string> = { serialize: fromLatin1, deserialize: toLatin1 }

/** Where row keys are put together. */
let scratch = Buffer.allocUnsafeSlow(256)

/** Most rows are deleted before they ever went to the engine. */
class ListsById extends KeyValueRows<string, Uint8Array> {
  delete(id: string, timestampMs: number, isStored: boolean): void {
    const row = this.written(id, null, timestampMs)
    // A row that is put again before its deletion went to the engine is there all the while.
    if (isStored) row.flags = (row.flags | STORED) & ~UNSTORED
    else if ((row.flags & STORED) === 0) row.flags |= UNSTORED
  }

  override unasked(row: Row<string, Uint8Array>): boolean {
    return (row.flags & UNSTORED) !== 0 && row.committed === null
  }
}

export class OuterJoinRows<K, L, R> extends RowsOver<ListsById> {
  /** Rows as bytes; what is written past the order would not be found. */
  override readonly api: unknown
  readonly #keys: KeyCodec<K>
  readonly #left: ValueCodec<L>
  readonly #right: ValueCodec<R>
  readonly #order = new SortedMap<Unmatched<K>>()
  /** How many rows there are of a time: most times that are asked for have none. */
  readonly #times = new Map<number, number>()
  #persists = 0
  /** What was added to the order and taken out since the last commit. */
  #changes: { readonly row: Unmatched<K>; readonly isAdded: boolean }[] = []

  constructor(options: OuterJoinRowsOptions<K, L, R>, context: StoreContext) {
    const { name } = options
    super(new ListsById({ name, key: latin1, value: bytes(), timestamped: false }, context))
    this.api = this.inner.view
    this.#keys = new KeyCodec(options.key, name, context.topic)
    this.#left = new ValueCodec(options.left, name, context.topic, false)
    this.#right = new ValueCodec(options.right, name, context.topic, false)
  }

  async restored(): Promise<void> {
    this.#order.clear()
    this.#times.clear()
    for await (const [rowKey] of this.inner.scanBytes({})) {
      const key = this.#keys.decode(rowKey.subarray(keyStart))
      const side = rowKey[8] === 1 ? 'left' : 'right'
      const id = toLatin1(rowKey)
      this.#add({ timestampMs: readInt64(rowKey, 0), side, key, id, persists: -1 })
    }
  }

  /** Whether no record is unmatched. */
  get isEmpty(): boolean {
    return this.#order.size === 0
  }

  /** Appends an unmatched record. */
  put(side: 'left' | 'right', key: K, value: L | R, timestampMs: number): void {
    const id = this.#idOf(side, key, timestampMs)
    // The side says which of the two the value is.
    const encoded =
      side === 'left'
        ? this.#left.encode(value as L, timestampMs)
        : this.#right.encode(value as R, timestampMs)
    // Where the order has no row the engine has none: it need not be asked.
    const isThere = this.#times.has(timestampMs) && this.#order.get(id) !== undefined
    const list = isThere ? this.inner.row(id)?.value : undefined
    this.inner.write(id, appended(list, side, encoded), timestampMs)
    if (isThere) return
    const row = { timestampMs, side, key, id, persists: this.#persists }
    this.#add(row)
    this.#changes.push({ row, isAdded: true })
  }

  /** Removes all unmatched records of that side, key and time. Does nothing when there are none. */
  delete(side: 'left' | 'right', key: K, timestampMs: number): void {
    if (!this.#times.has(timestampMs)) return
    const row = this.#order.get(this.#idOf(side, key, timestampMs))
    if (row !== undefined) this.remove(row)
  }

  /** Removes the records of a row. */
  remove(row: Unmatched<K>): void {
    if (!this.#takeOut(row)) return
    this.inner.delete(row.id, row.timestampMs, row.persists !== this.#persists)
    this.#changes.push({ row, isAdded: false })
  }

  /** The row behind `row`, which may be gone by now; without one, the first. */
  next(row: Unmatched<K> | undefined): Unmatched<K> | undefined {
    return row === undefined ? this.#order.first : this.#order.after(row.id)
  }

  /** How many records a row has. */
  countOf(row: Unmatched<K>): number {
    const list = this.inner.row(row.id)?.value
    return list === undefined ? 0 : readInt32(list, 1)
  }

  /** The records of a row, in order of arrival; none when it is gone. */
  valuesOf(row: Unmatched<K>): readonly (L | R)[] {
    const list = this.inner.row(row.id)?.value
    if (list === undefined) return []
    const { side } = row
    return itemsOf(list).map((item) =>
      side === 'left' ? this.#left.decode(item) : this.#right.decode(item),
    )
  }

  override committed(): void {
    super.committed()
    this.#changes = []
  }

  override aborted(): void {
    super.aborted()
    for (const { row, isAdded } of this.#changes.reverse())
      if (isAdded) this.#takeOut(row)
      else this.#add(row)
    this.#changes = []
  }

  override persist(batch: WriteBatch): void {
    this.#persists++
    super.persist(batch)
  }

  override close(): void {
    this.#order.clear()
    this.#times.clear()
    super.close()
  }

  #add(row: Unmatched<K>): void {
    const { id, timestampMs } = row
    this.#order.set(id, row)
    this.#times.set(timestampMs, (this.#times.get(timestampMs) ?? 0) + 1)
  }

  /** False where it was not there. */
  #takeOut({ id, timestampMs }: Unmatched<K>): boolean {
    if (!this.#order.delete(id)) return false
    const left = this.#times.get(timestampMs)! - 1
    if (left > 0) this.#times.set(timestampMs, left)
    else this.#times.delete(timestampMs)
    return true
  }

  #idOf(side: 'left' | 'right', key: K, timestampMs: number): string {
    const keyBytes = this.#keys.encode(key)
    const length = keyStart + keyBytes.length
    if (scratch.length < length) scratch = Buffer.allocUnsafeSlow(2 * length)
    writeInt64(scratch, 0, timestampMs)
    scratch[8] = side === 'left' ? 1 : 0
    scratch.set(keyBytes, keyStart)
    return scratch.toString('latin1', 0, length)
  }
}

/** A list with one more record; a new one where there is none. */
function appended(
  list: Uint8Array | undefined,
  side: 'left' | 'right',
  value: Uint8Array,
): Uint8Array {
  const start = list?.length ?? listStart
  const longer = allocate(start + 5 + value.length)
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
