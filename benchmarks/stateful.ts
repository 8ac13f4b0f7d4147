// Each aggregation in process, on 1,000 keys, one record a millisecond: `npm run bench -- stateful`
// compares them with `count`, of whose record nearly nothing is left: a look-up, an addition, and a
// changelog record and a result for each key and commit. What costs more than five times as much
// (measured, with a commit every 100 ms) does more:
//
//   hopping window, 7        five windows a record, each for less than a tumbling one alone
//   sliding window, 19       three windows a record: two are new, one takes it in. 1.7 of them are
//                            logged, and as many passed on, at commits
//   session, 10              looks for neighbours, moves or makes a session; 0.35 logged a record
//   sliding window on close, 25, session on close, 20: the same, and each closed window is read from
//                            the store, which sorts its lists for that
//   suppress until close, 6  each update is passed on, and waits as bytes under its key's bytes
//   aggregate in place, uncached, 7: each result is a copy through JSON, as the next record changes it
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
