// Bad input of every kind ends in a helpful message or goes the way its handler says, and none
// loses data.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  DeserializationError,
  MissingTopicError,
  OffsetLostError,
  ProcessingError,
  SerializationError,
  TopologyError,
} from '../../src/errors.js'
import { StreamsBuilder } from '../../src/dsl/streams-builder.js'
import { nullable, string } from '../../src/serde/serdes.js'
import { Topology } from '../../src/topology/topology.js'
import { countTopology, EmbeddedBench, mapTopology } from './embedded-bench.js'

let bench: EmbeddedBench
beforeEach(async () => void (bench = await EmbeddedBench.open('in', 'out', 'dlq')))
afterEach(() => bench.close())

const malformed = Buffer.of(0xff, 0xfe)
const same = (): Topology => mapTopology((value) => value)
const values = async (count: number): Promise<string[]> =>
  (await bench.received('out', count)).map((r) => String(r.value)).toSorted()

describe('topics', () => {
  it('that do not exist are named', async () => {
    const topology = new Topology()
      .addSource('in', ['in', 'nowhere'], { key: string(), value: string() })
      .addSink('out', 'out', { parents: ['in'], key: string(), value: string() })
    const error = await bench.failure(topology)
    expect(error).toBeInstanceOf(MissingTopicError)
    expect(error.message).toMatch(/source topic nowhere does not exist/)
  })

  it.each([
    ['far', 'sink writes', { topic: 'far' }],
    ['far', 'sink writes', { topic: () => 'far' }],
    ['dead', 'is the deadLetterTopic', { topic: 'out', deadLetterTopic: 'dead' }],
  ] as const)('that do not exist are named with who writes them: %s, %s', async (name, role, o) => {
    await bench.send('in', ['a', 'x'])
    const { topic, ...config } = o
    const topology = new Topology()
      .addSource('in', 'in', { key: string(), value: string() })
      .addSink('sink', topic, { parents: ['in'], key: string(), value: string() })
    const error = await bench.failure(topology, { processingHandler: 'continue', ...config })
    expect(error).toBeInstanceOf(MissingTopicError)
    expect(error.message).toBe(
      `topic ${name}, which ${role}, does not exist: create it and start again`,
    )
  })

  it('that are joined must have the same number of partitions', async () => {
    await bench.createTopics(3, 'table')
    const builder = new StreamsBuilder({ key: string(), value: string() })
    builder
      .stream('in')
      .join(builder.table('table'), (a, b) => a + b)
      .to('out')
    const error = await bench.failure(builder.build())
    expect(error).toBeInstanceOf(TopologyError)
    expect(error.message).toMatch(/Topics not co-partitioned: .*in=2, table=3.*repartition\(\)/)
  })

  it('whose changelog has another number of partitions are refused, and left as they are', async () => {
    await bench.createTopics(3, 'app-counts-changelog')
    const error = await bench.failure(countTopology())
    expect(error.message).toMatch(
      /app-counts-changelog has invalid partitions: expected: 2; actual: 3.*reset the application/,
    )
  })
})

describe('bytes that a serde refuses', () => {
  it('end the application with position and ways out; nothing is lost', async () => {
    await bench.send('in', ['a', 'good'], ['a', malformed], ['a', 'after'])
    const error = await bench.failure(same())
    expect(error).toBeInstanceOf(DeserializationError)
    expect(error.message).toMatch(/in cannot take the record at in-1@1 in task 0_1: its value/)
    expect(error.message).toMatch(/deserializationHandler to 'continue', or name a deadLetterTopic/)
    // Started again with a handler, it goes on where it was.
    await bench.app(same(), { deserializationHandler: 'continue' }).start()
    expect(await values(2)).toEqual(['after', 'good'])
  })

  it('are dropped and counted where the handler says so', async () => {
    await bench.send('in', ['a', malformed], ['a', 'after'])
    const app = bench.app(same(), { deserializationHandler: () => 'continue' })
    await app.start()
    expect(await values(1)).toEqual(['after'])
    expect(app.metrics().get('dropped-records-total')).toBe(1)
  })

  it('go to the dead letter topic as they were, with headers that say what failed', async () => {
    await bench.send('in', ['a', malformed, 77], ['a', 'after'])
    await bench.app(same(), { deadLetterTopic: 'dlq' }).start()
    expect(await values(1)).toEqual(['after'])
    const [letter] = await bench.received('dlq', 1)
    expect(letter).toMatchObject({ key: 'a', value: malformed, timestampMs: 77 })
    expect(Object.fromEntries(letter!.headers)).toMatchObject({
      origin: 'test',
      '__streams.errors.topic': 'in',
      '__streams.errors.partition': '1',
      '__streams.errors.offset': '0',
      '__streams.errors.node': 'in',
    })
  })

  it('are final when the handler gives no answer', async () => {
    await bench.send('in', ['a', malformed])
    const error = await bench.failure(same(), {
      deserializationHandler: (() => undefined) as never,
    })
    expect(error.message).toMatch(/deserializationHandler must answer/)
  })
})

