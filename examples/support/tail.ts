// Follows a topic from the example's process: what has come since the last look.
import type { Topic, TopicClient, TopicRecord } from 'millrace'

export class Tail<K, V> {
  readonly #client: TopicClient
  readonly #topic: Topic<K, V>
  readonly #next = new Map<number, number>()
  /** Records seen so far, those of earlier runs included. */
  count = 0

  constructor(client: TopicClient, topic: Topic<K, V>) {
    this.#client = client
    this.#topic = topic
  }

  /** The records that have been committed since the last call. */
  async read(): Promise<TopicRecord<K, V>[]> {
    const records: TopicRecord<K, V>[] = []
    for await (const record of this.#client.read(this.#topic, this.#next)) {
      records.push(record)
      this.#next.set(record.partition, record.offset + 1)
    }
    this.count += records.length
    return records
  }
}
