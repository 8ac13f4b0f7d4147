// One transaction at a time, in both versions of the protocol. Version 1 adds each partition before
// anything is sent to it; in version 2 (KIP-890) the first batch adds its partition by itself, and
// every transaction ends with a new producer epoch.
//
//   new ──init──▶ ready ──begin──▶ open ──commit──▶ ready
//                   ▲               │ ──abort───▶ ready
//                   │               ▼ an error that an abort heals
//                   └───abort──── failed          fenced or fatal, from anywhere ──▶ dead
//
// An abort after an error, or one that leaves a gap in the sequence numbers, needs a new epoch:
// version 2 gives one with every end, version 1 by InitProducerId afterwards (before it, the broker
// would take our own epoch for a zombie's).
import { BatchSender, type SendGate } from './batch-sender.js'
import {
  KafkaError,
  type GroupMetadata,
  type PartitionOffset,
  type TopicPartition,
  type TransactionalProducer,
  type TransactionalProducerOptions,
} from './client.js'
import type { Cluster } from './cluster.js'
import { askCoordinator, type CoordinatorCall } from './coordinator.js'
import { answerError, ErrorCode, errorKind, toKafkaError } from './error-codes.js'
import { Lifetime } from './lifetime.js'
import { defaultDeliveryTimeoutMs } from './producer.js'
import { txnOffsetCommit } from './protocol/messages/txn-offset-commit.js'
import { endTxn } from './protocol/messages/end-txn.js'
import { initProducerId } from './protocol/messages/init-producer-id.js'
import type { RecordBatchBuilder } from './record-batch-builder.js'
import { partitionCount } from './topic-partitions.js'
import { TransactionPartitions } from './transaction-partitions.js'
import { commitTransactionOffsets } from './transaction-offsets.js'

type State = 'new' | 'ready' | 'open' | 'failed' | 'dead'

/** The version of TxnOffsetCommit from which on a zombie is fenced by its group. */
const memberVersion = 3
/** The feature level from which on the second version of transactions is used. */
const version2Level = 2

/** A transactional producer into a Kafka cluster; see `TransactionalProducer`. */
export class KafkaTransactionalProducer implements TransactionalProducer {
  readonly #cluster: Cluster
  readonly #lifetime: Lifetime
  readonly #sender: BatchSender
  readonly #id: string
  readonly #transactionTimeoutMs: number
  readonly #deliveryTimeoutMs: number
  #state: State = 'new'
  #failure: KafkaError | undefined
  #version2 = false
  /** Whether the coordinator may know of this transaction. */
  #begun = false
  #partitions: TransactionPartitions | undefined
  #onClose: (() => void) | undefined

