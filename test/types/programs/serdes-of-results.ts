// Operators that change a type take serdes beside a mapper written in place: the mapper decides the
// type, and the serdes must be able to write it.
import { double, json, list, long, nullable, required, string, tumbling } from 'millrace'
import type { KStream, Mapper, Serde } from 'millrace'
import { is, measurements, orders, orderTable, type Equal, type Measurement } from './world.js'

interface Reading {
  readonly id: string
  readonly tags: readonly string[]
}

const mapped = measurements.map((m) => [m.sensorId, m.value], { key: string(), value: double() })
is<Equal<typeof mapped, KStream<string, number>>>()
const fewer = measurements.map((m) => [m.value > 1 ? m.sensorId : null, null], {
  key: string(),
  value: json(),
  name: 'fewer',
})
is<Equal<typeof fewer, KStream<string | null, null>>>()
const pairs = measurements.flatMap((m) => [[m.sensorId, { id: m.sensorId, tags: [m.datetime] }]], {
  key: required(string()),
  value: json<Reading>(),
})
is<Equal<typeof pairs, KStream<string, { id: string; tags: string[] }>>>()
measurements.flatMap(() => [], { key: string(), value: json<Reading>() })
const parts = measurements.flatMapValues((m) => m.datetime.split('T'), { value: string() })
is<Equal<typeof parts, KStream<string | null, string>>>()
const keyed = measurements.selectKey((m) => m.value, { key: double(), name: 'by-value' })
is<Equal<typeof keyed, KStream<number, Measurement>>>()
const level = measurements.mapValues((m) => (m.value > 1 ? 'high' : 'low'), { value: string() })
is<Equal<typeof level, KStream<string | null, 'high' | 'low'>>>()
measurements.mapValues((m) => [m.sensorId], { value: list(string()) })
measurements.map((m) => [m.sensorId, m.value > 1 ? m : null], { value: nullable(json()) })

const counts = orders
  .groupByKey()
  .windowedBy(tumbling({ sizeMs: 1, graceMs: 0 }))
  .count()
const byKey = counts.toStream((_, window) => window.key, { key: string() })
is<Equal<typeof byKey, KStream<string, number>>>()
orderTable.toStream((order, id) => order?.amount ?? id.length, { key: double(), name: 'by-amount' })

const value: Mapper<string | null, Measurement, number> = (m) => m.value
measurements.mapValues(value, { value: double() })
export function numbered<K, V>(stream: KStream<K, V>, serde: Serde<number>): KStream<string, number> {
  return stream
    .mapValues(() => 1, { value: serde })
    .selectKey((_, key) => String(key), { key: string() })
}
export function as<K, V, R extends object>(
  stream: KStream<K, V>,
  mapper: (value: V) => R,
  serde: Serde<R>,
): KStream<K, R> {
  return stream.mapValues((v) => mapper(v), { value: serde })
}

// @ts-expect-error the key is a string
measurements.map((m) => [m.sensorId, m.value], { key: long() })
// @ts-expect-error the value is a number
measurements.map((m) => [m.sensorId, m.value], { value: string() })
// @ts-expect-error the values are numbers
measurements.flatMap((m) => [[m.sensorId, m.value]], { value: string() })
// @ts-expect-error the values are strings
measurements.flatMapValues((m) => m.datetime.split('T'), { value: long() })
// @ts-expect-error the key is a number
measurements.selectKey((m) => m.value, { key: string() })
// @ts-expect-error selectKey keeps the value
measurements.selectKey((m) => m.value, { value: double() })
// @ts-expect-error mapValues keeps the key
measurements.mapValues((m) => m.value, { key: string() })
// @ts-expect-error tags are missing
measurements.mapValues((m) => ({ id: m.sensorId }), { value: json<Reading>() })
// @ts-expect-error the key is a string
orderTable.toStream((_, id) => id, { key: long() })
