// One client of the embedded log: the parts that it hands out share its connection.
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
import { ClientParts } from '../kafka/client-parts.js'
import { EmbeddedAdmin } from './embedded-admin.js'
import { EmbeddedFetcher } from './embedded-fetcher.js'
import { EmbeddedGroupMember } from './embedded-group-member.js'
import { EmbeddedProducer } from './embedded-producer.js'
import { EmbeddedTransactionalProducer } from './embedded-transactional-producer.js'
import type { LogConnection } from './log-connection.js'

/** A client of an embedded log in this process. */
export class EmbeddedClient implements Client {
  readonly admin: Admin
  readonly #connection: LogConnection
  readonly #released: () => Promise<void>
  readonly #parts = new ClientParts()
  #closing: Promise<void> | undefined

  /** `released` is called when the client has ended. */
  constructor(connection: LogConnection, released: () => Promise<void>) {
    this.#connection = connection
    this.#released = released
    this.admin = new EmbeddedAdmin(connection)
  }

  fetcher(options: FetcherOptions): Fetcher {
    return this.#keep((done) => new EmbeddedFetcher(this.#connection, options, done))
  }

  groupMember(options: GroupMemberOptions): GroupMember {
    return this.#keep((done) => new EmbeddedGroupMember(this.#connection, options, done))
  }

  producer(options: ProducerOptions = {}): Producer {
    return this.#keep((done) => new EmbeddedProducer(this.#connection, options, done))
  }

  transactionalProducer(options: TransactionalProducerOptions): TransactionalProducer {
    return this.#keep((done) => new EmbeddedTransactionalProducer(this.#connection, options, done))
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  /**
   * Ends as a process that is killed: nothing more is sent, nothing leaves its group, calls under way
   * never return. What follows is up to time-outs and successors.
   */
  async kill(): Promise<void> {
    this.#connection.kill()
    await (this.#closing ??= this.#released())
  }

  /** Its number, as fault hooks get it. */
  get number(): number {
    return this.#connection.detail.client
  }

  #keep<P extends Fetcher | GroupMember | Producer>(make: (done: () => void) => P): P {
    this.#connection.checkOpen()
    return this.#parts.add(make)
  }

  async #close(): Promise<void> {
    await this.#parts.close()
    this.#connection.close()
    await this.#released()
  }
}
