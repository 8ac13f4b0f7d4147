// Which partitions take part in a transaction, and how they come in: asked for together
// beforehand (version 1), or by their first batch, which must then be alone on its way (version 2,
// else the broker answers as if replicas or the coordinator were away).
import type { ProducerIdentity, SendGate } from './batch-sender.js'
import type { KafkaError } from './client.js'
import type { Cluster } from './cluster.js'
import { askCoordinator, type CoordinatorCall } from './coordinator.js'
import { ErrorCode, toKafkaError } from './error-codes.js'
import type { Lifetime } from './lifetime.js'
import { addPartitionsToTxn } from './protocol/messages/add-partitions-to-txn.js'

export interface TransactionPartitionsOptions {
  readonly cluster: Cluster
  readonly lifetime: Lifetime
  readonly call: CoordinatorCall
  readonly version2: boolean
  readonly identity: () => ProducerIdentity & { readonly transactionalId: string }
  /** The coordinator may know of the transaction from now on. */
  readonly began: () => void
  /** Partitions came in: batches may leave. */
  readonly ready: () => void
  readonly failed: (error: KafkaError) => void
}

type Partitions = Map<string, Set<number>>

export class TransactionPartitions implements SendGate {
  readonly #options: TransactionPartitionsOptions
  #members: Partitions = new Map()
  /** To be asked for with the next request. */
  #wanted: Partitions = new Map()
  #asked: Partitions = new Map()
  #asking: Promise<void> | undefined
  #life = 0

  constructor(options: TransactionPartitionsOptions) {
    this.#options = options
  }

  admit(topic: string, partition: number): 'open' | 'alone' | 'wait' {
    if (this.#members.get(topic)?.has(partition)) return 'open'
    if (this.#options.version2) return 'alone'
    if (!this.#asked.get(topic)?.has(partition)) {
      add(this.#wanted, topic, partition)
      this.#asking ??= this.#ask()
    }
    return 'wait'
  }

  sending(): void {
    this.#options.began()
  }

  arrived(topic: string, partition: number): void {
    if (this.#options.version2) add(this.#members, topic, partition)
  }

  /** Resolves when nothing is being asked. */
  async settled(): Promise<void> {
    await this.#asking
  }

  /** The transaction ended. */
  clear(): void {
    this.#life++
    this.#members = new Map()
    this.#wanted = new Map()
    this.#asked = new Map()
  }

  async #ask(): Promise<void> {
    const { cluster, lifetime, call, identity, began, ready, failed } = this.#options
    const life = this.#life
    try {
      // What the same turn of the sender wants goes in one request.
      await Promise.resolve()
      while (this.#wanted.size > 0 && life === this.#life) {
        const asked = (this.#asked = this.#wanted)
        this.#wanted = new Map()
        began()
        await askCoordinator(
          cluster,
          lifetime,
          call,
          addPartitionsToTxn,
          {
            ...identity(),
            topics: Array.from(asked, ([name, partitions]) => ({
              name,
              partitions: [...partitions],
            })),
          },
          ({ resultsByTopic }) => {
            const codes = resultsByTopic.flatMap((t) =>
              t.resultsByPartition.map((p) => p.partitionErrorCode),
            )
            // Where one partition is refused, the others say "not attempted".
            return (
              codes.find((c) => c !== ErrorCode.none && c !== ErrorCode.operationNotAttempted) ??
              codes.find((c) => c !== ErrorCode.none) ??
              ErrorCode.none
            )
          },
        )
        if (life !== this.#life) return
        for (const [topic, partitions] of asked)
          for (const partition of partitions) add(this.#members, topic, partition)
        this.#asked = new Map()
        ready()
      }
    } catch (error) {
      if (life === this.#life) failed(toKafkaError(error))
    } finally {
      this.#asking = undefined
    }
  }
}

const add = (partitions: Partitions, topic: string, partition: number): void => {
  const known = partitions.get(topic)
  if (known) known.add(partition)
  else partitions.set(topic, new Set([partition]))
}
