// A test driver finds callbacks that change an object which is a row of a store: in an application the
// change would be in the row without anybody having written it.
import { describe, expect, it } from 'vitest'
import {
  json,
  long,
  minutes,
  serde,
  session,
  StreamsBuilder,
  string,
  timestampedKeyValueStore,
  tumbling,
  type KStream,
} from '../../src/index.js'
import { TopologyTestDriver } from '../../src/testing/index.js'

interface Sum {
  n: number
}

const changing = (sum: Sum): number => (sum.n += 100)
const reading = (sum: Sum): number => sum.n + 100

const streams = () => {
  const builder = new StreamsBuilder({ key: string(), value: json() })
  return { builder, grouped: builder.stream('in', { value: long() }).groupByKey() }
}

/** What of two records arrives at `out`. */
async function results(builder: StreamsBuilder): Promise<readonly unknown[]> {
  await using driver = new TopologyTestDriver(builder.build(), { startMs: 0 })
  const input = driver.createInputTopic('in', { key: string(), value: long() })
  const output = driver.createOutputTopic('out', { key: string(), value: long() })
  await input.pipeInput('a', 1, { timestampMs: 1 })
  await input.pipeInput('a', 2, { timestampMs: 2 })
  return output.readValuesToList()
}

const initial = (): Sum => ({ n: 0 })
const add = (sum: Sum, value: number): Sum => ({ n: sum.n + value })
const value = json<Sum>()

/** By name: streams of objects that are rows. */
const rows: Record<string, (caching: boolean) => [StreamsBuilder, KStream<any, Sum>]> = {
  'a fold': (caching) => {
    const { builder, grouped } = streams()
    return [builder, grouped.aggregate({ initial, add, value, caching }).toStream()]
  },
  'a window': (caching) => {
    const { builder, grouped } = streams()
    const windows = tumbling({ sizeMs: minutes(1), graceMs: 0 })
    return [
      builder,
      grouped.windowedBy(windows).aggregate({ initial, add, value, caching }).toStream(),
    ]
  },
  'a session': (caching) => {
    const { builder, grouped } = streams()
    const windows = session({ gapMs: minutes(1), graceMs: 0 })
    const merge = (a: Sum, b: Sum): Sum => ({ n: a.n + b.n })
    const sums = grouped.windowedBy(windows).aggregate({ initial, add, merge, value, caching })
    return [builder, sums.toStream().filter((sum): sum is Sum => sum !== null)]
  },
  'a table': (caching) => {
    const { builder } = streams()
    const table = builder
      .stream('in', { value: long() })
      .mapValues((n): Sum => ({ n }), { value })
      .toTable({ store: 'table', caching })
    return [builder, table.toStream()]
  },
}

describe('a callback that changes the object of a row', () => {
  for (const [name, build] of Object.entries(rows))
    it.each([false, true])(`fails the test: ${name}, cached: %s`, async (caching) => {
      const run = (map: (sum: Sum) => number): Promise<readonly unknown[]> => {
        const [builder, sums] = build(caching)
        sums.mapValues(map, { value: long() }).to('out')
        return results(builder)
      }
      await expect(run(changing)).rejects.toThrow(/the object of a row was changed.*changed copy/s)
      await expect(run(reading)).resolves.toEqual(name === 'a table' ? [101, 102] : [101, 103])
    })

  it('fails the test where it is a joiner, once the row is used again', async () => {
    const { builder } = streams()
    const stream = builder.stream('in', { value: long() })
    const seen = stream
      .filter((n) => n === 1)
      .mapValues((n): Sum => ({ n }), { value })
      .toTable({ store: 'seen', caching: false })
    stream.join(seen, (n, sum) => (sum.n += n), { result: long() } as never).to('out')
    await expect(results(builder)).rejects.toThrow(/the object of a row was changed/)
  })

  it('may be a processor that goes on changing what it put, since stores take copies', async () => {
    const { builder } = streams()
    builder
      .stream('in', { value: long() })
      .process(
        (context) => {
          const mine: Sum = { n: 0 }
          const store = context.getStateStore('sums')
          return {
            process(record) {
              mine.n += record.value
              store.put('all', { value: mine, timestampMs: 0 })
              return context.forward({ ...record, value: store.get('all')!.value.n })
            },
          }
        },
        { stores: { sums: timestampedKeyValueStore({ key: string(), value }) } },
      )
      .to('out', { value: long() })
    await expect(results(builder)).resolves.toEqual([1, 3])
  })

  it('is not suspected where a serde writes no value twice alike', async () => {
    const { builder, grouped } = streams()
    let nonce = 0
    const salted = serde(
      (sum: Sum) => Buffer.from(`${++nonce} ${sum.n}`),
      (bytes) => ({ n: Number(Buffer.from(bytes).toString().split(' ')[1]) }),
    )
    grouped
      .aggregate({ initial, add, value: salted })
      .toStream()
      .mapValues(reading, { value: long() })
      .to('out')
    await expect(results(builder)).resolves.toEqual([101, 103])
  })

  it('may be a fold that changes its own accumulator, also where it throws in between', async () => {
    const { builder, grouped } = streams()
    grouped
      .aggregate({
        initial,
        add: (sum, n) => {
          sum.n += n
          if (n < 0) throw new Error('negative')
          return sum
        },
        value,
        store: 'sums',
      })
      .toStream()
      .mapValues(reading, { value: long() })
      .to('out')
    await using driver = new TopologyTestDriver(builder.build(), { startMs: 0 })
    const input = driver.createInputTopic('in', { key: string(), value: long() })
    await input.pipeInput('a', 1)
    await expect(input.pipeInput('a', -5)).rejects.toThrow(/negative/)
    await input.pipeInput('a', 2)
    const output = driver.createOutputTopic('out', { key: string(), value: long() })
    expect(output.readValuesToList()).toEqual([101, 103])
  })
})
