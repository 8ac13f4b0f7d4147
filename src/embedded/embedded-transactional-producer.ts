// One transaction at a time.
//
//   new ──init──▶ ready ──begin──▶ open ──commit, abort──▶ ready
//                             an error in `open`: only abort (abortable) or close (fenced, fatal)
import { IllegalStateError } from '../errors.js'
import {
  KafkaError,
  type GroupMetadata,
  type PartitionOffset,
  type TransactionalProducer,
  type TransactionalProducerOptions,
} from '../kafka/client.js'
import type { MarkerType } from '../kafka/record-batch.js'
import { EmbeddedProducer } from './embedded-producer.js'
import type { LogConnection } from './log-connection.js'
import type { PartitionLog } from './partition-log.js'
import type { TransactionIdentity } from './transaction-coordinator.js'

type State = 'new' | 'ready' | 'open'

export class EmbeddedTransactionalProducer
  extends EmbeddedProducer
  implements TransactionalProducer
{
  readonly #options: TransactionalProducerOptions
  #state: State = 'new'
  #identity: TransactionIdentity | undefined
  #sentAnything = false

  constructor(connection: LogConnection, options: TransactionalProducerOptions, done: () => void) {
    super(connection, options, done)
    this.#options = options
  }

  async init(): Promise<void> {
    const { transactionalId, transactionTimeoutMs } = this.#options
    const identity = await this.connection.call('transaction.init', () =>
      this.connection.log.transactions.init(
        transactionalId,
        transactionTimeoutMs,
        this.connection.clock,
      ),
    )
    this.#identity = identity
    this.identify(identity.producerId)
    this.clearError()
    this.#state = 'ready'
  }

  begin(): void {
    this.#expect('ready', 'begin')
    this.checkOpen()
    this.#state = 'open'
    this.#sentAnything = false
  }

  override send(...handed: Parameters<EmbeddedProducer['send']>): void {
    this.#expect('open', 'send')
    super.send(...handed)
    this.#sentAnything = true
  }

  async sendOffsets(offsets: readonly PartitionOffset[], group: GroupMetadata): Promise<void> {
    this.#expect('open', 'sendOffsets')
    this.throwError()
    if (offsets.length === 0) return
    const { log, clock } = this.connection
    this.#sentAnything = true
    try {
      await this.connection.call('transaction.offsets', () => {
        const coordinator = log.group(group.groupId)
        log.transactions.check(this.#identified())
        coordinator.checkCommit(group)
        log.transactions.addOffsets(this.#identified(), coordinator.offsets, offsets, clock)
      })
    } catch (cause) {
      // The same offsets may not be valid in the next generation, so there is nothing to try again.
      const error =
        cause instanceof KafkaError && cause.kind === 'retriable'
          ? new KafkaError(cause.message, 'abortable', cause.errorCode, { cause })
          : cause
      this.fail(error)
      throw error
    }
  }

  async commit(): Promise<void> {
    this.#expect('open', 'commit')
    await this.flush()
    await this.#end('commit')
  }

  async abort(): Promise<void> {
    this.#expect('open', 'abort')
    this.discardQueue()
    const { error } = this
    if (error instanceof KafkaError && error.kind === 'fenced') throw error
    this.clearError()
    await this.flush().catch(() => this.clearError())
    await this.#end('abort')
  }

  /** Aborts the open transaction, where this producer is still the owner of its id. */
  override async close(): Promise<void> {
    if (this.#state === 'open') await this.abort().catch(() => {})
    this.#state = 'new'
    await super.close()
  }

  protected override get epoch(): number {
    return this.#identified().epoch
  }

  protected override get transactional(): boolean {
    return true
  }

  protected override get survivesErrors(): boolean {
    return false
  }

  protected override admit(partition: PartitionLog): void {
    this.connection.log.transactions.addPartition(
      this.#identified(),
      partition,
      this.connection.clock,
    )
  }

  async #end(type: MarkerType): Promise<void> {
    if (this.#sentAnything) {
      const { log, clock } = this.connection
      await this.connection.call(`transaction.${type}`, () =>
        log.transactions.end(this.#identified(), type, clock),
      )
    }
    this.#state = 'ready'
  }

  #identified(): TransactionIdentity {
    if (this.#identity === undefined) throw new IllegalStateError('init() was not called')
    return this.#identity
  }

  #expect(state: State, operation: string): void {
    if (this.#state === state) return
    throw new IllegalStateError(
      this.#state === 'new'
        ? `${operation}() before init()`
        : this.#state === 'ready'
          ? `${operation}() outside a transaction: begin() first`
          : `${operation}() inside a transaction: commit() or abort() first`,
    )
  }
}
