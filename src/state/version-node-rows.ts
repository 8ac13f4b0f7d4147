// Where the nodes of versioned stores lie: rows in memory over rows of the engine, found by key and number.
//
//   engine  01 · key                          the newest versions of a key, version-node.ts
//           02 · length int32 · key · number  older ones
import type { ByteRange, BytesStore } from './bytes-store.js'
import { concatBytes, writeInt32 } from './byte-keys.js'
import { mergeScan, textRange, type Overlaid } from './merged-scan.js'
import { RAW, Row, TOUCHED } from './row.js'
import type { KeyCodec } from './value-codec.js'
import { decodeNode, encodeNode, type VersionNode } from './version-node.js'
import { WriteBuffer, type RowOwner } from './write-buffer.js'

const headPrefix = Uint8Array.of(1)
const headsEnd = Uint8Array.of(2)

/** A row without versions, which leaves nothing in the engine. */
export const emptyNode: VersionNode = Object.freeze({ history: [], older: [] })

export class VersionNodeRows<K> implements RowOwner<K, VersionNode> {
  readonly keepsImages = false
  readonly buffer: WriteBuffer<K, VersionNode>
  readonly #engine: BytesStore
  readonly #keys: KeyCodec<K>
  readonly #rows = new Map<unknown, Row<K, VersionNode>>()

  constructor(engine: BytesStore, keys: KeyCodec<K>, cacheBytes: number) {
    this.#engine = engine
    this.#keys = keys
    this.buffer = new WriteBuffer(this, cacheBytes)
  }

  /** The row of a key: its head, which has number 0, or one of older versions. */
  row(key: K, number: number): Row<K, VersionNode> {
    const mapKey = this.#mapKey(key, number)
    const found = this.#rows.get(mapKey)
    if (found !== undefined) {
      found.flags |= TOUCHED
      return found
    }
    const row = new Row<K, VersionNode>(key, mapKey, number)
    const image = this.#engine.get(engineKey(this.#keys.encode(key), number))
    if (image !== undefined) {
      row.image = image
      row.flags = RAW
    }
    this.#rows.set(mapKey, row)
    this.buffer.loaded(row)
    return row
  }

  /** A row to be written whatever it held. */
  newRow(key: K, number: number): Row<K, VersionNode> {
    const mapKey = this.#mapKey(key, number)
    const found = this.#rows.get(mapKey)
    if (found !== undefined) return found
    const row = new Row<K, VersionNode>(key, mapKey, number)
    this.#rows.set(mapKey, row)
    return row
  }

  node(key: K, number: number): VersionNode {
    return nodeOf(this.row(key, number))
  }

  write(row: Row<K, VersionNode>, node: VersionNode): void {
    row.value = node.history.length === 0 ? null : node
    row.image = undefined
    row.flags &= ~RAW
    this.buffer.written(row)
  }

  /** The heads of the keys between two, by key bytes. */
  async *heads(from: K | undefined, to: K | undefined): AsyncGenerator<[K, VersionNode]> {
    const bound = (key: K): Uint8Array => concatBytes(headPrefix, this.#keys.encode(key))
    const range = {
      from: from === undefined ? headPrefix : bound(from),
      to: to === undefined ? headsEnd : concatBytes(bound(to), new Uint8Array(1)),
    }
    for await (const [key, image] of mergeScan(this.#engine.scan(range), this.#above(range), false))
      yield [this.#keys.decode(key.subarray(1)), decodeNode(image)]
  }

  // ---------- what the buffer asks

  engineKey(row: Row<K, VersionNode>): Uint8Array {
    return (row.keyBytes ??= engineKey(this.#keys.encode(row.key), row.timeMs))
  }

  encode(row: Row<K, VersionNode>): Uint8Array {
    return encodeNode(row.value ?? emptyNode)
  }

  /** Nothing: the changelog has puts, not rows. */
  log(): void {}

  forget(row: Row<K, VersionNode>): void {
    this.#rows.delete(row.mapKey)
  }

  expired(): boolean {
    return false
  }

  unasked(): boolean {
    return false
  }

  #mapKey(key: K, number: number): unknown {
    const mapKey = this.#keys.mapKey(key)
    return number === 0 ? mapKey : `\0\0${number} ${typeof mapKey} ${String(mapKey)}`
  }

  #above(range: ByteRange): Overlaid[] {
    const { from, to } = textRange(range)
    const rows: Overlaid[] = []
    for (const [key, row] of this.buffer.sorted().entries(from, to))
      rows.push({ key, image: row.present ? (row.image ?? this.encode(row)) : undefined })
    return rows
  }
}

export const nodeOf = <K>(row: Row<K, VersionNode>): VersionNode => {
  if ((row.flags & RAW) !== 0) {
    row.value = decodeNode(row.image!)
    row.flags &= ~RAW
  }
  return row.value ?? emptyNode
}

const engineKey = (keyBytes: Uint8Array, number: number): Uint8Array => {
  if (number === 0) return concatBytes(headPrefix, keyBytes)
  const key = Buffer.allocUnsafe(9 + keyBytes.length)
  key[0] = 2
  writeInt32(key, 1, keyBytes.length)
  key.set(keyBytes, 5)
  writeInt32(key, 5 + keyBytes.length, number)
  return key
}
