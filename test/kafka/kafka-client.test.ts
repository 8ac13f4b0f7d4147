// The client as a whole: what it refuses, what it shares, and that closing it ends everything. Its
// administration over our own connections, against scripted brokers.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { VirtualClock } from '../../src/clock.js'
import { ConfigError } from '../../src/errors.js'
import type { Client } from '../../src/kafka/client.js'
import { kafkaClient } from '../../src/kafka/kafka-client.js'
import { deleteRecords } from '../../src/kafka/protocol/messages/delete-records.js'
import { fetch } from '../../src/kafka/protocol/messages/fetch.js'
import { listOffsets } from '../../src/kafka/protocol/messages/list-offsets.js'
import { metadata } from '../../src/kafka/protocol/messages/metadata.js'
import { offsetFetch } from '../../src/kafka/protocol/messages/offset-fetch.js'
import { produce } from '../../src/kafka/protocol/messages/produce.js'
import { during, FakeBroker, until } from './fake-broker.js'
import { batchOf } from './kafka-fixtures.js'

let clock: VirtualClock
let broker: FakeBroker
let second: FakeBroker
let client: Client

const wait = <T>(call: Promise<T>): Promise<T> => during(clock, call, 20)
const p = (topic: string, partition: number) => ({ topic, partition })

beforeEach(async () => {
  clock = new VirtualClock(1_000_000)
  broker = await FakeBroker.start()
  second = await FakeBroker.start({ nodeId: 2 })
  broker.cluster = second.cluster = [broker, second]
  client = kafkaClient({ brokers: [broker.address], clock, adminTimeoutMs: 5000 })
})

afterEach(async () => {
  await wait(client.close())
  await broker.close()
  await second.close()
})

describe('options', () => {
  it('need at least one broker', () => {
    expect(() => kafkaClient({ brokers: [] })).toThrow(ConfigError)
  })

  it.each(['localhost', 'kafka://localhost:9092', 'localhost:abc'])('refuse the broker %s', (b) => {
    expect(() => kafkaClient({ brokers: [b] })).toThrow(/host:port, such as localhost:9092/)
  })

  it('refuse a SASL mechanism that nobody has, by its name', () => {
    const sasl = { mechanism: 'plian', username: 'a', password: 'secret' } as never
    expect(() => kafkaClient({ brokers: ['a:1'], sasl })).toThrow(
      /sasl.mechanism plian is not known: use one of plain,/,
    )
  })

  it('take a function that finds the brokers', async () => {
    const found = kafkaClient({ brokers: () => Promise.resolve([broker.address]), clock })
    broker.topic('a')
    expect(await wait(found.admin.listTopics())).toEqual(['a'])
    await wait(found.close())
  })
})

describe('close', () => {
  it('rejects what is in flight in every part, and what comes after', async () => {
    broker.topic('in')
    broker.on(fetch, () => 'silence')
    broker.on(produce, () => 'silence')
    broker.on(listOffsets, () => 'silence')
    const fetcher = client.fetcher({ isolation: 'read_committed' })
    fetcher.add(p('in', 0), 0)
    const waiting = fetcher.wait(60_000)
    const producer = client.producer()
    producer.send(p('in', 0), batchOf('a'))
    const flushed = producer.flush()
    const offsets = client.admin.offsets([p('in', 0)], 'latest')
    await until('all is under way', () => {
      const apis = broker.seen.map((s) => s.api)
      return ['Fetch', 'Produce', 'ListOffsets'].every((api) => apis.includes(api))
    })
    const ends = Promise.allSettled([flushed, offsets])
    await wait(client.close())
    await waiting
    expect((await wait(ends)).map((e) => e.status)).toEqual(['rejected', 'rejected'])
    expect(() => client.producer()).toThrow('closed')
    expect(() => fetcher.add(p('in', 0), 0)).toThrow('closed')
    await expect(client.admin.listTopics()).rejects.toThrow('closed')
  })
})

