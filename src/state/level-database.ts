// The engine on disk, and the only door to package `level`. Point reads do not wait; the directory
// is locked by LevelDB itself.
import { Level } from 'level'
import { StateStoreError, StreamsError, TaskCorruptedError } from '../errors.js'
import type { ByteRange, BytesStore, Database, Entry, WriteBatch } from './bytes-store.js'
import { afterPrefix, toLatin1 } from './byte-keys.js'
import { DatabasePart } from './database-part.js'
import { RowCount } from './row-count.js'
import { PartBatch, WriteList } from './write-list.js'

/** What is used of classic-level, which `level` is in Node. */
interface Engine {
  open(): Promise<void>
  close(): Promise<void>
  getSync(key: Uint8Array): Uint8Array | undefined
  clear(): Promise<void>
  batch(): EngineBatch
  iterator(o: object): { nextv(n: number): Promise<Entry[]>; close(): Promise<void> }
  keys(o: object): { nextv(n: number): Promise<Uint8Array[]>; close(): Promise<void> }
  approximateSize(from: Uint8Array, to: Uint8Array): Promise<number>
}

interface EngineBatch {
  put(key: Uint8Array, value: Uint8Array): void
  del(key: Uint8Array): void
  write(o: { sync: boolean }): Promise<void>
  close(): Promise<void>
}

export interface LevelOptions {
  /** Bytes of uncompressed blocks in memory. Default 16 MiB. */
  readonly blockCacheBytes?: number | undefined
}

/** Writes between two turns of the event loop while a batch is built. */
const writesPerTurn = 16_384
const rowsPerRead = 500
/** Rows that are counted one by one for an estimate. */
const countedRows = 50_000

export class LevelDatabase implements Database {
  readonly #engine: Engine
  readonly #directory: string
  readonly #counts = new Map<string, RowCount>()
  #closed = false

  private constructor(engine: Engine, directory: string) {
    this.#engine = engine
    this.#directory = directory
  }

  /**
   * Opens the database in a directory, which is made.
   * @throws StateStoreError when it is locked or the disk refuses; TaskCorruptedError when it is damaged
   */
  static async open(directory: string, options: LevelOptions = {}): Promise<LevelDatabase> {
    // `level` declares what its browser half shares; in Node it is classic-level.
    const engine = new Level(directory, {
      keyEncoding: 'view',
      valueEncoding: 'view',
      compression: false,
      cacheSize: options.blockCacheBytes ?? 16 * 2 ** 20,
    } as object) as unknown as Engine
    try {
      await engine.open()
    } catch (error) {
      throw translated(error, directory, 'open')
    }
    return new LevelDatabase(engine, directory)
  }

