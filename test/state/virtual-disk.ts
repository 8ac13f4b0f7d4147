// A disk whose databases lose what was not synced: for crash tests. Unsynced writes are lost from the
// end, as LevelDB's log loses them; a batch is never cut in two.
import type {
  BytesStore,
  ByteRange,
  Database,
  Entry,
  WriteBatch,
} from '../../src/state/bytes-store.js'
import { MemoryDatabase } from '../../src/state/memory-database.js'
import { WriteList } from '../../src/state/write-list.js'

/** One disk; databases live under names, such as directories. */
export class VirtualDisk {
  readonly #files = new Map<string, VirtualFile>()
  removedOpen = 0

  /** Opens a database as the disk holds it. Only one handle of a name may be open. */
  async open(name: string): Promise<Database> {
    let file = this.#files.get(name)
    if (file === undefined) this.#files.set(name, (file = new VirtualFile()))
    return file.open()
  }

  /** Deletes a database. @throws Error when it is open, which also counts in `removedOpen` */
  remove(name: string): void {
    if (this.#files.get(name)?.handle !== undefined) {
      this.removedOpen++
      throw new Error(`the virtual database ${name} is open`)
    }
    this.#files.delete(name)
  }

  /** Power off: all handles are dead, and of each database only `keep` unsynced writes remain. */
  crash(keep = 0): void {
    for (const file of this.#files.values()) file.crash(keep)
  }
}

class VirtualFile {
  readonly synced: WriteList[] = []
  readonly unsynced: WriteList[] = []
  handle: VirtualDatabase | undefined
  crashes = 0

  async open(): Promise<Database> {
    if (this.handle !== undefined) throw new Error('the virtual database is open already')
    const { crashes } = this
    const rows = new MemoryDatabase()
    for (const list of [...this.synced, ...this.unsynced]) await rows.write(list)
    // Who was cut off meanwhile never sees the database.
    if (crashes !== this.crashes) return new Promise(() => {})
    return (this.handle = new VirtualDatabase(this, rows))
  }

  crash(keep: number): void {
    this.crashes++
    this.unsynced.length = Math.min(keep, this.unsynced.length)
    this.handle?.kill()
    this.handle = undefined
  }
}

class VirtualDatabase implements Database {
  readonly #file: VirtualFile
  readonly #rows: MemoryDatabase
  #dead = false

  constructor(file: VirtualFile, rows: MemoryDatabase) {
    this.#file = file
    this.#rows = rows
  }

  kill(): void {
    this.#dead = true
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#check()
    return this.#rows.get(key)
  }

  scan(range: ByteRange): AsyncIterable<Entry> {
    this.#check()
    return this.#rows.scan(range)
  }

  approximateSize(): number {
    return this.#rows.approximateSize()
  }

  batch(): WriteBatch {
    return new WriteList()
  }

  async write(batch: WriteBatch, options: { readonly sync?: boolean } = {}): Promise<void> {
    // The disk takes its time: whoever crashes meanwhile finds nothing of the batch.
    await Promise.resolve()
    this.#check()
    const list = batch as WriteList
    await this.#rows.write(list)
    this.#check()
    this.#file.unsynced.push(list)
    if (options.sync === true) this.#file.synced.push(...this.#file.unsynced.splice(0))
  }

  part(prefix: Uint8Array): BytesStore {
    return this.#rows.part(prefix)
  }

  partBatch(batch: WriteBatch, prefix: Uint8Array): WriteBatch {
    return this.#rows.partBatch(batch, prefix)
  }

  async clear(): Promise<void> {
    this.#check()
    await this.#rows.clear()
    this.#file.synced.length = 0
    this.#file.unsynced.length = 0
  }

  async close(): Promise<void> {
    if (this.#file.handle === this) this.#file.handle = undefined
    this.#dead = true
    await this.#rows.close()
  }

  #check(): void {
    if (this.#dead) throw new Error('the virtual database was cut off by a crash')
  }
}
