// The committed offsets of one group, and those that wait for the end of their transaction.
import {
  partitionKey,
  type CommittedOffset,
  type PartitionOffset,
  type TopicPartition,
} from '../kafka/client.js'
import type { MarkerType } from '../kafka/record-batch.js'
import type { Journal } from './journal.js'
import { json, row } from './log-rows.js'

export class GroupOffsets {
  readonly #groupId: string
  readonly #journal: Journal
  readonly #offsets = new Map<string, PartitionOffset>()
  /** By producer id. */
  readonly #pending = new Map<number, Map<string, PartitionOffset>>()
  #stableWaiters: (() => void)[] = []

  constructor(groupId: string, journal: Journal) {
    this.#groupId = groupId
    this.#journal = journal
  }

  /** Commits at once, outside a transaction. */
  commit(offsets: readonly PartitionOffset[]): void | Promise<void> {
    for (const offset of offsets) this.#put(offset)
    return this.#journal.synced()
  }

  committed(partitions: readonly TopicPartition[]): ReadonlyMap<string, CommittedOffset> {
    const found = new Map<string, CommittedOffset>()
    for (const partition of partitions) {
      const offset = this.#offsets.get(partitionKey(partition))
      if (offset !== undefined)
        found.set(partitionKey(partition), { offset: offset.offset, metadata: offset.metadata })
    }
    return found
  }

  /** The same once no transaction is pending on any of them. */
  async stable(
    partitions: readonly TopicPartition[],
  ): Promise<ReadonlyMap<string, CommittedOffset>> {
    while (this.#isPending(partitions))
      await new Promise<void>((resolve) => this.#stableWaiters.push(resolve))
    return this.committed(partitions)
  }

  #isPending(partitions: readonly TopicPartition[]): boolean {
    for (const pending of this.#pending.values())
      if (partitions.some((p) => pending.has(partitionKey(p)))) return true
    return false
  }

  /** Holds offsets back until their transaction ends. */
  addPending(producerId: number, offsets: readonly PartitionOffset[]): void {
    let pending = this.#pending.get(producerId)
    if (pending === undefined) this.#pending.set(producerId, (pending = new Map()))
    for (const offset of offsets) pending.set(partitionKey(offset), offset)
  }

  /** Writes the rows of a transaction that commits. */
  preparePending(producerId: number, type: MarkerType): void {
    if (type === 'commit' && this.#journal.durable)
      for (const offset of this.#pending.get(producerId)?.values() ?? []) this.#write(offset)
  }

  /** Makes the end of a transaction visible. */
  settlePending(producerId: number, type: MarkerType): void {
    const pending = this.#pending.get(producerId)
    this.#pending.delete(producerId)
    if (type === 'commit' && pending !== undefined)
      for (const [key, offset] of pending) this.#offsets.set(key, offset)
    const waiters = this.#stableWaiters
    this.#stableWaiters = []
    for (const wake of waiters) wake()
  }

  restore(offset: PartitionOffset): void {
    this.#offsets.set(partitionKey(offset), offset)
  }

  forgetTopic(topic: string): void {
    for (const [key, offset] of this.#offsets)
      if (offset.topic === topic) {
        this.#offsets.delete(key)
        this.#journal.delete(row.offset(this.#groupId, topic, offset.partition))
      }
  }

  #put(offset: PartitionOffset): void {
    this.#offsets.set(partitionKey(offset), offset)
    if (this.#journal.durable) this.#write(offset)
  }

  #write({ topic, partition, offset, metadata }: PartitionOffset): void {
    this.#journal.put(row.offset(this.#groupId, topic, partition), json({ offset, metadata }))
  }
}
