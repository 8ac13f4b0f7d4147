// The fetcher against a scripted broker: what it asks for and when, and what it must not give out.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { OffsetOutOfRangeError, type FetchedRecords } from '../../src/kafka/client.js'
import { KafkaFetcher } from '../../src/kafka/fetcher.js'
import { fetch } from '../../src/kafka/protocol/messages/fetch.js'
import { metadata } from '../../src/kafka/protocol/messages/metadata.js'
import type { Body } from '../../src/kafka/protocol/schema.js'
import { encodeMarker } from '../../src/kafka/record-batch.js'
import { FakeBroker, quiet, until, untilWith } from './fake-broker.js'
import { Scene, stored } from './kafka-fixtures.js'
import { assignBaseOffset } from '../../src/kafka/record-batch.js'

type Answer = Body<typeof fetch.response>
type Part = Answer['responses'][number]['partitions'][number]

const part = (more: Partial<Part> = {}): Part => ({
  partitionIndex: 0,
  errorCode: 0,
  highWatermark: 100,
  lastStableOffset: 90,
  abortedTransactions: [],
  records: null,
  ...more,
})

const answer = (...partitions: Part[]): Partial<Answer> => ({
  errorCode: 0,
  responses: [{ topic: 'in', partitions }],
})

const valuesOf = (fetched: FetchedRecords | undefined): string[] => {
  const values: string[] = []
  for (const reader of fetched?.batches ?? [])
    while (reader.next()) values.push(reader.value()?.toString() ?? '')
  return values
}

let scene: Scene
let broker: FakeBroker
let fetcher: KafkaFetcher
const in0 = { topic: 'in', partition: 0 }

const asked = (n: number) => broker.requests(fetch)[n]?.topics[0]?.partitions[0]
const ready = async (): Promise<void> => {
  const waiting = fetcher.wait(60_000)
  let done = false
  void waiting.then(() => (done = true))
  await untilWith(scene.clock, 'something arrives', () => done)
}

const thrownByPoll = async (): Promise<unknown> => {
  let thrown: unknown
  await untilWith(scene.clock, 'poll throws', () => {
    try {
      fetcher.poll()
    } catch (error) {
      thrown = error
    }
    return thrown !== undefined
  })
  return thrown
}

beforeEach(async () => {
  scene = await Scene.start()
  broker = scene.broker
  broker.topic('in', 2)
  broker.on(fetch, () => 'silence')
  fetcher = new KafkaFetcher(scene.cluster, { isolation: 'read_committed' })
})

afterEach(async () => {
  await fetcher.close()
  await scene.close()
})

describe('what is asked for', () => {
  it('comes next before anything of the last answer is given out', async () => {
    broker.once(fetch, () => answer(part({ records: stored(5, ['a', 'b']) })))
    fetcher.add(in0, 5)
    await until('the second request', () => broker.requests(fetch).length === 2)
    expect(asked(0)).toMatchObject({ fetchOffset: 5, currentLeaderEpoch: 0 })
    expect(asked(1)).toMatchObject({ fetchOffset: 7 })
    expect(fetcher.position(in0)).toBe(5)
    expect(valuesOf(fetcher.poll())).toEqual(['a', 'b'])
    expect(fetcher.position(in0)).toBe(7)
  })

  it('is asked for as committed or not, with the bounds that were set', async () => {
    const other = new KafkaFetcher(scene.cluster, {
      isolation: 'read_uncommitted',
      maxBytes: 1000,
      maxPartitionBytes: 100,
      maxWaitMs: 7,
    })
    other.add(in0, 0)
    await until('the request', () => broker.requests(fetch).length === 1)
    expect(broker.requests(fetch)[0]).toMatchObject({
      isolationLevel: 0,
      maxBytes: 1000,
      maxWaitMs: 7,
    })
    expect(asked(0)).toMatchObject({ partitionMaxBytes: 100 })
    await other.close()
  })

  it('leaves paused partitions out, and asks again when they resume', async () => {
    fetcher.add(in0, 0)
    fetcher.pause(in0)
    fetcher.add({ topic: 'in', partition: 1 }, 3)
    await until('the request', () => broker.requests(fetch).length === 1)
    expect(broker.requests(fetch)[0]?.topics[0]?.partitions.map((p) => p.partition)).toEqual([1])
    fetcher.resume(in0)
    // The first request is still held for want of data: this one goes over the other lane.
    await until('the second request', () => broker.requests(fetch).length === 2)
    expect(broker.requests(fetch)[1]?.topics[0]?.partitions.map((p) => p.partition)).toEqual([0])
    expect(
      new Set(broker.seen.filter((s) => s.api === 'Fetch').map((s) => s.connection)).size,
    ).toBe(2)
  })

  it('puts those behind that got something last, so that nobody starves', async () => {
    broker.once(fetch, () =>
      answer(part({ records: stored(0, ['a']) }), part({ partitionIndex: 1 })),
    )
    fetcher.add(in0, 0)
    fetcher.add({ topic: 'in', partition: 1 }, 0)
    await until('the second request', () => broker.requests(fetch).length === 2)
    const order = (n: number) =>
      broker.requests(fetch)[n]?.topics[0]?.partitions.map((p) => p.partition)
    expect([order(0), order(1)]).toEqual([
      [0, 1],
      [1, 0],
    ])
  })

  it('stops while much is waiting to be given out', async () => {
    await fetcher.close()
    fetcher = new KafkaFetcher(scene.cluster, {
      isolation: 'read_committed',
      maxPartitionBytes: 100,
    })
    let next = 0
    broker.on(fetch, () => answer(part({ records: stored(next++, ['x'.repeat(80)]) })))
    fetcher.add(in0, 0)
    await until('two answers', () => broker.requests(fetch).length === 1)
    await quiet()
    expect(broker.requests(fetch)).toHaveLength(1)
    expect(valuesOf(fetcher.poll())).toHaveLength(1)
    await until('it goes on', () => broker.requests(fetch).length === 2)
  })
})