describe('topics', () => {
  it('that do not exist are absent', async () => {
    broker.topic('a', 3)
    const found = await wait(client.admin.describeTopics(['a', 'b']))
    expect([...found.values()]).toMatchObject([{ name: 'a', partitions: 3 }])
    expect(found.get('a')?.topicId).toHaveLength(32)
  })

  it('that one may not see are an error', async () => {
    broker.on(metadata, () => ({
      brokers: [{ nodeId: 1, host: '127.0.0.1', port: broker.port }],
      topics: [{ errorCode: 29, name: 'secret', topicId: '0'.repeat(32), partitions: [] }],
    }))
    await expect(wait(client.admin.describeTopics(['secret']))).rejects.toMatchObject({
      kind: 'authorization',
    })
  })
})

describe('offsets', () => {
  const answerWith =
    (offset: number) =>
    ({
      topics,
    }: {
      topics: readonly { name: string; partitions: readonly { partitionIndex: number }[] }[]
    }) => ({
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: 0,
          offset: offset + partitionIndex,
        })),
      })),
    })

  it.each([
    ['earliest', -2, 0],
    ['latest', -1, 0],
    ['stable', -1, 1],
    [12345, 12345, 0],
  ] as const)('at %s are asked of each leader', async (at, timestamp, isolationLevel) => {
    broker.leaders.set('in', [
      { leader: 1, epoch: 0 },
      { leader: 2, epoch: 0 },
    ])
    broker.on(listOffsets, answerWith(10))
    second.on(listOffsets, answerWith(20))
    const found = await wait(client.admin.offsets([p('in', 0), p('in', 1)], at))
    expect([...found]).toEqual(
      expect.arrayContaining([
        ['in-0', 10],
        ['in-1', 21],
      ]),
    )
    expect(second.requests(listOffsets)[0]).toMatchObject({
      isolationLevel,
      topics: [{ name: 'in', partitions: [{ partitionIndex: 1, timestamp }] }],
    })
  })

  it('that no record reaches are absent', async () => {
    broker.topic('in')
    broker.on(listOffsets, answerWith(-1))
    expect((await wait(client.admin.offsets([p('in', 0)], 99))).size).toBe(0)
  })

  it('are asked again of the new leader, only where they failed', async () => {
    broker.topic('in', 2)
    broker.once(listOffsets, ({ topics }) => {
      broker.leaders.set('in', [
        { leader: 1, epoch: 0 },
        { leader: 2, epoch: 1 },
      ])
      const answer = answerWith(10)({ topics })
      answer.topics[0]!.partitions[1]!.errorCode = 6
      return answer
    })
    second.on(listOffsets, answerWith(20))
    const found = await wait(client.admin.offsets([p('in', 0), p('in', 1)], 'latest'))
    expect([...found.entries()].sort()).toEqual([
      ['in-0', 10],
      ['in-1', 21],
    ])
    expect(second.requests(listOffsets)[0]?.topics[0]?.partitions).toHaveLength(1)
  })

  it('of a partition that does not exist are an error after a while', async () => {
    broker.topic('in')
    await expect(wait(client.admin.offsets([p('in', 7)], 'latest'))).rejects.toMatchObject({
      kind: 'unknownTopic',
    })
  })
})

describe('records', () => {
  it('are deleted at their leaders', async () => {
    broker.leaders.set('in', [
      { leader: 1, epoch: 0 },
      { leader: 2, epoch: 0 },
    ])
    for (const b of [broker, second])
      b.on(deleteRecords, ({ topics }) => ({
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex, offset }) => ({
            partitionIndex,
            lowWatermark: offset,
            errorCode: 0,
          })),
        })),
      }))
    await wait(
      client.admin.deleteRecords([
        { ...p('in', 0), offset: 5 },
        { ...p('in', 1), offset: 6 },
      ]),
    )
    expect(second.requests(deleteRecords)[0]?.topics).toEqual([
      { name: 'in', partitions: [{ partitionIndex: 1, offset: 6 }] },
    ])
  })
})

describe('committed offsets of a group', () => {
  it('are looked at without waiting for open transactions', async () => {
    broker.on(offsetFetch, () => ({
      topics: [
        {
          name: 'in',
          partitions: [{ partitionIndex: 0, committedOffset: 3, metadata: 'm', errorCode: 0 }],
        },
      ],
    }))
    expect(await wait(client.admin.committed('g', [p('in', 0), p('in', 1)]))).toEqual(
      new Map([['in-0', { offset: 3, metadata: 'm' }]]),
    )
    expect(broker.requests(offsetFetch)[0]).toMatchObject({ groupId: 'g', requireStable: false })
  })
})
