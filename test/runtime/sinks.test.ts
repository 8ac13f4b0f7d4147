// What leaves a task: which partition, how many copies, in which batches, and what cannot leave.
import { rmSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.js'
import { ProductionError, type StreamsError } from '../../src/errors.js'
import { murmur2, partitionOfKey } from '../../src/kafka/partitioner.js'
import type { RecordBatchBuilder } from '../../src/kafka/record-batch.js'
import { RecordCollector } from '../../src/runtime/record-collector.js'
import { HeaderList } from '../../src/serde/record-headers.js'
import { string } from '../../src/serde/serdes.js'
import { customStore, keyValueStore } from '../../src/state/stores.js'
import type { ProcessorContext } from '../../src/topology/processor.js'
import type { StreamRecord } from '../../src/topology/stream-record.js'
import { TopologyTestDriver } from '../../src/testing/topology-test-driver.js'
import { Topology } from '../../src/topology/topology.js'
import type { Partitioner } from '../../src/topology/topology-node.js'
import { EmbeddedBench, mapTopology } from './embedded-bench.js'

const strings = { key: string(), value: string() }

describe('partitions', () => {
  it.each([
    // The values of Kafka's own test of its hash.
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('of %j follow from the hash that Java has', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash)
    const shifted = Buffer.from(`xx${key}yy`)
    const partition = (hash & 0x7fffffff) % 100
    expect(partitionOfKey(shifted, 100, 2, shifted.length - 2)).toBe(partition)
  })

  let bench: EmbeddedBench
  beforeEach(async () => void (bench = await EmbeddedBench.open('in', 'out')))
  afterEach(() => bench.close())

  const through = (partitioner: Partitioner<string, string>): Topology =>
    new Topology()
      .addSource('in', 'in', strings)
      .addSink('out', 'out', { parents: ['in'], ...strings, partitioner })

  it('may be chosen, several at once, or none', async () => {
    await bench.send('in', ['a', 'both'], ['a', 'none'], ['a', 'zero'], ['a', 'default'])
    const app = bench.app(
      through((value, _key, topic, partitions) => {
        expect([topic, partitions]).toEqual(['out', 2])
        return { both: [0, 1], none: [], zero: 0 }[value]
      }),
    )
    await app.start()
    const records = await bench.received('out', 4)
    const of = (text: string): number[] =>
      records.filter((r) => String(r.value) === text).map((r) => r.partition)
    expect(of('both').toSorted()).toEqual([0, 1])
    expect(of('zero')).toEqual([0])
    expect(of('default')).toEqual([partitionOfKey(Buffer.from('a'), 2)])
    expect(app.metrics().get('dropped-records-total')).toBe(1)
  })

  it('that do not exist are an error that names them', async () => {
    await bench.send('in', ['a', 'x'])
    const error = await bench.failure(through(() => 7))
    expect(error.message).toMatch(/partitioner of out chose partition 7 of out, which has 2/)
  })
})

describe('what a callback of a sink returns by mistake', () => {
  const rejected = (): unknown => Promise.reject(new Error('of nobody'))
  const failureOf = async (options: object, topic: unknown = 'out') => {
    const topology = new Topology()
      .addSource('in', 'in', strings)
      .addSink('out', topic as string, { parents: ['in'], ...strings, ...options })
    await using driver = new TopologyTestDriver(topology, { partitions: 2 })
    await driver.createInputTopic('in', strings).pipeInput('a', 'x')
    throw new Error('it did not fail')
  }

  it.each([
    ['null', () => null],
    ['a Promise', rejected],
    ['an object', () => ({})],
    ['a string', () => '1'],
  ])('is named: %s from a partitioner', async (what, partitioner) => {
    await expect(failureOf({ partitioner })).rejects.toThrow(
      `the partitioner of out returned ${what}: return a partition, a list of them, or undefined`,
    )
  })

  it.each([
    ['null', () => null],
    ['a Promise', rejected],
    ["''", () => ''],
  ])('is named: %s from a topic chooser', async (what, chooser) => {
    await expect(failureOf({}, chooser)).rejects.toThrow(
      `the topic chooser of out must return a topic name, not ${what}`,
    )
  })

  it('sends nothing where one of several partitions is wrong, and one copy to each else', async () => {
    const topology = new Topology()
      .addSource('in', 'in', strings)
      .addSink<string, string>('out', 'out', {
        parents: ['in'],
        ...strings,
        partitioner: (value) => (value === 'bad' ? [0, 2] : [1, 1]),
      })
    await using driver = new TopologyTestDriver(topology, {
      partitions: 2,
      config: { processingHandler: 'continue' },
    })
    const input = driver.createInputTopic('in', strings)
    for (const value of ['bad', 'good']) await input.pipeInput('a', value)
    expect(driver.createOutputTopic('out', strings).readValuesToList()).toEqual(['good'])
  })
})

describe('batches', () => {
  const sent: { partition: number; count: number }[] = []
  const collector = ({ maxRecordBytes = 5_000 } = {}): RecordCollector => {
    sent.length = 0
    return new RecordCollector({
      clock: systemClock,
      batchBytes: 1_000,
      maxRecordBytes,
      producer: {
        partitionCount: async () => 3,
        send: ({ partition }: { partition: number }, batch: RecordBatchBuilder) =>
          void sent.push({ partition, count: batch.count }),
        flush: async () => {},
        pendingBytes: 0,
        drained: async () => {},
      },
    })
  }

  it('leave when they are full, the others when they are handed over', async () => {
    const some = collector()
    const writer = some.writer('out')
    await some.prepare(writer, 'a test writes')
    for (let n = 0; n < 10; n++) some.sendBytes(writer, 0, n, null, Buffer.alloc(300))
    some.sendBytes(writer, 1, 0, null, Buffer.from('x'))
    expect(sent).toEqual([
      { partition: 0, count: 4 },
      { partition: 0, count: 4 },
    ])
    expect(some.pendingBytes).toBeGreaterThan(300)
    some.handOver()
    expect(sent.slice(2)).toEqual([
      { partition: 0, count: 2 },
      { partition: 1, count: 1 },
    ])
    expect(some.openSinceMs).toBe(-1)
  })

  it('do not take a record that the log would refuse, and keep the others', async () => {
    const some = collector()
    const writer = some.writer('out')
    await some.prepare(writer, 'a test writes')
    some.sendBytes(writer, 0, 0, null, Buffer.from('small'))
    expect(() =>
      some.send(writer, 0, 0, -1, string(), 'x'.repeat(1_100_000), new HeaderList()),
    ).toThrow(/more than maxRequestSize, 5000/)
    some.handOver()
    expect(sent).toEqual([{ partition: 0, count: 1 }])
  })

  it('are never larger than a record may be', async () => {
    const some = collector({ maxRecordBytes: 500 })
    const writer = some.writer('out')
    await some.prepare(writer, 'a test writes')
    const send = (length: number): void =>
      some.send(writer, 0, 0, -1, string(), 'x'.repeat(length), new HeaderList())
    for (const length of [200, 200, 200]) send(length)
    some.sendBytes(writer, 1, 0, null, Buffer.alloc(300))
    some.sendBytes(writer, 1, 0, null, Buffer.alloc(300))
    expect(() => send(500)).toThrow(/more than maxRequestSize, 500/)
    expect(() => some.sendBytes(writer, 1, 0, null, Buffer.alloc(500))).toThrow(/-1 has/)
    some.handOver()
    expect(sent.filter((s) => s.partition === 0).map((s) => s.count)).toEqual([2, 1])
    expect(sent.filter((s) => s.partition === 1).map((s) => s.count)).toEqual([1, 1])
  })

  it('are forgotten after an abort', async () => {
    const some = collector()
    const writer = some.writer('out')
    await some.prepare(writer, 'a test writes')
    some.sendBytes(writer, 0, 0, null, Buffer.from('lost'))
    some.discard()
    some.handOver()
    expect(sent).toEqual([])
  })
})

describe('a record that is too large', () => {
  it('goes to the production handler', async () => {
    const bench = await EmbeddedBench.open('in', 'out')
    const grow = (): Topology => mapTopology((value) => value.repeat(1_200_000))
    await bench.send('in', ['a', 'x'], ['a', ''])
    const error = await bench.failure(grow())
    expect(error).toBeInstanceOf(ProductionError)
    expect(error.message).toMatch(/out cannot write the record for out .*1048576/s)
    await bench.app(grow(), { productionHandler: 'continue' }).start()
    expect((await bench.received('out', 1))[0]!.value).toHaveLength(0)
    await bench.close()
  })

  it('ends the application where its dead letter is too large as well', async () => {
    const bench = await EmbeddedBench.open('in', 'out', 'dlq')
    await bench.send('in', ['a', 'x'.repeat(900)])
    const error = await bench.failure(
      mapTopology((value) => value.repeat(2)),
      { maxRequestSize: 1_000, deadLetterTopic: 'dlq', productionHandler: 'deadLetter' },
    )
    expect(error).toBeInstanceOf(ProductionError)
    expect(error).toMatchObject({ node: 'out', position: { topic: 'in', partition: 1, offset: 0 } })
    expect(error.message).toMatch(/out cannot write .*; and its dead letter is too large: .* dlq-/)
    await bench.close()
  })

  it('is sent where maxRequestSize and the topic allow it', async () => {
    const bench = await EmbeddedBench.open('in')
    const configs = { 'max.message.bytes': '3000000' }
    const replicationFactor = -1
    await bench.client.admin.createTopics([
      { name: 'out', partitions: 2, replicationFactor, configs },
    ])
    const grow = mapTopology((value) => value.repeat(1_200_000))
    await bench.send('in', ['a', 'x'], ['a', 'y'])
    await bench.app(grow, { maxRequestSize: 2_000_000 }).start()
    const values = (await bench.received('out', 2)).map((r) => r.value!)
    expect(values.map((value) => value.length)).toEqual([1_200_000, 1_200_000])
    await bench.close()
  })

  it('is refused below the default where maxRequestSize says so', async () => {
    const bench = await EmbeddedBench.open('in', 'out')
    const grow = mapTopology((value) => value.repeat(2_000))
    await bench.send('in', ['a', 'x'])
    const error = await bench.failure(grow, { maxRequestSize: 1_000 })
    expect(error).toBeInstanceOf(ProductionError)
    expect(error.message).toMatch(/more than maxRequestSize, 1000: raise it/)
    await bench.close()
  })
})

describe('a changelog record that is too large', () => {
  const texts = { texts: keyValueStore({ key: string(), value: string() }) }
  /** Keeps each text, and sends what it replaces. */
  const keep = (): Topology =>
    new Topology()
      .addSource('in', 'in', strings)
      .addProcessor(
        'keep',
        (context: ProcessorContext<string, string, typeof texts>) => {
          const store = context.getStateStore('texts')
          return {
            process(record: StreamRecord<string, string>) {
              const previous = store.get(record.key) ?? ''
              store.put(record.key, record.value)
              return context.forward({ ...record, value: `${previous.length}` })
            },
          }
        },
        { parents: ['in'], stores: texts },
      )
      .addSink('out', 'out', { parents: ['keep'], ...strings })
  const long = 'x'.repeat(2_000)
  const limits = { maxRequestSize: 1_000 }
  const sentOut = async (count: number): Promise<string[]> =>
    (await bench.received('out', count)).map(({ value }) => String(value))

  let bench: EmbeddedBench
  beforeEach(async () => {
    bench = await EmbeddedBench.open('in', 'out', 'dlq')
    await bench.send('in', ['a', 'short'])
  })
  afterEach(() => bench.close())

  it('ends the application with the store, the task and the ways out', async () => {
    await bench.send('in', ['a', long])
    const error = await bench.failure(keep(), limits)
    expect(error).toBeInstanceOf(ProductionError)
    expect(error).toMatchObject({ node: 'texts', task: '0_1' })
    expect(error.message).toMatch(
      /texts cannot write the record for app-texts-changelog \(in task 0_1\): .*1000: raise it.*productionHandler/,
    )
  })

  it('ends it also where a processor swallows what its own store throws', async () => {
    const own = {
      own: customStore({
        open: ({ log }) => ({
          put: (value: Uint8Array) => log(value, value, 0),
          flush() {},
          close() {},
        }),
      }),
    }
    const swallowing = new Topology().addSource('in', 'in', strings).addProcessor(
      'swallow',
      (context: ProcessorContext<never, never, typeof own>) => ({
        process() {
          try {
            context.getStateStore('own').put(Buffer.from(long))
          } catch {}
        },
      }),
      { parents: ['in'], stores: own },
    )
    const error = await bench.failure(swallowing, limits)
    expect(error).toBeInstanceOf(ProductionError)
    expect(error).toMatchObject({ node: 'own', position: { topic: 'in', offset: 0 } })
  })

  it('is dropped where the handler says so: the store has the row, the changelog the one before', async () => {
    const answers: StreamsError[] = []
    const config = {
      ...limits,
      productionHandler: (error: StreamsError) => (answers.push(error), 'continue' as const),
    }
    const app = bench.app(keep(), config)
    await app.start()
    expect(await sentOut(1)).toEqual(['0'])
    await bench.send('in', ['a', long])
    expect(await sentOut(2)).toEqual(['0', '5'])
    await bench.send('in', ['a', long])
    expect(await sentOut(3)).toEqual(['0', '5', '2000'])
    await app.close()
    expect(answers.map(({ message }) => /app-texts-changelog/.test(message))).toContain(true)
    expect(app.metrics().get('dropped-records-total')).toBe(answers.length)
    // Without the local store only what was logged is known.
    rmSync(bench.stateDir, { recursive: true })
    await bench.send('in', ['a', 'next'])
    await bench.app(keep(), config).start()
    expect((await sentOut(4)).at(-1)).toBe('5')
  })

  it('leaves a dead letter without a source record', async () => {
    await bench.send('in', ['a', long])
    const config = { ...limits, maxRequestSize: 1_800, deadLetterTopic: 'dlq' }
    await bench.app(keep(), { ...config, productionHandler: 'deadLetter' }).start()
    const [letter] = await bench.received('dlq', 1)
    expect(letter).toMatchObject({ key: null, value: null })
    expect(letter!.headers.get('__streams.errors.node')).toBe('texts')
  })
})

describe('an asynchronous child', () => {
  it('keeps the order also when its parent does not wait', async () => {
    const bench = await EmbeddedBench.open('in', 'out')
    const topology = new Topology()
      .addSource('in', 'in', strings)
      .addProcessor(
        'forgetful',
        (context) => ({
          process(record) {
            void context.forward({ ...record, value: `${record.value as string}1` })
            void context.forward({ ...record, value: `${record.value as string}2` })
          },
        }),
        { parents: ['in'] },
      )
      .addProcessor(
        'slow',
        (context) => {
          let turns = 3
          return {
            async process(record) {
              for (let turn = 0; turn < turns; turn++) await Promise.resolve()
              turns = 0
              await context.forward(record)
            },
          }
        },
        { parents: ['forgetful'] },
      )
      .addSink('out', 'out', { parents: ['slow'], ...strings })
    await bench.send('in', ['a', 'x'], ['a', 'y'])
    await bench.app(topology).start()
    const values = (await bench.received('out', 4)).map((r) => String(r.value))
    expect(values).toEqual(['x1', 'x2', 'y1', 'y2'])
    await bench.close()
  })
})
