// What leaves a task: which partition, how many copies, in which batches, and what cannot leave.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.js'
import { ProductionError } from '../../src/errors.js'
import { murmur2, partitionOfKey } from '../../src/kafka/partitioner.js'
import type { RecordBatchBuilder } from '../../src/kafka/record-batch.js'
import { RecordCollector } from '../../src/runtime/record-collector.js'
import { HeaderList } from '../../src/serde/record-headers.js'
import { string } from '../../src/serde/serdes.js'
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
    await some.prepare(writer)
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
    await some.prepare(writer)
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
    await some.prepare(writer)
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
    await some.prepare(writer)
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