  get(key: Uint8Array): Uint8Array | undefined {
    try {
      return this.#engine.getSync(key)
    } catch (error) {
      throw translated(error, this.#directory, 'read', this.#closed)
    }
  }

  scan(range: ByteRange): AsyncIterable<Entry> {
    try {
      // The iterator reads the database as it is now, also when nobody asks for a row yet.
      const iterator = this.#engine.iterator({ ...bounds(range), highWaterMarkBytes: 256 * 1024 })
      return readAll(iterator, (error) => translated(error, this.#directory, 'read', this.#closed))
    } catch (error) {
      throw translated(error, this.#directory, 'read', this.#closed)
    }
  }

  /** Rows of all parts that were asked for, about. */
  approximateSize(): number {
    let rows = 0
    for (const count of this.#counts.values()) rows += count.estimate
    return rows
  }

  batch(): WriteBatch {
    return new WriteList()
  }

  async write(batch: WriteBatch, options: { readonly sync?: boolean } = {}): Promise<void> {
    const list = batch as WriteList
    try {
      const writes = this.#engine.batch()
      try {
        for (const [from, to] of list.ranges) await this.#deleteRange(writes, from, to)
        const add = (key: Uint8Array, value: Uint8Array | null): void =>
          value === null ? writes.del(key) : writes.put(key, value)
        for (const _ of list.each(writesPerTurn, add)) await new Promise(setImmediate)
        await writes.write({ sync: options.sync === true })
        for (const { prefix, change } of list.parts)
          this.#counts.get(toLatin1(prefix))?.wrote(change)
      } catch (error) {
        await writes.close()
        throw error
      }
    } catch (error) {
      throw translated(error, this.#directory, 'write', this.#closed)
    }
  }

  part(prefix: Uint8Array): BytesStore {
    this.#countOf(prefix)
    return new DatabasePart(this, prefix, () => this.#countOf(prefix).estimate)
  }

  #countOf(prefix: Uint8Array): RowCount {
    const id = toLatin1(prefix)
    let count = this.#counts.get(id)
    if (count === undefined)
      this.#counts.set(id, (count = new RowCount(() => this.#count(prefix, afterPrefix(prefix)))))
    return count
  }

  /** Exact up to a limit, then by the share of the bytes on disk. */
  async #count(from: Uint8Array, to: Uint8Array | undefined): Promise<number> {
    const keys = this.#engine.keys(bounds({ from, to }))
    let rows = 0
    try {
      for (;;) {
        const some = await keys.nextv(2000)
        rows += some.length
        const last = some.at(-1)
        if (last === undefined) return rows
        if (rows < countedRows) continue
        const end = to ?? Uint8Array.of(0xff, 0xff, 0xff, 0xff)
        const counted = await this.#engine.approximateSize(from, last)
        const all = await this.#engine.approximateSize(from, end)
        return counted > 0 ? Math.round((rows * Math.max(counted, all)) / counted) : rows
      }
    } finally {
      await keys.close()
    }
  }

  partBatch(batch: WriteBatch, prefix: Uint8Array): WriteBatch {
    return new PartBatch(batch as WriteList, prefix)
  }

  async clear(): Promise<void> {
    try {
      await this.#engine.clear()
    } catch (error) {
      throw translated(error, this.#directory, 'clear', this.#closed)
    }
  }

  /** Waits for reads and writes that are under way. */
  async close(): Promise<void> {
    this.#closed = true
    try {
      await this.#engine.close()
    } catch (error) {
      throw translated(error, this.#directory, 'close')
    }
  }

  async #deleteRange(writes: EngineBatch, from: Uint8Array, to: Uint8Array): Promise<void> {
    const keys = this.#engine.keys(bounds({ from, to }))
    try {
      for (;;) {
        const some = await keys.nextv(rowsPerRead)
        if (some.length === 0) return
        for (const key of some) writes.del(key)
      }
    } finally {
      await keys.close()
    }
  }
}

const bounds = (range: ByteRange): object => ({
  ...(range.from === undefined ? undefined : { gte: range.from }),
  ...(range.to === undefined ? undefined : { lt: range.to }),
  reverse: range.reverse === true,
})

async function* readAll(
  iterator: ReturnType<Engine['iterator']>,
  translate: (error: unknown) => Error,
): AsyncGenerator<Entry> {
  try {
    for (;;) {
      let some: Entry[]
      try {
        some = await iterator.nextv(rowsPerRead)
      } catch (error) {
        throw translate(error)
      }
      if (some.length === 0) return
      yield* some
    }
  } finally {
    await iterator.close()
  }
}

/** What an error of the engine means for a task. */
const translated = (error: unknown, directory: string, action: string, closed = false): Error => {
  if (error instanceof StreamsError) return error
  const text = causes(error)
  const options = { cause: error }
  if (closed) return new StateStoreError(`the database in ${directory} is closed`, options)
  if (text.includes('LEVEL_LOCKED'))
    return new StateStoreError(
      `the database in ${directory} is in use by another process; stop that one or set another stateDir`,
      options,
    )
  if (text.includes('LEVEL_CORRUPTION') || text.includes('Corruption:'))
    return new TaskCorruptedError(`the database in ${directory} is damaged`, options)
  if (text.includes('No space left') || text.includes('ENOSPC'))
    return new StateStoreError(
      `cannot ${action} the database in ${directory}: the disk is full; free some space and start again, nothing that was committed is lost`,
      options,
    )
  return new StateStoreError(
    `cannot ${action} the database in ${directory}: ${messageOf(error)}`,
    options,
  )
}

const messageOf = (error: unknown): string => {
  const last = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return last instanceof Error ? last.message : String(last)
}

const causes = (error: unknown): string => {
  let text = ''
  for (let e = error; e instanceof Error; e = e.cause)
    text += `${'code' in e ? String(e.code) : ''} ${e.message} `
  return text
}
