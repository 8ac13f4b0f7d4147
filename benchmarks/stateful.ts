// Each aggregation in process, on 1,000 keys, one record a millisecond: `npm run bench -- stateful`
// compares them with `count`. What costs more than five times as much does more: five windows a
// record when hopping, about five when sliding, a removal and a write for each session that grows, a
// copy through JSON for a fold in place without a cache, an encoded entry for each update suppressed.
import {
  StreamsBuilder,
  bytes,
  hopping,
  json,
  seconds,
  session,
  sliding,
  string,
  tumbling,
  type KGroupedStream,
  type KTable,
  type Topology,
} from '../src/index.js'
import type { Measurement } from './topologies.js'

type Build = (stream: KGroupedStream<string, Uint8Array>) => KTable<any, unknown, any>

const counting = (build: Build) => (): Topology => {
  const builder = new StreamsBuilder({ key: string(), value: bytes() })
  const table = build(builder.stream<string, Uint8Array>('in').groupByKey() as never)
  table.toStream().forEach(() => {})
  return builder.build()
}

const average = (inPlace: boolean, caching: boolean) => (): Topology => {
  const builder = new StreamsBuilder({ key: string(), value: json() })
  builder
    .stream('in', { value: json<Measurement>() })
    .groupByKey()
    .aggregate({
      initial: () => ({ sum: 0, count: 0 }),
      add: (a, m) =>
        inPlace ? ((a.sum += m.value), a.count++, a) : { sum: a.sum + m.value, count: a.count + 1 },
      caching,
    })
    .toStream()
    .forEach(() => {})
  return builder.build()
}

const regrouped = (): Topology => {
  const builder = new StreamsBuilder({ key: string(), value: bytes() })
  builder
    .table<string, Uint8Array>('in')
    .groupBy((value, key) => [key.slice(-1), value])
    .count()
    .toStream()
    .forEach(() => {})
  return builder.build()
}

/** A second of stream time has a record of each key, so windows hold about as many records each. */
const graceMs = seconds(1)

/** Topologies by the name of their operator; `count` is what the others are compared with. */
export const statefulTopologies: Readonly<Record<string, () => Topology>> = {
  count: counting((stream) => stream.count()),
  'count, uncached': counting((stream) => stream.count({ caching: false })),
  reduce: counting((stream) => stream.reduce((_first, last) => last)),
  'aggregate, copying': average(false, true),
  'aggregate, in place': average(true, true),
  'aggregate, in place, uncached': average(true, false),
  'tumbling window': counting((stream) =>
    stream.windowedBy(tumbling({ sizeMs: seconds(10), graceMs })).count(),
  ),
  'hopping window, five a record': counting((stream) =>
    stream.windowedBy(hopping({ sizeMs: seconds(10), advanceMs: seconds(2), graceMs })).count(),
  ),
  'sliding window': counting((stream) =>
    stream.windowedBy(sliding({ differenceMs: seconds(2), graceMs })).count(),
  ),
  session: counting((stream) => stream.windowedBy(session({ gapMs: seconds(1), graceMs })).count()),
  'tumbling window, on close': counting((stream) =>
    stream
      .windowedBy(tumbling({ sizeMs: seconds(10), graceMs }))
      .emitStrategy('onWindowClose')
      .count(),
  ),
  'sliding window, on close': counting((stream) =>
    stream
      .windowedBy(sliding({ differenceMs: seconds(2), graceMs }))
      .emitStrategy('onWindowClose')
      .count(),
  ),
  'session, on close': counting((stream) =>
    stream
      .windowedBy(session({ gapMs: seconds(1), graceMs }))
      .emitStrategy('onWindowClose')
      .count(),
  ),
  'suppress until close': counting(
    (stream) =>
      stream
        .windowedBy(tumbling({ sizeMs: seconds(10), graceMs }))
        .count({ caching: false })
        .suppress({ until: 'windowCloses' } as never) as never,
  ),
  'grouped table': regrouped,
}