describe('what paused partitions hold', () => {
  it('does not keep the others from reading, however much it is', async () => {
    await fetcher.close()
    fetcher = new KafkaFetcher(scene.cluster, { isolation: 'read_committed', maxBytes: 50 })
    broker.once(fetch, () => answer(part({ records: stored(0, ['x'.repeat(80)]) })))
    fetcher.add(in0, 0)
    await ready()
    fetcher.pause(in0)
    fetcher.add({ topic: 'in', partition: 1 }, 3)
    await until('it reads', () => broker.requests(fetch).length === 2)
    expect(broker.requests(fetch)[1]?.topics[0]?.partitions.map((p) => p.partition)).toEqual([1])
  })
})

describe('an answer that comes too late', () => {
  const lateAnswer = async (meanwhile: () => void): Promise<void> => {
    let release = (): void => {}
    broker.once(fetch, async () => {
      await new Promise<void>((resolve) => (release = resolve))
      return answer(part({ records: stored(0, ['old']) }))
    })
    fetcher.add(in0, 0)
    await until('the request', () => broker.requests(fetch).length === 1)
    meanwhile()
    release()
    await quiet()
  }

  it('is not delivered when its partition was removed', async () => {
    await lateAnswer(() => fetcher.remove(in0))
    expect(fetcher.poll()).toBeUndefined()
    expect(fetcher.position(in0)).toBeUndefined()
  })

  it('is not delivered when its partition was removed and added again at the same offset', async () => {
    await lateAnswer(() => {
      fetcher.remove(in0)
      fetcher.add(in0, 0)
    })
    expect(fetcher.poll()).toBeUndefined()
    expect(fetcher.position(in0)).toBe(0)
  })

  it('is not delivered when its partition was sought away', async () => {
    await lateAnswer(() => fetcher.add(in0, 50))
    expect(fetcher.poll()).toBeUndefined()
    expect(fetcher.position(in0)).toBe(50)
    expect(asked(1)).toMatchObject({ fetchOffset: 50 })
  })

  it('that had arrived is dropped too', async () => {
    broker.once(fetch, () => answer(part({ records: stored(0, ['old']) })))
    fetcher.add(in0, 0)
    await ready()
    fetcher.add(in0, 7)
    expect(fetcher.poll()).toBeUndefined()
  })

  it('stays while paused, and is given out after', async () => {
    broker.once(fetch, () => answer(part({ records: stored(0, ['kept']) })))
    fetcher.add(in0, 0)
    await ready()
    fetcher.pause(in0)
    expect(fetcher.poll()).toBeUndefined()
    fetcher.resume(in0)
    expect(valuesOf(fetcher.poll())).toEqual(['kept'])
  })
})

