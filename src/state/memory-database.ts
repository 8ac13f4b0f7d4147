// The engine in memory: one sorted map, scans over snapshots of it.
import { StateStoreError } from '../errors.js'
import type { ByteRange, BytesStore, Database, Entry, WriteBatch } from './bytes-store.js'
import { afterPrefix, fromLatin1, toLatin1 } from './byte-keys.js'
import { DatabasePart } from './database-part.js'
import { SortedMap, type SortedSnapshot } from './sorted-map.js'
import { PartBatch, WriteList } from './write-list.js'

const optionalText = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : toLatin1(bytes)

export class MemoryDatabase implements Database {
  #rows = new SortedMap<Uint8Array>()
  #closed = false

  get(key: Uint8Array): Uint8Array | undefined {
    this.#check()
    return this.#rows.get(toLatin1(key))
  }

  scan(range: ByteRange): AsyncIterable<Entry> {
    this.#check()
    return scanSnapshot(this.#rows.snapshot(), range)
  }

  /** Rows, exactly. */
  approximateSize(): number {
    return this.#rows.size
  }

  batch(): WriteBatch {
    return new WriteList()
  }

  async write(batch: WriteBatch): Promise<void> {
    this.#check()
    const list = batch as WriteList
    for (const [from, to] of list.ranges) {
      const range = this.#rows.snapshot().entries(toLatin1(from), toLatin1(to))
      for (const [key] of range) this.#rows.delete(key)
    }
    // A copy, because the bytes may be a small part of a larger buffer.
    const apply = (key: Uint8Array, value: Uint8Array | null): void => {
      if (value === null) this.#rows.delete(toLatin1(key))
      else this.#rows.set(toLatin1(key), new Uint8Array(value))
    }
    for (const _ of list.each(Infinity, apply));
  }

  part(prefix: Uint8Array): BytesStore {
    const from = toLatin1(prefix)
    const to = optionalText(afterPrefix(prefix))
    return new DatabasePart(this, prefix, () => {
      let rows = 0
      for (const _ of this.#rows.snapshot().entries(from, to)) rows++
      return rows
    })
  }

  partBatch(batch: WriteBatch, prefix: Uint8Array): WriteBatch {
    return new PartBatch(batch as WriteList, prefix)
  }

  async clear(): Promise<void> {
    this.#check()
    this.#rows = new SortedMap()
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #check(): void {
    if (this.#closed) throw new StateStoreError('the database in memory is closed')
  }
}

async function* scanSnapshot(
  snapshot: SortedSnapshot<Uint8Array>,
  range: ByteRange,
): AsyncGenerator<Entry> {
  const entries = snapshot.entries(
    optionalText(range.from),
    optionalText(range.to),
    range.reverse === true,
  )
  for (const [key, value] of entries) yield [fromLatin1(key), value]
}
