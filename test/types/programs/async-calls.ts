// Every asynchronous operator gets `{ signal, attempt }`; what a side effect resolves to is nobody's
// business, but that it is waited for is.
import type { AsyncCall, AsyncMapper } from 'millrace'
import { is, orders, type Equal, type Order } from './world.js'

declare const database: { insert(order: Order, signal: AbortSignal): Promise<number> }

orders.forEachAsync(async (order, key, record, { signal }) => database.insert(order, signal))
orders.forEachAsync((order, _key, _record, { signal }) => database.insert(order, signal))
orders.filterAsync(async (order, key, record, call) => {
  is<Equal<typeof call, AsyncCall>>()
  return order.amount > call.attempt && key !== null && record.timestampMs > 0
})
const score: AsyncMapper<string | null, Order, Promise<number>> = async (order, _k, _r, call) =>
  order.amount * call.attempt
orders.mapValuesAsync(score, { retry: { attempts: 2 } }).mapValues((n) => n.toFixed())

// @ts-expect-error nothing to wait for
orders.forEachAsync((order) => console.log(order.id))
// @ts-expect-error a promise that nobody waits for
orders.forEachAsync((order, _key, _record, { signal }) => void database.insert(order, signal))
// @ts-expect-error a predicate resolves to a boolean
orders.filterAsync(async (order) => order.amount)
// @ts-expect-error no such member
orders.mapValuesAsync(async (order, _key, _record, { abort }) => order.amount)
