// A fold that changes its accumulator in place gives what one that copies gives, whatever stands
// downstream: nobody else may hold the live object.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  json,
  session,
  sliding,
  StreamsBuilder,
  string,
  tumbling,
  type KGroupedStream,
  type KTable,
} from '../../../src/index.js'
import { TopologyTestDriver } from '../../../src/testing/index.js'

interface Seen {
  values: string[]
}

const inPlace = {
  initial: (): Seen => ({ values: [] }),
  add: (seen: Seen, value: string): Seen => (seen.values.push(value), seen),
  merge: (a: Seen, b: Seen): Seen => (b.values.unshift(...a.values), b),
  value: json<Seen>(),
}
const copying = {
  initial: (): Seen => ({ values: [] }),
  add: (seen: Seen, value: string): Seen => ({ values: [...seen.values, value] }),
  merge: (a: Seen, b: Seen): Seen => ({ values: [...a.values, ...b.values] }),
  value: json<Seen>(),
}
type Folds = typeof inPlace

const folds: Record<
  string,
  (
    stream: KGroupedStream<string, string>,
    o: Folds,
    second: KGroupedStream<string, string>,
  ) => KTable<any, Seen, any>
> = {
  'without windows': (stream, o) => stream.aggregate(o),
  'over time windows': (stream, o) =>
    stream.windowedBy(tumbling({ sizeMs: 10, graceMs: 20 })).aggregate(o),
  'over sliding windows': (stream, o) =>
    stream.windowedBy(sliding({ differenceMs: 5, graceMs: 20 })).aggregate(o),
  'by a cogroup': (stream, o, second) =>
    stream
      .cogroup({ initial: copying.initial, add: copying.add, value: json<Seen>() })
      .cogroup(second, o.add)
      .aggregate(),
  'over sessions': (stream, o) =>
    stream.windowedBy(session({ gapMs: 3, graceMs: 20 })).aggregate(o),
}

const keyText = (key: any): string =>
  typeof key === 'string' ? key : `${key.key}@${key.startMs}-${key.endMs}`
const text = (seen: Seen | null): string => (seen === null ? 'null' : seen.values.join(''))

/** What stands downstream, each ending in text. */
const downstream: Record<string, (table: KTable<any, Seen, any>) => KTable<any, any, any>> = {
  nothing: (table) => table,
  'a kept identity, regrouped': (table) =>
    table
      .mapValues((seen) => seen, { value: json<Seen>(), store: 'kept' })
      .groupBy((seen, key) => [keyText(key), text(seen)], { key: string(), value: string() })
      .reduce({ add: (a, v) => `${a}+${v}`, subtract: (a, v) => `${a}-${v}` }),
  'a kept filter, regrouped': (table) =>
    table
      .filter((seen) => seen.values.length % 3 !== 0, { value: json<Seen>(), store: 'kept' })
      .groupBy((seen, key) => [keyText(key), text(seen)], { key: string(), value: string() })
      .reduce({ add: (a, v) => `${a}+${v}`, subtract: (a, v) => `${a}-${v}` }),
  'a stream made a table, regrouped': (table) =>
    table
      .toStream()
      .toTable({ value: json<Seen>(), store: 'kept' })
      .groupBy((seen, key) => [keyText(key), text(seen)], { key: string(), value: string() })
      .reduce({ add: (a, v) => `${a}+${v}`, subtract: (a, v) => `${a}-${v}` }),
  'a reduce that changes its values': (table) =>
    table
      .toStream()
      .filter((seen) => seen !== null)
      .groupByKey({ value: json<any>() })
      .reduce((a: Seen, b: Seen) => ({ values: [...a.values.slice(-2), '|', ...b.values] })),
  'a reduce that takes the latest': (table) =>
    table
      .toStream()
      .filter((seen) => seen !== null)
      .groupByKey({ value: json<any>() })
      .reduce((_a: Seen, b: Seen) => b),
  'an asynchronous mapping': (table) =>
    table
      .toStream()
      .mapValuesAsync(async (seen: Seen | null) => {
        await new Promise(setImmediate)
        return text(seen)
      })
      .toTable({ value: string(), store: 'kept' }),
  'a time limit': (table) => table.suppress({ untilTimeLimitMs: 7 }),
}

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      key: fc.constantFrom('a', 'b'),
      value: fc.constantFrom('x', 'y', 'z'),
      stepMs: fc.constantFrom(0, 1, 2, 4, -3, 8),
    }),
  },
  { weight: 1, arbitrary: fc.constant('commit' as const) },
)

const run = async (
  fold: (typeof folds)[string],
  o: Folds,
  then: (typeof downstream)[string],
  steps: readonly ({ key: string; value: string; stepMs: number } | 'commit')[],
  cacheMaxBytes: number,
): Promise<unknown> => {
  const builder = new StreamsBuilder()
  const stream = builder.stream('in', { key: string(), value: string() })
  const second = builder.stream('in2', { key: string(), value: string() })
  const table = then(
    fold(
      stream.groupByKey() as KGroupedStream<string, string>,
      o,
      second.groupByKey() as KGroupedStream<string, string>,
    ),
  )
  table
    .toStream()
    .map(
      (value: unknown, key: unknown): [string, string] => [
        keyText(key),
        typeof value === 'string' ? value : text(value as Seen | null),
      ],
      { key: string(), value: string() },
    )
    .to('out')
  await using driver = new TopologyTestDriver(builder.build(), {
    startMs: 0,
    partitions: 1,
    config: { cacheMaxBytes, commitIntervalMs: 1_000_000 },
  })
  const topic = driver.createInputTopic('in', { key: string(), value: string() })
  const other = driver.createInputTopic('in2', { key: string(), value: string() })
  const cogrouped = fold === folds['by a cogroup']
  let nowMs = 100
  for (const next of steps) {
    if (next === 'commit') {
      await driver.commit()
      continue
    }
    nowMs += next.stepMs
    const to = cogrouped && next.value === 'z' ? other : topic
    await to.pipeInput(next.key, next.value, { timestampMs: nowMs })
  }
  await driver.commit()
  return driver
    .createOutputTopic('out', { key: string(), value: string() })
    .readRecordsToList()
    .map(({ key, value, timestampMs }) => `${key}=${value}@${timestampMs}`)
}

describe.each(Object.entries(folds))('a fold %s that changes in place', (_name, fold) => {
  it.each(Object.entries(downstream))('equals one that copies, before %s', async (_then, then) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25, size: 'max' }),
        fc.constantFrom(0, 10_000_000),
        async (steps, cacheMaxBytes) => {
          const got = await run(fold, inPlace, then, steps, cacheMaxBytes)
          const wanted = await run(fold, copying, then, steps, cacheMaxBytes)
          expect(got).toEqual(wanted)
        },
      ),
      { numRuns: 12 },
    )
  })
})
