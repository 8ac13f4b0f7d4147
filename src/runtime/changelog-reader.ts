// Restores stores from their changelogs: many at once over one fetcher, in large batches. The end is
// a position, never silence; control records and holes count towards it.
import { TaskCorruptedError, TaskMigratedError } from '../errors.js'
import type { Clock } from '../clock.js'
import type { Client, FetchedRecords, Fetcher, Isolation } from '../kafka/client.js'
import { OffsetOutOfRangeError, partitionKey } from '../kafka/client.js'
import type { Logger } from '../logger.js'
import type { StreamsMetrics } from '../metrics/streams-metrics.js'
import { noHeaders } from '../serde/record-headers.js'
import type { ChangelogRecord } from '../state/state-store.js'

/** One store to be restored. */
export interface RestoreTarget {
  readonly taskId: string
  readonly store: string
  readonly topic: string
  readonly partition: number
  /** First offset to read. */
  readonly from: number
  /** The offset to reach. */
  readonly to: number
  /** Applies records in order; `position` is the offset after them. May wait, for instance to persist. */
  apply(records: readonly ChangelogRecord[], position: number): void | Promise<void>
}

/** A restore that is under way. */
export interface Restoration {
  /** Resolves with the number of records applied. @throws TaskCorruptedError when the log has moved past a position. */
  readonly done: Promise<number>
  /** Stops; `done` rejects with TaskMigratedError unless it is through. */
  cancel(): void
}

interface Running {
  readonly target: RestoreTarget
  readonly owner: Group
  position: number
}

interface Group {
  readonly waiting: Set<Running>
  readonly resolve: (records: number) => void
  readonly reject: (error: unknown) => void
  records: number
}

const progressIntervalMs = 10_000

/** Restores the stores of all tasks of a thread. */
export class ChangelogReader {
  readonly #client: Client
  readonly #isolation: Isolation
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #restored: ReturnType<StreamsMetrics['counter']>
  readonly #running = new Map<string, Running>()
  #fetcher: Fetcher | undefined
  #pumping: Promise<void> | undefined
  #closed = false
  #reportDueMs = 0

  constructor(options: {
    readonly client: Client
    readonly isolation: Isolation
    readonly clock: Clock
    readonly logger: Logger
    readonly metrics: StreamsMetrics
  }) {
    this.#client = options.client
    this.#isolation = options.isolation
    this.#clock = options.clock
    this.#logger = options.logger
    this.#restored = options.metrics.counter('restore-records-total')
  }

  /** Records that remain to be read, over all stores. */
  get remaining(): number {
    let remaining = 0
    for (const { target, position } of this.#running.values())
      remaining += Math.max(0, target.to - position)
    return remaining
  }

  /** Begins to restore; targets that have nothing to read are through at once. */
  restore(targets: readonly RestoreTarget[]): Restoration {
    let settle!: { resolve: (records: number) => void; reject: (error: unknown) => void }
    const done = new Promise<number>((resolve, reject) => (settle = { resolve, reject }))
    done.catch(() => {})
    const owner: Group = { ...settle, waiting: new Set(), records: 0 }
    for (const target of targets)
      if (target.from < target.to) {
        const running = { target, owner, position: target.from }
        owner.waiting.add(running)
        this.#start(running)
      }
    if (owner.waiting.size === 0) owner.resolve(0)
    else this.#pump()
    return {
      done,
      cancel: () => this.#fail(owner, new TaskMigratedError('the restore was stopped')),
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const { owner } of [...this.#running.values()])
      this.#fail(owner, new TaskMigratedError('the restore was stopped'))
    this.#fetcher?.wake()
    await this.#pumping
    await this.#fetcher?.close()
  }

  #start(running: Running): void {
    const { topic, partition } = running.target
    this.#running.set(partitionKey(running.target), running)
    this.#fetcher ??= this.#client.fetcher({ isolation: this.#isolation })
    this.#fetcher.add({ topic, partition }, running.target.from)
  }

  #pump(): void {
    this.#pumping ??= this.#readAll().finally(() => {
      this.#pumping = undefined
      if (this.#running.size > 0 && !this.#closed) this.#pump()
    })
    this.#fetcher?.wake()
  }

