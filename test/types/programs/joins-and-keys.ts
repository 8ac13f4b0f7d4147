// A source's keys may be null, those of a stream that was keyed anew are not: such streams join either
// way around, and options written for one fit the other.
import { double, json, string, tumbling, type Joined, type KStream, type StreamJoined } from 'millrace'
import { customers, is, measurements, orders, sensors, type Equal } from './world.js'
import type { Customer, Measurement, Order } from './world.js'

const within = { beforeMs: 1, afterMs: 1, graceMs: 0 }
const keyed = measurements.selectKey((m) => m.sensorId)

const inner = keyed.join(orders, (m, o, key) => key.length + m.value + o.amount, { within })
is<Equal<typeof inner, KStream<string, number>>>()
const left = keyed.leftJoin(orders, (m, o) => o?.amount ?? m.value, { within })
is<Equal<typeof left, KStream<string, number>>>()
const right = orders.join(keyed, (o, m) => o.amount + m.value, { within })
is<Equal<typeof right, KStream<string | null, number>>>()
// What has no key comes out of an outer join from either side.
const outer = keyed.outerJoin(orders, (m, o, key) => ({ key, n: m?.value ?? o?.amount }), { within })
is<Equal<typeof outer, KStream<string | null, { key: string | null; n: number | undefined }>>>()
const both = keyed.outerJoin(keyed, (a, b) => (a === null ? b.value : a.value), { within })
is<Equal<typeof both, KStream<string, number>>>()

const streams: StreamJoined<string, Measurement, Order> = { within, key: string(), name: 'pairs' }
measurements.join(orders, (m, o) => m.value + o.amount, streams)
keyed.leftJoin(orders, (m, o) => o?.amount ?? m.value, streams)
measurements.outerJoin(orders, (m, o) => m?.value ?? o?.amount, streams)
const table: Joined<string, Order, Customer> = { otherValue: json<Customer>() }
orders.join(customers, (o, c) => `${o.id} ${c.name}`, table)
const nullable: Joined<string | null, Order, Customer> = { graceMs: 5 }
orders.leftJoin(customers, (o, c) => `${o.id} ${c?.name}`, nullable)
export function pairs<K, V, V2>(a: KStream<K, V>, b: KStream<K, V2>, o: StreamJoined<K, V, V2>) {
  return a.outerJoin(b, (left, right) => [left, right] as const, o)
}

// @ts-expect-error one is keyed by number
orders.selectKey((o) => o.amount).join(orders, (a, b) => a.amount + b.amount, { within })
// @ts-expect-error the other is keyed by number
orders.outerJoin(orders.selectKey((o) => o.amount), (a, b) => a ?? b, { within })
// @ts-expect-error the keys are windows
keyed.join(keyed.groupByKey().windowedBy(tumbling({ sizeMs: 1, graceMs: 0 })).count().toStream(), (m, n) => n, { within })
// @ts-expect-error the serde of a number key
keyed.join(orders, (m, o) => m.value + o.amount, { within, key: double() })
// @ts-expect-error the key of an outer join may be null
keyed.outerJoin(orders, (m, o, key) => key.length, { within })
// @ts-expect-error a global table has no serdes to choose
orders.join(sensors, (o) => o.id, (o, s) => s.type, { value: json<Order>() })
