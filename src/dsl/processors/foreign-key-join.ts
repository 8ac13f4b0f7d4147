// A foreign-key join in five nodes (semantics 8):
//
//   left:  send ──subscriptions──▶ right: receive ─▶ join ┐
//   left:  result ◀─ resolver ◀──responses──── foreign ───┘ (a right row changed)
//
// The left side tells the right which rows it wants; the right answers now and whenever the row
// changes; the left takes an answer only if it still fits the left row that asked.
import { HeaderList } from '../../serde/record-headers.js'
import type { Serde } from '../../serde/serde.js'
import { serdeForNode } from '../../serde/serde-traits.js'
import type { SubscriptionRows } from '../../state/subscription-rows.js'
import { parseTaskId } from '../../topology/task-id.js'
import type { NodeContext, NodeProcessor, NodeSupplier } from '../../topology/processor.js'
import type { FlowRecord } from '../../topology/stream-record.js'
import type { Change } from '../change.js'
import {
  answerAlways,
  answerIfThere,
  decodeSubscription,
  deleteAndAnswer,
  deleteOnly,
  encodeSubscription,
  leftKeyTopic,
  sameHash,
  type Instruction,
  type Subscription,
  type SubscriptionResponse,
} from '../foreign-key-serdes.js'
import { murmur3 } from '../murmur3.js'
import { checked } from './checked.js'
import type {
  ForeignKeySerdes,
  ForeignTableJoinOptions,
  ResponseJoinOptions,
  SubscriptionJoinOptions,
  SubscriptionReceiveOptions,
  SubscriptionSendOptions,
} from './operator-options.js'

/** Bytes of keys and values, the same wherever in the join they are made. */
class JoinBytes {
  readonly #leftKey: Serde<any>
  readonly #leftValue: Serde<any>
  readonly #foreignKey: Serde<any>
  readonly #topic: string

  constructor({ applicationId }: NodeContext, serdes: ForeignKeySerdes) {
    this.#leftKey = serdeForNode(serdes.leftKey)
    this.#leftValue = serdeForNode(serdes.leftValue)
    this.#foreignKey = serdeForNode(serdes.foreignKey)
    this.#topic = `${applicationId}-${serdes.topic}`
  }

  leftKey(key: unknown): Uint8Array {
    return this.#leftKey.serialize(key, leftKeyTopic(this.#topic), new HeaderList())
  }

  readLeftKey(bytes: Uint8Array): unknown {
    return this.#leftKey.deserialize(bytes, leftKeyTopic(this.#topic), new HeaderList())
  }

  foreignKey(key: unknown): Uint8Array {
    return this.#foreignKey.serialize(key, `${this.#topic}-fk`, new HeaderList())
  }

  /** Foreign keys are the same when their bytes are. */
  isSameForeignKey(a: unknown, b: unknown): boolean {
    if (a === b) return true
    if (typeof a === 'string' && typeof b === 'string') return false
    return Buffer.compare(this.foreignKey(a), this.foreignKey(b)) === 0
  }

  /** What a left value is compared by; of no value, null. */
  hash(value: unknown): Uint8Array | null {
    if (value === null) return null
    return murmur3(this.#leftValue.serialize(value, `${this.#topic}-vh`, new HeaderList()))
  }
}

/**
 * Left side: sends the subscriptions that an update of a left row calls for, keyed by foreign key
 * (semantics 8.4). An inner join drops and counts rows that have no foreign key and had none.
 *
 * @example
 * // orders.join(customers, (order) => order.customerId, (order, customer) => ({ ...order, customer }))
 * subscriptionSend({ left: false, foreignKey: (order) => order.customerId, serdes, versioned })
 */
export const subscriptionSend =
  (options: SubscriptionSendOptions): NodeSupplier =>
  (context) =>
    new SubscriptionSender(context, options)

class SubscriptionSender implements NodeProcessor {
  readonly #context: NodeContext
  readonly #left: boolean
  readonly #foreignKey: SubscriptionSendOptions['foreignKey']
  readonly #bytes: JoinBytes
  readonly #versioned: boolean
  readonly #partition: number

  constructor(context: NodeContext, options: SubscriptionSendOptions) {
    this.#context = context
    this.#left = options.left
    this.#foreignKey = options.foreignKey
    this.#bytes = new JoinBytes(context, options.serdes)
    this.#versioned = options.versioned()
    this.#partition = parseTaskId(context.taskId)?.partition ?? 0
  }

