// What makes the log durable. Rows of all writers gather in one batch while the last is being
// synced, so a sync is shared; in memory there is nothing to wait for.
import { KafkaError } from '../kafka/client.js'
import type { Database } from '../state/bytes-store.js'

/** Where the log's rows go. */
export interface Journal {
  readonly durable: boolean
  put(key: Uint8Array, value: Uint8Array): void
  delete(key: Uint8Array): void
  deleteRange(from: Uint8Array, to: Uint8Array): void
  /**
   * Runs `apply` once all rows so far are on the disk, in the order of the calls; in memory at once.
   * @throws KafkaError of kind `fatal` when the disk refused: nothing can be written any more then.
   */
  synced(apply?: () => void): void | Promise<void>
  read(key: Uint8Array): Uint8Array | undefined
  close(): Promise<void>
}

/** Keeps nothing. */
export const memoryJournal: Journal = {
  durable: false,
  put() {},
  delete() {},
  deleteRange() {},
  synced: (apply) => apply?.(),
  read: () => undefined,
  close: async () => {},
}

interface Waiter {
  readonly apply: (() => void) | undefined
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Keeps the rows in a database, synced before anyone is told. */
export class DurableJournal implements Journal {
  readonly durable = true
  readonly #database: Database
  #batch
  #waiters: Waiter[] = []
  #drain: Promise<void> | undefined
  #failure: KafkaError | undefined

  constructor(database: Database) {
    this.#database = database
    this.#batch = database.batch()
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#batch.put(key, value)
  }

  delete(key: Uint8Array): void {
    this.#batch.delete(key)
  }

  deleteRange(from: Uint8Array, to: Uint8Array): void {
    this.#batch.deleteRange(from, to)
  }

  synced(apply?: () => void): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiters.push({ apply, resolve, reject })
      this.#drain ??= this.#write()
    })
  }

  read(key: Uint8Array): Uint8Array | undefined {
    return this.#database.get(key)
  }

  async close(): Promise<void> {
    await this.#drain
    await this.#database.close()
  }

  async #write(): Promise<void> {
    await Promise.resolve() // the writers of this turn share the first sync
    while (this.#waiters.length > 0) {
      const batch = this.#batch
      const waiters = this.#waiters
      this.#batch = this.#database.batch()
      this.#waiters = []
      try {
        await this.#database.write(batch, { sync: true })
      } catch (cause) {
        this.#fail(cause, waiters)
        break
      }
      for (const { apply, resolve } of waiters) {
        apply?.()
        resolve()
      }
    }
    this.#drain = undefined
  }

  /** After a failed write memory and disk differ, so nothing may follow it. */
  #fail(cause: unknown, waiters: readonly Waiter[]): void {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const failure = new KafkaError(`the embedded log cannot be written: ${reason}`, 'fatal', -1, {
      cause,
    })
    this.#failure = failure
    for (const { reject } of [...waiters, ...this.#waiters]) reject(failure)
    this.#waiters = []
  }
}
