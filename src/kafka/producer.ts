// The idempotent producer for at-least-once. A failure takes everything with it that was handed over
// and is not acknowledged, until a flush has told of it; what follows goes out under a new producer
// id, which no late answer and no sequence number that was used before can touch.
import { KafkaError, type Producer, type ProducerOptions, type TopicPartition } from './client.js'
import { BatchSender } from './batch-sender.js'
import type { Cluster } from './cluster.js'
import { answerError, ErrorCode, errorKind, toKafkaError } from './error-codes.js'
import { Lifetime, retry } from './lifetime.js'
import { initProducerId } from './protocol/messages/init-producer-id.js'
import type { RecordBatchBuilder } from './record-batch-builder.js'
import { partitionCount } from './topic-partitions.js'

export const defaultDeliveryTimeoutMs = 120_000

/** A producer into a Kafka cluster; see `Producer` for what it promises. */
export class KafkaProducer implements Producer {
  readonly #cluster: Cluster
  readonly #lifetime: Lifetime
  readonly #sender: BatchSender
  readonly #deliveryTimeoutMs: number
  /** Counts requests for a producer id; only the last one's answer is taken. */
  #identity = 0
  #identified = false
  #onClose: (() => void) | undefined

  constructor(cluster: Cluster, options: ProducerOptions = {}, onClose?: () => void) {
    this.#cluster = cluster
    this.#onClose = onClose
    this.#lifetime = new Lifetime(cluster.settings.clock, 'producer')
    this.#deliveryTimeoutMs = options.deliveryTimeoutMs ?? defaultDeliveryTimeoutMs
    this.#sender = new BatchSender({
      cluster,
      lifetime: this.#lifetime,
      deliveryTimeoutMs: this.#deliveryTimeoutMs,
      compression: options.compression ?? 'none',
      transactionalId: null,
      errorOf: (what, code, detail) => answerError(what, code, kindOf(code), detail),
    })
  }

  get pendingBytes(): number {
    return this.#sender.pendingBytes
  }

  partitionCount(topic: string): Promise<number> {
    return partitionCount(this.#cluster, this.#lifetime, topic, this.#deliveryTimeoutMs)
  }

  send(
    partition: TopicPartition,
    batch: RecordBatchBuilder,
    acknowledged?: (baseOffset: number) => void,
  ): void {
    this.#lifetime.check()
    this.#sender.send(partition, batch, acknowledged)
    if (this.#identified) return
    this.#identified = true
    void this.#identify()
  }

  drained(bytes: number): Promise<void> {
    return this.#sender.drained(bytes)
  }

  async flush(): Promise<void> {
    try {
      await this.#sender.flush()
    } catch (error) {
      if (!this.#lifetime.closed) this.#beginAnew()
      throw error
    }
  }

  close(): Promise<void> {
    if (this.#lifetime.closed) return Promise.resolve()
    this.#lifetime.close()
    this.#sender.fail(this.#lifetime.closedError())
    this.#onClose?.()
    this.#onClose = undefined
    return Promise.resolve()
  }

  #beginAnew(): void {
    this.#sender.restart(undefined)
    this.#identified = false
    this.#identity++
  }

  async #identify(): Promise<void> {
    const identity = ++this.#identity
    try {
      const { producerId, producerEpoch } = await retry(
        this.#lifetime,
        { timeoutMs: this.#deliveryTimeoutMs },
        async () => {
          const connection = await this.#cluster.anyConnection()
          const answer = await connection.send(initProducerId, {
            transactionalId: null,
            transactionTimeoutMs: 0,
          })
          if (answer.errorCode !== ErrorCode.none)
            throw answerError('InitProducerId', answer.errorCode)
          return answer
        },
      )
      if (identity !== this.#identity) return
      this.#sender.identity = { producerId, producerEpoch }
      this.#sender.pump()
    } catch (error) {
      if (identity === this.#identity) this.#sender.fail(toKafkaError(error))
    }
  }
}

/** What a new producer id heals. */
const againCodes = new Set<number>([
  ErrorCode.unknown,
  ErrorCode.invalidProducerEpoch,
  ErrorCode.unknownProducerId,
])

/** Without a transaction nobody else can own the producer id, so there is no fence. */
const kindOf = (code: number): KafkaError['kind'] => {
  if (againCodes.has(code)) return 'retriable'
  const kind = errorKind(code)
  return kind === 'abortable' || kind === 'fenced' ? 'fatal' : kind
}
