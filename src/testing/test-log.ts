// The log of a driver: an embedded one in memory, in which every topic exists as soon as somebody
// writes it.
import type { Clock } from '../clock.js'
import { EmbeddedClient } from '../embedded/embedded-client.js'
import { EmbeddedLog } from '../embedded/embedded-log.js'
import { LogConnection } from '../embedded/log-connection.js'
import type { Producer, TopicPartition, TransactionalProducer } from '../kafka/client.js'
import type { RecordBatchBuilder } from '../kafka/record-batch.js'

export interface TestLogOptions {
  readonly clock: Clock
  readonly partitions: (topic: string) => number
  /** The id of the transactions, where commits are transactions. */
  readonly transactionalId: string | undefined
  readonly transactionTimeoutMs: number
}

/** What a record collector needs of a producer, and the end of a unit of work. */
export class TestLog implements Pick<
  Producer,
  'partitionCount' | 'send' | 'flush' | 'pendingBytes' | 'drained'
> {
  readonly #log: EmbeddedLog
  readonly #client: EmbeddedClient
  readonly #producer: Producer
  readonly #transactions: TransactionalProducer | undefined
  readonly #partitions: (topic: string) => number

  constructor({ clock, partitions, transactionalId, transactionTimeoutMs }: TestLogOptions) {
    this.#log = EmbeddedLog.inMemory(clock.nowMs())
    this.#client = new EmbeddedClient(
      new LogConnection(this.#log, clock, undefined, { client: 0 }),
      async () => {},
    )
    this.#partitions = partitions
    this.#transactions =
      transactionalId === undefined
        ? undefined
        : this.#client.transactionalProducer({ transactionalId, transactionTimeoutMs })
    this.#producer = this.#transactions ?? this.#client.producer()
  }

  /** Begins the first transaction, where there are any. */
  async open(): Promise<void> {
    if (this.#transactions === undefined) return
    await this.#transactions.init()
    this.#transactions.begin()
  }

  get pendingBytes(): number {
    return this.#producer.pendingBytes
  }

  async partitionCount(topic: string): Promise<number> {
    this.#ensure(topic)
    return this.#producer.partitionCount(topic)
  }

  send(
    partition: TopicPartition,
    batch: RecordBatchBuilder,
    acknowledged?: (baseOffset: number) => void,
  ): void {
    this.#ensure(partition.topic)
    this.#producer.send(partition, batch, acknowledged)
  }

  flush(): Promise<void> {
    return this.#producer.flush()
  }

  drained(bytes: number): Promise<void> {
    return this.#producer.drained(bytes)
  }

  /** Ends the unit of work. A driver never goes back, so its input offsets are not kept. */
  async end(): Promise<void> {
    if (this.#transactions === undefined) return
    await this.#transactions.commit()
    this.#transactions.begin()
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  #ensure(topic: string): void {
    if (this.#log.topics.has(topic)) return
    const partitions = this.#partitions(topic)
    // As in Java a sink may name any topic here: no broker is asked.
    this.#log.createTopic({ name: topic, partitions, replicationFactor: 1, configs: {} }, true)
  }
}
