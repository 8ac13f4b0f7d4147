// A task around one store: opens it on a database, records its changelog, and takes the steps of the
// runtime's commit.
import { noHeaders, type HeaderEntry } from '../../src/serde/record-headers.js'
import type { Serde } from '../../src/serde/serde.js'
import type { Database } from '../../src/state/bytes-store.js'
import { MemoryDatabase } from '../../src/state/memory-database.js'
import type {
  ChangelogRecord,
  StoreContext,
  StoreSpec,
  TaskStore,
} from '../../src/state/state-store.js'

export const text: Serde<string> = {
  serialize: (value) => {
    if (typeof value !== 'string') throw new TypeError(`not a string: ${typeof value}`)
    return Buffer.from(value)
  },
  deserialize: (bytes) => Buffer.from(bytes).toString(),
}

/** JSON: values are objects, which an aggregator may change in place. */
export const object = <T>(): Serde<T> => ({
  serialize: (value) => Buffer.from(JSON.stringify(value)),
  deserialize: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as T,
})

export interface Logged {
  readonly key: Uint8Array
  readonly value: Uint8Array | null
  readonly timestampMs: number | null
  readonly headers: readonly HeaderEntry[]
}

const prefix = Buffer.from('s1/')

/** Something that opens databases: memory, LevelDB or a virtual disk. */
export type OpenDatabase = () => Promise<Database>

export interface HarnessOptions {
  readonly cacheBytes?: number
  readonly packedBytes?: number
  readonly mayContinue?: boolean
  readonly recordCaches?: boolean
}

export class StoreHarness<S extends TaskStore> {
  /** Records in the open transaction, and those that were committed. */
  pending: Logged[] = []
  changelog: Logged[] = []
  dropped: string[] = []
  nowMs = 0
  offset = 0

  private constructor(
    readonly db: Database,
    readonly store: S,
    private readonly self: { current: StoreHarness<S> | undefined },
  ) {
    self.current = this
  }

  static async open<S extends TaskStore>(
    spec: StoreSpec,
    db: Database = new MemoryDatabase(),
    options: HarnessOptions = {},
  ): Promise<StoreHarness<S>> {
    const self: { current: StoreHarness<S> | undefined } = { current: undefined }
    const context: StoreContext = {
      taskId: '0_0',
      partition: 0,
      applicationId: 'app',
      directory: '/nowhere',
      topic: `app-${spec.name}-changelog`,
      rows: db.part(prefix),
      log: (key, value, timestampMs, headers = noHeaders) => {
        if (spec.logging === false) return
        // As the collector does: the bytes are taken now.
        self.current!.pending.push({
          key: new Uint8Array(key),
          value: value === null ? null : new Uint8Array(value),
          timestampMs,
          headers,
        })
      },
      record: () => ({
        timestampMs: self.current!.nowMs,
        headers: noHeaders,
        metadata: { topic: 'in', partition: 0, offset: self.current!.offset },
      }),
      drop: (reason) => self.current!.dropped.push(reason),
      mayContinue: options.mayContinue ?? false,
      cacheBytes: options.cacheBytes ?? 1_000_000,
      packedBytes: options.packedBytes ?? 1_000_000,
      recordCaches: options.recordCaches ?? true,
    }
    return new StoreHarness(db, spec.open(context) as S, self)
  }

  /** The next record arrives at `timestampMs`. */
  at(timestampMs: number): this {
    this.nowMs = timestampMs
    this.offset++
    return this
  }

  async commit(): Promise<void> {
    await this.store.flushCache()
    this.store.writeChangelog()
    this.endTransaction()
  }

  endTransaction(): void {
    this.changelog.push(...this.pending.splice(0))
    this.store.committed()
  }

  abort(): void {
    this.pending = []
    this.store.aborted()
  }

  /** Builds the batch now; the returned promise is its writing. */
  async persist(sync = true): Promise<void> {
    const batch = this.db.batch()
    this.store.persist(this.db.partBatch(batch, prefix))
    await this.db.write(batch, { sync })
    this.store.persisted()
  }

  restore(records: readonly Logged[]): void {
    const copies: ChangelogRecord[] = records.map((r) => ({
      key: r.key,
      value: r.value,
      timestampMs: r.timestampMs ?? 0,
      headers: r.headers,
    }))
    this.store.restore(copies)
  }

  /** The changelog as text, `key=value@timestamp`. */
  printed(records: readonly Logged[] = this.changelog): string[] {
    return records.map(
      (r) =>
        `${printable(r.key)}=${r.value === null ? '∅' : printable(r.value)}@${r.timestampMs ?? '-'}`,
    )
  }
}

const printable = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

export const collect = async <T>(rows: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = []
  for await (const row of rows) all.push(row)
  return all
}
