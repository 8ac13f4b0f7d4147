// A foreign-key join in five nodes (semantics 8):
//
//   left:  send ──subscriptions──▶ right: receive ─▶ join ┐
//   left:  result ◀─ resolver ◀──responses──── foreign ───┘ (a right row changed)
//
// The left side tells the right which rows it wants; the right answers now and whenever the row
// changes; the left takes an answer only if it still fits the left row that asked.
import { recordHeaders, type RecordHeaders } from '../../serde/record-headers.js'
import { serdeForNode } from '../../serde/serde-traits.js'
import type { SubscriptionRows } from '../../state/subscription-rows.js'
import type { NodeContext, NodeSupplier } from '../../topology/processor.js'
import type { FlowRecord } from '../../topology/stream-record.js'
import type { Change } from '../change.js'
import {
  subscriptionSerde,
  type Subscription,
  type SubscriptionResponse,
} from '../foreign-key-serdes.js'
import { murmur3 } from '../murmur3.js'
import { checked } from './checked.js'
import type {
  ForeignTableJoinOptions,
  ResponseJoinOptions,
  SubscriptionJoinOptions,
  SubscriptionReceiveOptions,
  SubscriptionSendOptions,
} from './operator-options.js'

const dropAndSend = 0
const dropAndAnswerNull = 1
const answerAlways = 2
const answerIfThere = 3

const noHeaders: RecordHeaders = recordHeaders()

const sameBytes = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === b || (a !== null && b !== null && Buffer.compare(a, b) === 0)

const partitionOf = (context: NodeContext): number =>
  Number(context.taskId.slice(context.taskId.indexOf('_') + 1))

/** What a subscription is about: the foreign key, and its bytes for comparing. */
interface Wanted {
  readonly key: unknown
  readonly bytes: Uint8Array | null
}

/** Left side (semantics 8.4): forwards subscriptions keyed by foreign key to a sink. */
export const subscriptionSend =
  (options: SubscriptionSendOptions): NodeSupplier =>
  (context) => {
    const { left, foreignKey } = options
    const node = context.nodeName
    const versioned = options.versioned()
    const leftPartition = partitionOf(context)
    const keys = serdeForNode(options.serdes.foreignKey)
    const values = serdeForNode(options.serdes.leftValue)
    const wanted = (value: unknown, key: unknown): Wanted => {
      const found = value === null ? null : checked(foreignKey(value, key), node, 'foreign key')
      return {
        key: found,
        bytes: found === null ? null : keys.serialize(found, node, noHeaders),
      }
    }
    return {
      process(record: FlowRecord<unknown, Change>) {
        const { key, value: change, timestampMs } = record
        const { newValue, oldValue } = change
        if (versioned && !change.isLatest) return context.drop('out of order')
        if (newValue === null && oldValue === null) return
        const before = wanted(oldValue, key)
        const after = wanted(newValue, key)
        const hash =
          newValue === null ? null : murmur3(values.serialize(newValue, node, record.headers))
        const send = (
          instruction: Subscription['instruction'],
          to: Wanted,
        ): void | Promise<void> => {
          const subscription: Subscription = { instruction, hash, leftKey: key, leftPartition }
          return context.forward(record.with(to.key, subscription, timestampMs))
        }
        const sendBoth = (to: Wanted): void | Promise<void> => {
          const sent = send(dropAndSend, before)
          return sent === undefined
            ? send(answerAlways, to)
            : sent.then(() => send(answerAlways, to))
        }
        if (before.bytes !== null && !sameBytes(before.bytes, after.bytes))
          return after.bytes === null && !left ? send(dropAndAnswerNull, before) : sendBoth(after)
        if (left) return send(answerAlways, after)
        return after.bytes === null ? context.drop('null foreign key') : send(answerIfThere, after)
      },
    }
  }