  constructor(cluster: Cluster, options: TransactionalProducerOptions, onClose?: () => void) {
    this.#cluster = cluster
    this.#onClose = onClose
    this.#lifetime = new Lifetime(cluster.settings.clock, 'transactional producer')
    this.#id = options.transactionalId
    this.#transactionTimeoutMs = options.transactionTimeoutMs
    this.#deliveryTimeoutMs = options.deliveryTimeoutMs ?? defaultDeliveryTimeoutMs
    this.#sender = new BatchSender({
      cluster,
      lifetime: this.#lifetime,
      deliveryTimeoutMs: this.#deliveryTimeoutMs,
      compression: options.compression ?? 'none',
      transactionalId: this.#id,
      errorOf: (what, code, detail) => answerError(what, code, errorKind(code), detail),
      onFailure: (error) => this.#failed(error),
    })
  }

  get pendingBytes(): number {
    return this.#sender.pendingBytes
  }

  async init(): Promise<void> {
    if (this.#state !== 'new') throw new KafkaError(`init in state ${this.#state}`, 'fatal')
    try {
      await this.#initProducerId(-1, -1)
      this.#state = 'ready'
    } catch (thrown) {
      const error = toKafkaError(thrown)
      if (error.kind !== 'retriable') this.#failed(error)
      throw error
    }
  }

  begin(): void {
    this.#expect('begin', 'ready')
    this.#begun = false
    this.#partitions?.clear()
    this.#state = 'open'
  }

  partitionCount(topic: string): Promise<number> {
    return partitionCount(this.#cluster, this.#lifetime, topic, this.#deliveryTimeoutMs)
  }

  send(
    partition: TopicPartition,
    batch: RecordBatchBuilder,
    acknowledged?: (baseOffset: number) => void,
  ): void {
    this.#expect('send', 'open')
    this.#sender.send(partition, batch, acknowledged)
  }

  drained(bytes: number): Promise<void> {
    return this.#sender.drained(bytes)
  }

  async flush(): Promise<void> {
    await this.#sender.flush()
    if (this.#failure) throw this.#failure
  }

  async sendOffsets(offsets: readonly PartitionOffset[], group: GroupMetadata): Promise<void> {
    this.#expect('sendOffsets', 'open')
    if (offsets.length === 0) return
    const identity = this.#identity()
    const commit = (): Promise<void> =>
      commitTransactionOffsets(this.#cluster, this.#lifetime, offsets, group, {
        ...identity,
        transactionalId: this.#id,
        version2: this.#version2,
        timeoutMs: this.#transactionTimeoutMs,
        began: () => (this.#begun = true),
      })
    await this.#guarded(() => (this.#version2 ? this.#sender.exclusively(commit) : commit()))
  }

  async commit(): Promise<void> {
    this.#expect('commit', 'open')
    await this.flush()
    await this.#partitions?.settled()
    this.#expect('commit', 'open')
    if (!this.#begun) {
      this.#state = 'ready'
      return
    }
    await this.#end(true)
    this.#state = 'ready'
  }

  async abort(): Promise<void> {
    if (this.#state !== 'open' && this.#state !== 'failed') this.#expect('abort', 'open')
    const gap = this.#sender.drop()
    // Nothing may reach the log behind the marker.
    await this.#sender.quiet()
    await this.#partitions?.settled().catch(() => undefined)
    if (this.#state === 'dead') throw this.#failure ?? this.#lifetime.closedError()
    const { producerId, producerEpoch } = this.#identity()
    const failed = this.#state === 'failed' || gap
    const ended = !this.#begun || (await this.#end(false, failed))
    if (failed && !(ended && this.#begun && this.#version2))
      await this.#reset(producerId, producerEpoch)
    this.#failure = undefined
    this.#begun = false
    this.#partitions?.clear()
    this.#state = 'ready'
  }

  close(): Promise<void> {
    if (this.#lifetime.closed) return Promise.resolve()
    this.#lifetime.close()
    this.#sender.fail(this.#lifetime.closedError())
    this.#state = 'dead'
    this.#onClose?.()
    this.#onClose = undefined
    return Promise.resolve()
  }

  #identity(): { readonly producerId: number; readonly producerEpoch: number } {
    const { identity } = this.#sender
    if (!identity) throw new KafkaError('the producer is not initialized', 'fatal')
    return identity
  }

  /** @throws KafkaError, the failure that left the state, or that of calling out of turn. */
  #expect(what: string, state: State): void {
    this.#lifetime.check()
    if (this.#failure) throw this.#failure
    if (this.#state !== state)
      throw new KafkaError(
        `${what} in state ${this.#state} of transactional id ${this.#id}`,
        'fatal',
      )
  }

  #failed(error: KafkaError): void {
    const dead = error.kind === 'fenced' || error.kind === 'fatal'
    if (this.#state === 'dead') return
    this.#failure ??= error
    if (dead) this.#failure = error
    this.#state = dead ? 'dead' : 'failed'
    this.#sender.fail(error)
  }

  /**
   * How the transaction ended is not known, or the broker has aborted it already because it took
   * longer than its time-out. Only a successor's `init` settles that, so nothing but `close` is left.
   */
  #died(error: KafkaError): void {
    const unknown =
      error.kind === 'retriable' ||
      error.kind === 'abortable' ||
      error.errorCode === ErrorCode.invalidTxnState
    this.#failed(
      unknown
        ? new KafkaError(
            `it is not known how the transaction of ${this.#id} ended: ${error.message}`,
            'retriable',
            error.errorCode,
            { cause: error },
          )
        : error,
    )
    this.#state = 'dead'
  }

  /** What fails in a transaction fails the transaction; being late is a reason to abort it. */
  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (thrown) {
      const error = toKafkaError(thrown)
      this.#failed(
        error.kind === 'retriable'
          ? new KafkaError(error.message, 'abortable', error.errorCode, { cause: error })
          : error,
      )
      throw this.#failure ?? error
    }
  }

  #call(timeoutMs = this.#transactionTimeoutMs + this.#deliveryTimeoutMs): CoordinatorCall {
    // CONCURRENT_TRANSACTIONS means that the last markers are being written: no failed attempt, so
    // that only time ends it.
    return { kind: 'transaction', key: this.#id, timeoutMs, firstMs: 5, maxMs: 100 }
  }

  async #initProducerId(producerId: number, producerEpoch: number): Promise<void> {
    const answer = await askCoordinator(
      this.#cluster,
      this.#lifetime,
      this.#call(),
      initProducerId,
      {
        transactionalId: this.#id,
        transactionTimeoutMs: this.#transactionTimeoutMs,
        producerId,
        producerEpoch,
      },
      (a) => a.errorCode,
    ).catch((error: unknown) => {
      throw withRemedy(toKafkaError(error), this.#transactionTimeoutMs)
    })
    const nodeId = await this.#cluster.coordinator('transaction', this.#id)
    const connection = await this.#cluster.connection(nodeId, 'control')
    if ((connection.version(txnOffsetCommit) ?? 0) < memberVersion)
      throw new KafkaError(
        `${connection.name} is older than Kafka 2.5, which exactly-once needs: use at_least_once`,
        'fatal',
        ErrorCode.unsupportedVersion,
      )
    this.#version2 =
      connection.feature('transaction.version') >= version2Level &&
      (connection.version(endTxn) ?? 0) >= 5
    this.#partitions = new TransactionPartitions({
      cluster: this.#cluster,
      lifetime: this.#lifetime,
      call: this.#call(),
      version2: this.#version2,
      identity: () => ({ ...this.#identity(), transactionalId: this.#id }),
      began: () => (this.#begun = true),
      ready: () => this.#sender.pump(),
      failed: (error) => void this.#guarded(() => Promise.reject(error)).catch(() => undefined),
    })
    const gate: SendGate = this.#partitions
    this.#sender.gate = gate
    this.#sender.maxVersion = this.#version2 ? 12 : 11
    this.#sender.restart({
      producerId: answer.producerId,
      producerEpoch: answer.producerEpoch,
    })
  }

  /** Whether the broker knew the transaction; after a failure it may not, or not any more. */
  async #end(committed: boolean, failed = false): Promise<boolean> {
    const identity = this.#identity()
    let unknown = false
    try {
      const answer = await askCoordinator(
        this.#cluster,
        this.#lifetime,
        { ...this.#call(), send: { maxVersion: this.#version2 ? 5 : 4 } },
        endTxn,
        { transactionalId: this.#id, ...identity, committed },
        ({ errorCode }) => {
          unknown = failed && notOpenCodes.has(errorCode)
          return unknown ? ErrorCode.none : errorCode
        },
      )
      if (this.#version2 && !unknown) this.#sender.restart(answer)
      return !unknown
    } catch (thrown) {
      const error = toKafkaError(thrown)
      this.#died(error)
      throw this.#failure ?? error
    }
  }

  /** A new epoch, sequence numbers at 0. */
  async #reset(producerId: number, producerEpoch: number): Promise<void> {
    try {
      await this.#initProducerId(producerId, producerEpoch)
    } catch (thrown) {
      const error = toKafkaError(thrown)
      this.#died(error)
      throw this.#failure ?? error
    }
  }
}

const notOpenCodes = new Set<number>([
  ErrorCode.invalidTxnState,
  ErrorCode.invalidProducerIdMapping,
])

const withRemedy = (error: KafkaError, timeoutMs: number): KafkaError =>
  error.errorCode === ErrorCode.invalidTransactionTimeout
    ? new KafkaError(
        `a transaction time-out of ${timeoutMs} ms is refused: lower it, or raise transaction.max.timeout.ms of the brokers`,
        'fatal',
        error.errorCode,
        { cause: error },
      )
    : error
