// What ends together: under exactly-once one transaction per thread with the offsets inside, under
// at-least-once a flush followed by an offset commit. Tasks see neither.
import { TaskMigratedError } from '../errors.js'
import type {
  Client,
  GroupMember,
  PartitionOffset,
  Producer,
  TopicPartition,
  TransactionalProducer,
} from '../kafka/client.js'
import type { RecordBatchBuilder } from '../kafka/record-batch.js'
import type { RecordCollectorOptions } from './record-collector.js'

/** Which guarantee, and the transaction that gives it. */
export interface UnitOfWorkOptions {
  readonly client: Client
  readonly exactlyOnce: boolean
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
  readonly delay: (ms: number) => Promise<void>
}

/** How long the abort of an open transaction may take when a producer is given up, ms. */
const abortMs = 2_000

/** The producer side of a thread; survives a change of the producer behind it. */
export abstract class UnitOfWork<P extends Producer = Producer> {
  protected producer: P | undefined

  /** Gives up the producer and makes a new one: what was open is aborted, what was kept is forgotten. */
  abstract renew(): Promise<void>
  /** Ends the unit with these offsets. @throws KafkaError; nothing is known to be committed then. */
  abstract end(offsets: readonly PartitionOffset[], member: GroupMember): Promise<void>

  get pendingBytes(): number {
    return this.producer?.pendingBytes ?? 0
  }

  partitionCount(topic: string): Promise<number> {
    return this.current.partitionCount(topic)
  }

  send(
    partition: TopicPartition,
    batch: RecordBatchBuilder,
    acknowledged?: (baseOffset: number) => void,
  ): void {
    this.current.send(partition, batch, acknowledged)
  }

  flush(): Promise<void> {
    return this.current.flush()
  }

  drained(bytes: number): Promise<void> {
    return this.current.drained(bytes)
  }

  async close(): Promise<void> {
    const { producer } = this
    this.producer = undefined
    await producer?.close()
  }

  protected get current(): P {
    if (this.producer === undefined) throw new TaskMigratedError('the producer was closed')
    return this.producer
  }
}

class Transactions extends UnitOfWork<TransactionalProducer> {
  readonly #options: UnitOfWorkOptions
  /** Whether the log may know of a transaction. */
  #isOpen = false

  constructor(options: UnitOfWorkOptions) {
    super()
    this.#options = options
  }

  override async renew(): Promise<void> {
    this.#isOpen = false
    await super.close().catch(() => {})
    const { client, transactionalId, transactionTimeoutMs } = this.#options
    const producer = client.transactionalProducer({ transactionalId, transactionTimeoutMs })
    try {
      // Fences a predecessor and ends its open transaction, and our own one.
      await producer.init()
      producer.begin()
    } catch (error) {
      await producer.close().catch(() => {})
      throw error
    }
    this.producer = producer
  }

  /** Readers need not wait for the transaction time-out; where the log is away, they do. */
  override async close(): Promise<void> {
    const { producer } = this
    if (producer !== undefined && this.#isOpen)
      await Promise.race([producer.abort().catch(() => {}), this.#options.delay(abortMs)])
    this.#isOpen = false
    await super.close()
  }

  override send(...args: Parameters<TransactionalProducer['send']>): void {
    this.#isOpen = true
    super.send(...args)
  }

  override async end(offsets: readonly PartitionOffset[], member: GroupMember): Promise<void> {
    const producer = this.current
    if (offsets.length > 0) {
      const metadata = member.metadata()
      if (metadata === undefined)
        throw new TaskMigratedError('this member is not in the group any more')
      this.#isOpen = true
      await producer.sendOffsets(offsets, metadata)
    }
    await producer.commit()
    this.#isOpen = false
    producer.begin()
  }
}

class Flushes extends UnitOfWork {
  readonly #client: Client

  constructor(client: Client) {
    super()
    this.#client = client
  }

  override async renew(): Promise<void> {
    await this.close().catch(() => {})
    this.producer = this.#client.producer()
  }

  override async end(offsets: readonly PartitionOffset[], member: GroupMember): Promise<void> {
    if (offsets.length > 0) await member.commit(offsets)
  }
}

/** The unit of work of a thread; `renew` makes it usable. */
export const unitOfWork = (
  options: UnitOfWorkOptions,
): UnitOfWork & RecordCollectorOptions['producer'] =>
  options.exactlyOnce ? new Transactions(options) : new Flushes(options.client)