  async #readAll(): Promise<void> {
    const fetcher = this.#fetcher!
    this.#reportDueMs = this.#clock.nowMs() + progressIntervalMs
    while (this.#running.size > 0 && !this.#closed) {
      try {
        const fetched = fetcher.poll()
        if (fetched === undefined) await fetcher.wait(500)
        else await this.#apply(fetched)
        this.#advance(fetcher)
        // Other tasks process meanwhile.
        await new Promise<void>((resolve) => setImmediate(resolve))
      } catch (error) {
        this.#failed(error)
      }
      this.#report()
    }
  }

  async #apply(fetched: FetchedRecords): Promise<void> {
    const running = this.#running.get(partitionKey(fetched))
    if (running === undefined) return
    const { target } = running
    const records: ChangelogRecord[] = []
    let reachedEnd = false
    for (const reader of fetched.batches)
      while (!reachedEnd && reader.next()) {
        if (reader.offset >= target.to) reachedEnd = true
        else if (reader.keyStart >= 0)
          records.push({
            key: copied(reader.buffer, reader.keyStart, reader.keyEnd),
            value:
              reader.valueStart < 0
                ? null
                : copied(reader.buffer, reader.valueStart, reader.valueEnd),
            timestampMs: reader.timestampMs,
            headers: reader.headerCount === 0 ? noHeaders : reader.headers(),
          })
      }
    const position = Math.min(fetched.nextOffset, target.to)
    running.owner.records += records.length
    this.#restored.add(records.length)
    try {
      await target.apply(records, position)
    } catch (error) {
      return this.#fail(running.owner, error)
    }
    running.position = position
  }

  /** Positions move without records too: past control records and holes. */
  #advance(fetcher: Fetcher): void {
    for (const [key, running] of this.#running) {
      const { target } = running
      // All that was polled has been applied by now, so a position at the end means that we are through.
      const position = fetcher.position(target)
      if (position !== undefined && position >= target.to) this.#finish(key, running)
    }
  }

  #finish(key: string, running: Running): void {
    this.#running.delete(key)
    const { topic, partition, to } = running.target
    this.#fetcher!.remove({ topic, partition })
    const { owner } = running
    owner.waiting.delete(running)
    if (running.position < to) void running.target.apply([], to)
    if (owner.waiting.size === 0) owner.resolve(owner.records)
  }

  #fail(owner: Group, error: unknown): void {
    for (const running of owner.waiting) {
      const { topic, partition } = running.target
      this.#running.delete(partitionKey(running.target))
      this.#fetcher?.remove({ topic, partition })
    }
    owner.waiting.clear()
    owner.reject(error)
    this.#fetcher?.wake()
  }

  #failed(error: unknown): void {
    if (error instanceof OffsetOutOfRangeError) {
      const running = this.#running.get(partitionKey(error.partition))
      if (running !== undefined)
        this.#fail(
          running.owner,
          new TaskCorruptedError(
            `the changelog of store '${running.target.store}' has moved past the offset ${error.offset} from which it is restored`,
            { task: running.target.taskId, cause: error },
          ),
        )
      return
    }
    for (const { owner } of [...this.#running.values()]) this.#fail(owner, error)
  }

  #report(): void {
    const nowMs = this.#clock.nowMs()
    if (nowMs < this.#reportDueMs || this.#running.size === 0) return
    this.#reportDueMs = nowMs + progressIntervalMs
    const stores = this.#running.size
    this.#logger.info({ stores, remainingRecords: this.remaining }, 'restoring stores')
  }
}

const copied = (buffer: Uint8Array, start: number, end: number): Uint8Array => {
  const bytes = Buffer.allocUnsafe(end - start)
  bytes.set(buffer.subarray(start, end))
  return bytes
}
