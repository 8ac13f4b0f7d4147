// The topologies that are measured; t1, t3 and t4 are those of the comparison with Kafka Streams.
import {
  StreamsBuilder,
  bytes,
  json,
  long,
  minutes,
  string,
  tumbling,
  type Topology,
} from '../src/index.js'

export interface Measurement {
  readonly sensor_id: string
  readonly datetime: number
  readonly value: number
}

/** Six stateless nodes over text. */
export function sixNodes(): Topology {
  const builder = new StreamsBuilder({ key: string(), value: string() })
  let seen = 0
  builder
    .stream<string, string>('in')
    .filter((value) => value.length > 0)
    .mapValues((value) => value)
    .peek(() => void seen++)
    .filterNot((_value, key) => key === null)
    .mapValues((value) => value)
    .filter(() => true)
    .to('out')
  return builder.build()
}

/** t3 with an object in each row instead of a number. */
export function totals(): Topology {
  const builder = new StreamsBuilder({ key: string(), value: string() })
  builder
    .stream<string, string>('in')
    .groupByKey()
    .aggregate({
      initial: () => ({ length: 0, count: 0 }),
      add: (all, value) => {
        all.length += value.length
        all.count++
        return all
      },
      value: json<{ length: number; count: number }>(),
      store: 'totals',
    })
    .toStream()
    .mapValues(({ count }) => count, { value: long() })
    .to('out')
  return builder.build()
}

/** t1: parse, keep a fifth, write. */
export function t1(input = 'in', output = 'out'): Topology {
  const builder = new StreamsBuilder({ key: string(), value: json() })
  builder
    .stream(input, { value: json<Measurement>() })
    .filter((m) => m.value > 800)
    .to(output)
  return builder.build()
}

/** t2: parse, a new object with a fourth field, write. */
export function t2(input = 'in', output = 'out'): Topology {
  const builder = new StreamsBuilder({ key: string(), value: json() })
  builder
    .stream(input, { value: json<Measurement>() })
    .mapValues((m) => ({
      sensor_id: m.sensor_id,
      datetime: m.datetime,
      value: m.value,
      type: 'temperature',
    }))
    .to(output)
  return builder.build()
}

/** t3: count per key; values are never looked at. */
export function t3(input = 'in', output = 'out', caching = true): Topology {
  const builder = new StreamsBuilder({ key: string(), value: bytes() })
  builder
    .stream<string, Uint8Array>(input)
    .groupByKey()
    .count({ store: 'counts', caching })
    .toStream()
    .to(output, { value: long() })
  return builder.build()
}

/** t4: average per key and minute. */
export function t4(input = 'in', output = 'out'): Topology {
  const builder = new StreamsBuilder({ key: string(), value: json() })
  builder
    .stream(input, { value: json<Measurement>() })
    .groupByKey()
    .windowedBy(tumbling({ sizeMs: minutes(1), graceMs: 0 }))
    .aggregate({
      initial: () => ({ sum: 0, count: 0 }),
      add: (a, m) => ({ sum: a.sum + m.value, count: a.count + 1 }),
      store: 'averages',
    })
    .toStream()
    .map((a, w) => [
      `${w.key}@${w.startMs}`,
      { sensor_id: w.key, start: w.startMs, count: a.count, avg: a.sum / a.count },
    ])
    .to(output)
  return builder.build()
}