describe('what is given out', () => {
  it('begins in the middle of a batch where the position does', async () => {
    broker.once(fetch, () => answer(part({ records: stored(0, ['a', 'b', 'c']) })))
    fetcher.add(in0, 1)
    await ready()
    expect(valuesOf(fetcher.poll())).toEqual(['b', 'c'])
  })

  it('moves on over an empty batch that compaction left', async () => {
    const empty = stored(8, ['gone', 'gone'])
    // Compaction keeps the header, its last offset and no record.
    empty.writeInt32BE(0, 57)
    const header = empty.subarray(0, 61)
    header.writeInt32BE(61 - 12, 8)
    const { crc32c } = await import('../../src/kafka/crc32c.js')
    header.writeUInt32BE(crc32c(header, 21, 61), 17)
    broker.once(fetch, () => answer(part({ records: header })))
    fetcher.add(in0, 8)
    await ready()
    const fetched = fetcher.poll()
    expect(fetched?.batches).toEqual([])
    expect(fetched?.nextOffset).toBe(10)
    expect(asked(1)).toMatchObject({ fetchOffset: 10 })
  })

  it('moves on over a hole at the end of a batch', async () => {
    const batch = stored(0, ['a'])
    batch.writeInt32BE(4, 23)
    const { crc32c } = await import('../../src/kafka/crc32c.js')
    batch.writeUInt32BE(crc32c(batch, 21, batch.length), 17)
    broker.once(fetch, () => answer(part({ records: batch })))
    fetcher.add(in0, 0)
    await ready()
    expect(fetcher.poll()?.nextOffset).toBe(5)
  })

  it('leaves aborted records and markers out, interleaved ones too', async () => {
    const txn = (offset: number, producerId: number, value: string): Buffer =>
      stored(offset, [value], {
        producerId,
        producerEpoch: 0,
        baseSequence: 0,
        transactional: true,
      })
    const marker = (offset: number, producerId: number, type: 'abort' | 'commit'): Buffer => {
      const batch = encodeMarker(type, producerId, 0, 1)
      assignBaseOffset(batch, offset)
      return batch
    }
    const records = Buffer.concat([
      txn(0, 1, 'aborted 1'),
      txn(1, 2, 'aborted 2'),
      txn(2, 3, 'kept 3'),
      marker(3, 1, 'abort'),
      txn(4, 1, 'kept 1'),
      txn(5, 2, 'aborted 2'),
      marker(6, 2, 'abort'),
      marker(7, 3, 'commit'),
      marker(8, 1, 'commit'),
      stored(9, ['plain']),
    ])
    const abortedTransactions = [
      { producerId: 2, firstOffset: 1 },
      { producerId: 1, firstOffset: 0 },
    ]
    broker.once(fetch, () => answer(part({ records, abortedTransactions })))
    fetcher.add(in0, 0)
    await ready()
    const fetched = fetcher.poll()
    expect(valuesOf(fetched)).toEqual(['kept 3', 'kept 1', 'plain'])
    expect(fetched?.nextOffset).toBe(10)
  })

  it('knows the end that its isolation lets it reach', async () => {
    expect(fetcher.endOffset(in0)).toBeUndefined()
    broker.once(fetch, () => answer(part()))
    fetcher.add(in0, 0)
    await until('the answer', () => fetcher.endOffset(in0) !== undefined)
    expect(fetcher.endOffset(in0)).toBe(90)
  })

  it('takes every ready partition in turn', async () => {
    broker.once(fetch, () =>
      answer(
        part({ records: stored(0, ['zero']) }),
        part({ partitionIndex: 1, records: stored(0, ['one']) }),
      ),
    )
    fetcher.add(in0, 0)
    fetcher.add({ topic: 'in', partition: 1 }, 0)
    await ready()
    expect([fetcher.poll()?.partition, fetcher.poll()?.partition]).toEqual([0, 1])
    expect(fetcher.poll()).toBeUndefined()
  })
})

