// One client of the embedded log. Every operation goes through `call`, which is where a network
// would be: simulation delays, loses or ends it there.
import type { Clock } from '../clock.js'
import { IllegalStateError } from '../errors.js'
import type {
  Admin,
  Client,
  Fetcher,
  FetcherOptions,
  GroupMember,
  GroupMemberOptions,
  Producer,
  ProducerOptions,
  TransactionalProducer,
  TransactionalProducerOptions,
} from '../kafka/client.js'
import type { ClientSurroundings } from '../kafka/transport.js'
import type { Logger } from '../logger.js'
import { EmbeddedAdmin } from './embedded-admin.js'
import { EmbeddedFetcher } from './embedded-fetcher.js'
import { EmbeddedGroupMember } from './embedded-group-member.js'
import type { EmbeddedLog } from './embedded-log.js'
import { EmbeddedProducer } from './embedded-producer.js'
import { EmbeddedTransactionalProducer } from './embedded-transactional-producer.js'
import type { FaultDetail, Faults } from './faults.js'

interface Part {
  close(): Promise<void>
}

/** A client of an embedded log in this process. */
export class EmbeddedClient implements Client {
  readonly log: EmbeddedLog
  readonly clock: Clock
  readonly logger: Logger
  readonly admin: Admin
  readonly #faults: Faults | undefined
  readonly #detail: FaultDetail
  readonly #released: () => Promise<void>
  readonly #parts = new Set<Part>()
  #closing: Promise<void> | undefined
  #closed = false
  #killed = false

  constructor(
    log: EmbeddedLog,
    surroundings: ClientSurroundings,
    seams: {
      readonly number: number
      readonly faults: Faults | undefined
      readonly released: () => Promise<void>
    },
  ) {
    this.log = log
    this.clock = surroundings.clock
    this.logger = surroundings.logger
    this.#faults = seams.faults
    this.#detail = { client: seams.number }
    this.#released = seams.released
    this.admin = new EmbeddedAdmin(this)
  }

  fetcher(options: FetcherOptions): Fetcher {
    return this.#add(new EmbeddedFetcher(this, options))
  }

  groupMember(options: GroupMemberOptions): GroupMember {
    return this.#add(new EmbeddedGroupMember(this, options))
  }

  producer(options: ProducerOptions = {}): Producer {
    return this.#add(new EmbeddedProducer(this, options))
  }

  transactionalProducer(options: TransactionalProducerOptions): TransactionalProducer {
    return this.#add(new EmbeddedTransactionalProducer(this, options))
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  /**
   * Ends as a process that is killed: nothing more is sent, nothing leaves its group, calls under way
   * never return. What follows is up to time-outs and successors.
   */
  async kill(): Promise<void> {
    this.#killed = true
    this.#closed = true
    await (this.#closing ??= this.#released())
  }

  /** Its number, as fault hooks get it. */
  get number(): number {
    return this.#detail.client
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
      await this.#faults(operation, this.#detail)
      await this.#alive()
      const result = await perform()
      await this.#faults(`${operation}.answer`, this.#detail)
      await this.#alive()
      return result
    }
    const result = await perform()
    if (this.#killed) await this.#alive()
    return result
  }

  /** A part is forgotten when it was closed by itself. */
  forget(part: Part): void {
    this.#parts.delete(part)
  }

  checkOpen(): void {
    if (this.#closed && !this.#killed) throw new IllegalStateError('the client is closed')
  }

  /** A killed process never goes on after a wait. */
  #alive(): Promise<void> | void {
    if (this.#killed) return new Promise(() => {})
  }

  #add<T extends Part>(part: T): T {
    this.checkOpen()
    this.#parts.add(part)
    return part
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#parts].map((part) => part.close()))
    this.#closed = true
    await this.#released()
  }
}
