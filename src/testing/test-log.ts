// The log of a driver, as far as tasks write to it: every topic exists, batches are acknowledged when
// they arrive. What is in them the driver has seen before, record by record.
import type { Producer, TopicPartition } from '../kafka/client.js'
import { partitionKey } from '../kafka/client.js'
import type { RecordBatchBuilder } from '../kafka/record-batch.js'

/** What a record collector needs of a producer. */
export class TestLog implements Pick<
  Producer,
  'partitionCount' | 'send' | 'flush' | 'pendingBytes' | 'drained'
> {
  readonly pendingBytes = 0
  readonly #partitions: (topic: string) => number
  readonly #ends = new Map<string, number>()

  constructor(partitions: (topic: string) => number) {
    this.#partitions = partitions
  }

  async partitionCount(topic: string): Promise<number> {
    return this.#partitions(topic)
  }

  send(
    partition: TopicPartition,
    batch: RecordBatchBuilder,
    acknowledged?: (baseOffset: number) => void,
  ): void {
    const key = partitionKey(partition)
    const end = this.#ends.get(key) ?? 0
    this.#ends.set(key, end + batch.count)
    acknowledged?.(end)
  }

  async flush(): Promise<void> {}

  async drained(): Promise<void> {}
}
