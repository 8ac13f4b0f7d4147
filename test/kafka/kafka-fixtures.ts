// What the tests of the client's parts share: a scripted broker, a virtual clock and a cluster.
import { VirtualClock } from '../../src/clock.js'
import { Cluster } from '../../src/kafka/cluster.js'
import type { RequestBody } from '../../src/kafka/protocol/api.js'
import type { addPartitionsToTxn } from '../../src/kafka/protocol/messages/add-partitions-to-txn.js'
import { assignBaseOffset, RecordBatchBuilder } from '../../src/kafka/record-batch.js'
import type { BatchIdentity } from '../../src/kafka/record-batch.js'
import { silentLogger } from '../../src/logger.js'
import { FakeBroker, type FakeBrokerOptions } from './fake-broker.js'

export class Scene {
  readonly clock = new VirtualClock(1_000_000)
  readonly broker: FakeBroker
  readonly cluster: Cluster

  private constructor(broker: FakeBroker) {
    this.broker = broker
    this.cluster = new Cluster(
      { brokers: [broker.address] },
      {
        clientId: 'tester',
        tls: undefined,
        sasl: undefined,
        clock: this.clock,
        logger: silentLogger,
        requestTimeoutMs: 30_000,
        connectTimeoutMs: 10_000,
      },
    )
  }

  static async start(options?: FakeBrokerOptions): Promise<Scene> {
    return new Scene(await FakeBroker.start(options))
  }

  async close(): Promise<void> {
    this.cluster.close()
    await this.broker.close()
  }
}

/** A batch of values without keys. */
export function batchOf(...values: readonly string[]): RecordBatchBuilder {
  const builder = new RecordBatchBuilder()
  for (const value of values) builder.append(1, null, Buffer.from(value))
  return builder
}

/** The bytes of a batch as they lie in a log. */
export function stored(
  baseOffset: number,
  values: readonly string[],
  identity: Partial<BatchIdentity> = {},
): Buffer {
  const batch = batchOf(...values).finish({
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    transactional: false,
    compression: 'none',
    ...identity,
  })
  assignBaseOffset(batch, baseOffset)
  return batch
}

/** The answer that adds all partitions to the transaction. */
export const allAdded = ({ topics }: RequestBody<typeof addPartitionsToTxn>) => ({
  resultsByTopic: topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: 0,
    })),
  })),
})
