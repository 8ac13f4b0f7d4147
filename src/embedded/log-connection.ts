// A client's connection to the log. Every operation goes through `call`, which is where a network
// would be: simulation delays, loses or ends it there.
import type { Clock } from '../clock.js'
import { IllegalStateError } from '../errors.js'
import type { EmbeddedLog } from './embedded-log.js'
import type { FaultDetail, Faults } from './faults.js'

export class LogConnection {
  readonly log: EmbeddedLog
  readonly clock: Clock
  readonly detail: FaultDetail
  readonly #faults: Faults | undefined
  #closed = false
  #killed = false

  constructor(log: EmbeddedLog, clock: Clock, faults: Faults | undefined, detail: FaultDetail) {
    this.log = log
    this.clock = clock
    this.#faults = faults
    this.detail = detail
  }

  get killed(): boolean {
    return this.#killed
  }

  /** Whether operations may complete in the same turn. */
  get immediate(): boolean {
    return this.#faults === undefined && !this.log.journal.durable
  }

  /** Performs an operation at the log. @throws what the log, or the fault hook, says. */
  async call<T>(operation: string, perform: () => T | Promise<T>): Promise<T> {
    this.checkOpen()
    if (this.#killed) await this.#alive()
    if (this.#faults !== undefined) {
      await this.#faults(operation, this.detail)
      await this.#alive()
      const result = await perform()
      await this.#faults(`${operation}.answer`, this.detail)
      await this.#alive()
      return result
    }
    const result = await perform()
    if (this.#killed) await this.#alive()
    return result
  }

  checkOpen(): void {
    if (this.#closed && !this.#killed) throw new IllegalStateError('the client is closed')
  }

  close(): void {
    this.#closed = true
  }

  /** Calls under way, and later ones, never return. */
  kill(): void {
    this.#killed = true
  }

  /** A killed process never goes on after a wait. */
  #alive(): Promise<void> | void {
    if (this.#killed) return new Promise(() => {})
  }
}