describe('nulls and timestamps', () => {
  it('a null value where none is promised names nullable()', async () => {
    await bench.send('in', ['a', null])
    expect((await bench.failure(same())).message).toMatch(/value: nullable\(serde\)/)
  })

  it('a null value passes where it is promised', async () => {
    await bench.send('in', ['a', null])
    const topology = new Topology()
      .addSource('in', 'in', { key: string(), value: nullable(string()) })
      .addSink('out', 'out', { parents: ['in'], key: string(), value: string() })
    await bench.app(topology).start()
    expect((await bench.received('out', 1))[0]!.value).toBeNull()
  })

  it('a negative timestamp names the remedy', async () => {
    await bench.send('in', ['a', 'x', -5])
    const error = await bench.failure(same())
    expect(error.message).toMatch(/in-1@0.*negative timestamp -5.*timestamp extractor/)
  })

  it.each([
    ['undefined', () => undefined],
    ['a string', () => '5'],
    ['a Date', () => new Date(5)],
    ['a Promise', () => Promise.reject(new Error('of nobody'))],
    ['1.5', () => 1.5],
    ['Infinity', () => Infinity],
    ['NaN', () => NaN],
  ])('an extractor that returns %s is named', async (text, extractor) => {
    await bench.send('in', ['a', 'x'])
    const topology = new Topology()
      .addSource('in', 'in', {
        key: string(),
        value: string(),
        timestamp: extractor as unknown as () => number,
      })
      .addSink('out', 'out', { parents: ['in'], key: string(), value: string() })
    expect((await bench.failure(topology)).message).toMatch(
      `got ${text} from the timestamp extractor, which must return whole milliseconds`,
    )
  })
})

describe('a callback that throws', () => {
  const picky = (): Topology =>
    mapTopology((value) => {
      if (value === 'bad') throw new TypeError('no bad ones')
      return value
    })

  it('ends the application with node, position and reason', async () => {
    await bench.send('in', ['a', 'good'], ['a', 'bad'])
    const error = await bench.failure(picky())
    expect(error).toBeInstanceOf(ProcessingError)
    expect(error).toMatchObject({ node: 'map', position: { topic: 'in', offset: 1 } })
    expect(error.message).toMatch(
      /map failed at in-1@1 in task 0_1: no bad ones\. .*processingHandler/,
    )
  })

  it('is passed over, or becomes a dead letter', async () => {
    await bench.send('in', ['a', 'bad'], ['a', 'good'])
    const app = bench.app(picky(), { deadLetterTopic: 'dlq' })
    await app.start()
    expect(await values(1)).toEqual(['good'])
    const [letter] = await bench.received('dlq', 1)
    expect(letter!.headers.get('__streams.errors.exception')).toBe('TypeError')
    expect(letter!.headers.get('__streams.errors.message')).toBe('no bad ones')
    expect(String(letter!.value)).toBe('bad')
    expect(app.metrics().get('dropped-records-total')).toBe(1)
  })

  it('is an error also when its promise rejects', async () => {
    await bench.send('in', ['a', 'x'])
    const topology = new Topology()
      .addSource('in', 'in', { key: string(), value: string() })
      .addProcessor(
        'later',
        () => ({
          process: async () => {
            await Promise.resolve()
            throw new Error('too late')
          },
        }),
        { parents: ['in'] },
      )
    expect((await bench.failure(topology)).message).toMatch(/later failed at in-1@0.*too late/)
  })

  it('cannot swallow what a sink refused', async () => {
    await bench.send('in', ['a', 'x'])
    const topology = new Topology()
      .addSource('in', 'in', { key: string(), value: string() })
      .addProcessor(
        'greedy',
        (context) => ({
          process(record) {
            try {
              void context.forward({ ...record, value: 5 })
            } catch {
              // A user's code that hides everything.
            }
          },
        }),
        { parents: ['in'] },
      )
      .addSink('out', 'out', { parents: ['greedy'], key: string(), value: string() })
    const error = await bench.failure(topology, { processingHandler: 'continue' })
    expect(error).toBeInstanceOf(SerializationError)
    expect(error.message).toMatch(/out cannot write the value for out .*productionHandler/s)
  })
})