/** Right side (8.5 b): keeps subscriptions in `store`, a `SubscriptionRows`, and forwards them. */
export const subscriptionReceive =
  ({ store, serdes }: SubscriptionReceiveOptions): NodeSupplier =>
  (context) => {
    const rows = context.store(store) as SubscriptionRows
    const subscriptions = subscriptionSerde(serdes.leftKey)
    const node = context.nodeName
    return {
      process(record: FlowRecord<unknown, Subscription>) {
        const { key, value, timestampMs } = record
        if (key === null) {
          if (value.instruction !== answerAlways) return context.drop('null foreign key')
          return context.forward(record)
        }
        const keepsIt = value.instruction === answerAlways || value.instruction === answerIfThere
        rows.write(
          serdes.foreignKey.serialize(key, node, noHeaders),
          serdes.leftKey.serialize(value.leftKey, node, noHeaders),
          keepsIt ? subscriptions.serialize(value, node, noHeaders) : null,
          timestampMs,
        )
        return context.forward(record)
      },
    }
  }

/** Right side (8.5 c): answers a subscription with the right row. */
export const subscriptionJoin =
  ({ right }: SubscriptionJoinOptions): NodeSupplier =>
  (context) => {
    const table = right.open(context)
    return {
      process(record: FlowRecord<unknown, Subscription>) {
        const { key, value: subscription, timestampMs } = record
        const { instruction, hash, leftKey, leftPartition } = subscription
        if (instruction === dropAndSend) return
        const row = key === null ? undefined : table.get(key)
        if (instruction === answerIfThere && row === undefined) return
        const response: SubscriptionResponse = {
          hash,
          value: instruction === dropAndAnswerNull ? null : (row?.value ?? null),
          leftPartition,
        }
        const timeMs = row === undefined ? timestampMs : Math.max(timestampMs, row.timestampMs)
        return context.forward(record.with(leftKey, response, timeMs))
      },
    }
  }

/** Right side (8.6): answers all subscriptions of a right row that changed, in order of left keys. */
export const foreignTableJoin =
  (options: ForeignTableJoinOptions): NodeSupplier =>
  (context) => {
    const { serdes } = options
    const rows = context.store(options.store) as SubscriptionRows
    const subscriptions = subscriptionSerde(serdes.leftKey)
    const versioned = options.versioned()
    const node = context.nodeName
    const answer = async (record: FlowRecord<unknown, Change>): Promise<void> => {
      const { key, value: change, timestampMs } = record
      const bytes = serdes.foreignKey.serialize(key, node, noHeaders)
      for await (const row of rows.scan(bytes)) {
        const { hash, leftKey, leftPartition } = subscriptions.deserialize(
          row.subscription,
          node,
          noHeaders,
        )
        const response: SubscriptionResponse = { hash, value: change.newValue, leftPartition }
        await context.forward(record.with(leftKey, response, timestampMs))
      }
    }
    return {
      process(record: FlowRecord<unknown, Change>) {
        if (record.key === null) return context.drop('null key')
        if (versioned && !record.value.isLatest) return context.drop('out of order')
        return answer(record)
      },
    }
  }

/** Left side (8.7): joins an answer with the current left row if it still fits. */
export const responseJoin =
  ({ left, join, table, serdes }: ResponseJoinOptions): NodeSupplier =>
  (context) => {
    const node = context.nodeName
    const rows = table.open(context)
    const values = serdeForNode(serdes.leftValue)
    return {
      process(record: FlowRecord<unknown, SubscriptionResponse>) {
        const { key, value: response } = record
        const row = rows.get(key)
        const hash =
          row === undefined ? null : murmur3(values.serialize(row.value, node, record.headers))
        // Another subscription is on its way, which will be answered.
        if (!sameBytes(hash, response.hash)) return context.drop('outdated answer')
        if (row === undefined || (response.value === null && !left))
          return context.forward(record.withValue(null))
        const result = checked(join(row.value, response.value, key), node, 'joiner')
        return context.forward(record.withValue(result))
      },
    }
  }