describe('a partition that cannot be read', () => {
  it('throws once that it is out of range, then stands still until added anew', async () => {
    broker.once(fetch, () => answer(part({ errorCode: 1 })))
    fetcher.add(in0, 500)
    await ready()
    expect(() => fetcher.poll()).toThrow(OffsetOutOfRangeError)
    expect(fetcher.poll()).toBeUndefined()
    await quiet()
    expect(broker.requests(fetch)).toHaveLength(1)
    fetcher.add(in0, 3)
    await until('the next request', () => broker.requests(fetch).length === 2)
  })

  it('throws what authorization says, after what had arrived', async () => {
    broker.once(fetch, () => answer(part({ records: stored(0, ['a']) })))
    broker.once(fetch, () => answer(part({ errorCode: 29 })))
    fetcher.add(in0, 0)
    await until('both answers', () => broker.requests(fetch).length === 2)
    await quiet()
    expect(valuesOf(fetcher.poll())).toEqual(['a'])
    expect(() => fetcher.poll()).toThrow('TOPIC_AUTHORIZATION_FAILED')
  })

  it('is read again when its bytes are damaged', async () => {
    const damaged = stored(0, ['a'])
    damaged[damaged.length - 2]! ^= 1
    broker.once(fetch, () => answer(part({ records: damaged })))
    // What was asked for behind the damaged batch must not be taken for what is asked for again.
    let release = (): void => {}
    broker.once(fetch, async () => {
      await new Promise<void>((resolve) => (release = resolve))
      return answer(part({ records: stored(1, ['b']) }))
    })
    fetcher.add(in0, 0)
    await ready()
    await until('the request behind it', () => broker.requests(fetch).length === 2)
    broker.once(fetch, () => answer(part({ records: stored(0, ['a']) })))
    expect(fetcher.poll()).toBeUndefined()
    release()
    let fetched: FetchedRecords | undefined
    await untilWith(scene.clock, 'it arrives whole', () => (fetched = fetcher.poll()) !== undefined)
    expect(valuesOf(fetched)).toEqual(['a'])
    expect(asked(2)).toMatchObject({ fetchOffset: 0 })
  })

  it('is thrown when its bytes stay damaged', async () => {
    const damaged = stored(0, ['a'])
    damaged[damaged.length - 2]! ^= 1
    broker.on(fetch, () => answer(part({ records: damaged })))
    fetcher.add(in0, 0)
    expect(await thrownByPoll()).toMatchObject({ errorCode: 2 })
    expect(fetcher.poll()).toBeUndefined()
    expect(fetcher.position(in0)).toBe(0)
  })

  it('is thrown when its topic is not there for long', async () => {
    fetcher.add({ topic: 'nowhere', partition: 0 }, 0)
    expect(await thrownByPoll()).toMatchObject({ kind: 'unknownTopic' })
    expect(scene.clock.nowMs() - 1_000_000).toBeGreaterThanOrEqual(5000)
  })

  it('is thrown when its topic was deleted and made anew', async () => {
    broker.once(fetch, () => answer(part({ errorCode: 6 })))
    // Seen once with its first identity.
    fetcher.add(in0, 0)
    await until('the first request', () => broker.requests(fetch).length === 1)
    const old = broker.leaders.get('in') ?? []
    broker.on(metadata, () => ({
      brokers: [{ nodeId: 1, host: '127.0.0.1', port: broker.port }],
      topics: [
        {
          errorCode: 0,
          name: 'in',
          topicId: 'f'.repeat(32),
          partitions: old.map((_, partitionIndex) => ({
            errorCode: 0,
            partitionIndex,
            leaderId: 1,
            leaderEpoch: 0,
            replicaNodes: [],
            isrNodes: [],
            offlineReplicas: [],
          })),
        },
      ],
    }))
    expect(String(await thrownByPoll())).toContain('made anew')
  })
})

describe('a leader that moves', () => {
  it('is followed, from the same position', async () => {
    const second = await FakeBroker.start({ nodeId: 2 })
    broker.cluster = [broker, second]
    broker.once(fetch, () => {
      broker.leaders.set('in', [
        { leader: 2, epoch: 1 },
        { leader: 1, epoch: 0 },
      ])
      return answer(part({ errorCode: 6 }))
    })
    second.on(fetch, () => answer(part({ records: stored(4, ['moved']) })))
    fetcher.add(in0, 4)
    let fetched: FetchedRecords | undefined
    await untilWith(scene.clock, 'records', () => (fetched = fetcher.poll()) !== undefined)
    expect(valuesOf(fetched)).toEqual(['moved'])
    expect(second.requests(fetch)[0]?.topics[0]?.partitions[0]).toMatchObject({
      fetchOffset: 4,
      currentLeaderEpoch: 1,
    })
    await fetcher.close()
    await second.close()
  })

  it('is looked for when its broker goes away', async () => {
    broker.once(fetch, () => 'close')
    broker.once(fetch, () => answer(part({ records: stored(0, ['again']) })))
    fetcher.add(in0, 0)
    let fetched: FetchedRecords | undefined
    await untilWith(scene.clock, 'records', () => (fetched = fetcher.poll()) !== undefined)
    expect(valuesOf(fetched)).toEqual(['again'])
  })
})

describe('waiting', () => {
  it('ends by wake, by time and by close', async () => {
    const first = fetcher.wait(60_000)
    fetcher.wake()
    await first
    const second = fetcher.wait(100)
    scene.clock.advance(100)
    await second
    const third = fetcher.wait(60_000)
    await fetcher.close()
    await third
  })
})