describe('a callback of the DSL', () => {
  const mapped = (callback: (value: string) => unknown): Topology<any> => {
    const builder = new StreamsBuilder({ key: string(), value: string() })
    builder
      .stream('in')
      .mapValues(callback as (value: string) => string, { name: 'mapper' })
      .to('out')
    return builder.build()
  }

  it.each([
    ['nothing', () => undefined, /mapper failed at in-1@0.*undefined/s],
    ['a promise', async () => 'x', /mapper failed at in-1@0.*mapValuesAsync/s],
  ])('that returns %s is an error that names its node', async (_, callback, message) => {
    await bench.send('in', ['a', 'x'])
    const error = await bench.failure(mapped(callback))
    expect(error).toBeInstanceOf(ProcessingError)
    expect(error.message).toMatch(message)
  })
})

describe('offsets', () => {
  const run = async (total: number, config = {}): Promise<void> => {
    const app = bench.app(countTopology(), config)
    await app.start()
    await bench.received('out', total)
    await app.close()
  }

  it('below the log skip what a retention deleted, with a warning', async () => {
    await bench.send('in', ['a', '1'])
    await run(1)
    await bench.send('in', ['a', '2'], ['a', '3'])
    await bench.client.admin.deleteRecords([{ topic: 'in', partition: 1, offset: 2 }])
    const app = bench.app(countTopology())
    await app.start()
    const records = await bench.received('out', 2)
    expect(records.map((r) => Number(r.value!.readBigInt64BE())).toSorted((a, b) => a - b)).toEqual(
      [1, 2],
    )
    expect(app.metrics().get('skipped-offsets-total')).toBe(1)
    expect(
      bench.logged.some(({ message }) => /moved past the committed offset 1/.test(message)),
    ).toBe(true)
  })

  it('beyond the log stop it, unless told to reset', async () => {
    await bench.send('in', ['a', '1'])
    await run(1)
    await bench.commitOffset('in', 1, 99)
    const error = await bench.failure(countTopology())
    expect(error).toBeInstanceOf(OffsetLostError)
    expect(error.message).toMatch(/offset 99 of in-1 lies beyond the log: the log holds 0 to 1/)
    await run(2, { onOffsetLost: 'reset' })
  })

  it('that are lost stop it, because the local state was counted already', async () => {
    await bench.send('in', ['a', '1'])
    await run(1)
    // The topic is deleted and made anew, and its offsets with it.
    await bench.client.admin.deleteTopics(['in'])
    await bench.createTopics(2, 'in')
    await bench.send('in', ['a', '1'])
    const error = await bench.failure(countTopology())
    expect(error).toBeInstanceOf(OffsetLostError)
    expect(error.message).toMatch(/offset of in-1 is lost.*offset 1 was committed.*onOffsetLost/s)
  })
})

describe('a changelog that was deleted and made anew', () => {
  it('stops it and names both remedies; resetting keeps to what the changelog holds', async () => {
    await bench.send('in', ['a', '1'])
    const app = bench.app(countTopology())
    await app.start()
    await bench.received('out', 1)
    await app.close()
    await bench.client.admin.deleteTopics(['app-counts-changelog'])
    const error = await bench.failure(countTopology())
    expect(error).toBeInstanceOf(OffsetLostError)
    expect(error.message).toMatch(/deleted and made anew.*bring the old topic back.*'reset'/s)
    const reset = bench.app(countTopology(), { onOffsetLost: 'reset' })
    await reset.start()
    expect(await reset.store('counts').get('a')).toBeUndefined()
    // The other task has no committed input: whichever run opens it first drops its empty rows.
    expect(reset.metrics().get('state-wiped-total')).toBeGreaterThan(0)
  })
})

describe('a state directory', () => {
  it('in use names its holder and the key to change', async () => {
    await bench.app(countTopology()).start()
    const error = await bench.failure(countTopology())
    expect(error.message).toMatch(new RegExp(`process ${process.pid}.*stateDir`))
  })
})

describe('a log that cannot be reached', () => {
  it('ends the start after startTimeoutMs', async () => {
    const error = await bench.failure(same(), {
      transport: undefined,
      brokers: ['127.0.0.1:1'],
      startTimeoutMs: 300,
    } as object)
    expect(error.message).toMatch(/startTimeoutMs \(300 ms\)/)
  })
})