  process(record: FlowRecord<unknown, Change>): void | Promise<void> {
    const { key, value: change } = record
    const { newValue, oldValue } = change
    if (this.#versioned && !change.isLatest) return this.#context.drop('out-of-order update')
    if (newValue === null && oldValue === null) return
    const before = oldValue === null ? null : this.#wanted(oldValue, key)
    const after = newValue === null ? null : this.#wanted(newValue, key)
    const hash = this.#bytes.hash(newValue)
    if (before !== null && (after === null || !this.#bytes.isSameForeignKey(before, after))) {
      if (after === null && !this.#left) return this.#send(record, before, deleteAndAnswer, hash)
      const sent = this.#send(record, before, deleteOnly, hash)
      // The answer to the second unsets or replaces the result, for inner joins too.
      if (sent === undefined) return this.#send(record, after, answerAlways, hash)
      return sent.then(() => this.#send(record, after, answerAlways, hash))
    }
    if (this.#left) return this.#send(record, after, answerAlways, hash)
    if (after === null) return this.#context.drop('null foreign key')
    return this.#send(record, after, answerIfThere, hash)
  }

  #wanted(value: unknown, key: unknown): unknown {
    return checked(this.#foreignKey(value, key), this.#context.nodeName, 'foreign key')
  }

  #send(
    record: FlowRecord,
    foreignKey: unknown,
    instruction: Instruction,
    hash: Uint8Array | null,
  ): void | Promise<void> {
    const leftKey = record.key
    const subscription: Subscription = {
      instruction,
      hash,
      leftKey,
      leftPartition: this.#partition,
    }
    return this.#context.forward(record.with(foreignKey, subscription, record.timestampMs))
  }
}

/** Right side: keeps subscriptions in `store`, a `SubscriptionRows`, and forwards them (8.5 b). */
export const subscriptionReceive =
  ({ store, serdes }: SubscriptionReceiveOptions): NodeSupplier =>
  (context) => {
    const rows = context.store(store) as SubscriptionRows
    const bytes = new JoinBytes(context, serdes)
    return {
      process(record: FlowRecord<unknown, Subscription>) {
        const { key, value: subscription, timestampMs } = record
        const { instruction } = subscription
        if (key === null || key === undefined) {
          if (instruction !== answerAlways) return context.drop('null foreign key')
          return context.forward(record)
        }
        const keeps = instruction === answerAlways || instruction === answerIfThere
        const leftKey = bytes.leftKey(subscription.leftKey)
        rows.write(
          bytes.foreignKey(key),
          leftKey,
          keeps ? encodeSubscription(subscription, leftKey) : null,
          timestampMs,
        )
        return context.forward(record)
      },
    }
  }

/** Right side: answers a subscription with the right row (8.5 c). */
export const subscriptionJoin =
  ({ right }: SubscriptionJoinOptions): NodeSupplier =>
  (context) => {
    const table = right.open(context)
    return {
      process(record: FlowRecord<unknown, Subscription>) {
        const { key, value: subscription, timestampMs } = record
        const { instruction, hash, leftKey, leftPartition } = subscription
        if (instruction === deleteOnly) return
        const row = key === null ? undefined : table.get(key)
        if (instruction === answerIfThere && row === undefined) return
        const value: unknown =
          row === undefined || instruction === deleteAndAnswer ? null : row.value
        const timeMs = row === undefined ? timestampMs : Math.max(timestampMs, row.timestampMs)
        const response: SubscriptionResponse = { hash, value, leftPartition }
        return context.forward(record.with(leftKey, response, timeMs))
      },
    }
  }

/**
 * Right side: answers all subscriptions of a right row that changed, in order of the left keys' bytes
 * (8.6), at the time of the right row. The scan is asynchronous; the task waits.
 */
export const foreignTableJoin =
  (options: ForeignTableJoinOptions): NodeSupplier =>
  (context) => {
    const rows = context.store(options.store) as SubscriptionRows
    const bytes = new JoinBytes(context, options.serdes)
    const versioned = options.versioned()
    const answer = async (record: FlowRecord<unknown, Change>): Promise<void> => {
      const { key, value: change, timestampMs } = record
      for await (const row of rows.scan(bytes.foreignKey(key))) {
        const { hash, leftPartition } = decodeSubscription(row.subscription)
        const response: SubscriptionResponse = { hash, value: change.newValue, leftPartition }
        await context.forward(record.with(bytes.readLeftKey(row.leftKey), response, timestampMs))
      }
    }
    return {
      process(record: FlowRecord<unknown, Change>) {
        if (record.key === null || record.key === undefined) return context.drop('null key')
        if (versioned && !record.value.isLatest) return context.drop('out-of-order update')
        return answer(record)
      },
    }
  }

/**
 * Left side: joins an answer with the current left row (8.7). An answer to an earlier value of the
 * row is dropped and counted: the subscription of the current one is on its way.
 */
export const responseJoin =
  ({ left, join, table, serdes }: ResponseJoinOptions): NodeSupplier =>
  (context) => {
    const node = context.nodeName
    const rows = table.open(context)
    const bytes = new JoinBytes(context, serdes)
    return {
      process(record: FlowRecord<unknown, SubscriptionResponse>) {
        const { key, value: response } = record
        const row = rows.get(key)
        const value: unknown = row === undefined ? null : row.value
        if (!sameHash(bytes.hash(value), response.hash)) return context.drop('outdated answer')
        if (value === null || (response.value === null && !left))
          return context.forward(record.withValue(null))
        const result = checked(join(value, response.value, key), node, 'joiner')
        return context.forward(record.withValue(result))
      },
    }
  }
