// The idempotent producer against a scripted broker: order, sequence numbers, what is sent again and
// what never is.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sequenceAfter } from '../../src/kafka/partition-queue.js'
import { KafkaProducer } from '../../src/kafka/producer.js'
import { initProducerId } from '../../src/kafka/protocol/messages/init-producer-id.js'
import { metadata } from '../../src/kafka/protocol/messages/metadata.js'
import { produce } from '../../src/kafka/protocol/messages/produce.js'
import { readBatchHeader, type BatchHeader } from '../../src/kafka/record-batch.js'
import { during, FakeBroker, producedAt, quiet, until, untilWith } from './fake-broker.js'
import { batchOf, Scene } from './kafka-fixtures.js'

let scene: Scene
let broker: FakeBroker
let producer: KafkaProducer
const in0 = { topic: 'in', partition: 0 }

/** The batch headers of the n-th produce request. */
const sent = (n: number, from = broker): BatchHeader[] =>
  (from.requests(produce)[n]?.topicData ?? []).flatMap((t) =>
    t.partitionData.map((p) => readBatchHeader(p.records as Buffer, 0)),
  )
const requests = (): number => broker.requests(produce).length
const accept = () => producedAt_(0, 0)
const producedAt_ =
  (errorCode: number, baseOffset: number) => (body: Parameters<typeof producedAt>[0]) =>
    producedAt(body, () => ({ errorCode, baseOffset }))

/** A handler that is held until released. */
const held = () => {
  let release = (): void => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  return { release, released }
}

beforeEach(async () => {
  scene = await Scene.start()
  broker = scene.broker
  broker.topic('in', 3)
  broker.on(produce, ({ topicData }) => accept()(topicData))
  producer = new KafkaProducer(scene.cluster)
})

afterEach(async () => {
  await producer.close()
  await scene.close()
})

const answerOnce = (errorCode: number, baseOffset = 0): void =>
  broker.once(produce, ({ topicData }) => producedAt_(errorCode, baseOffset)(topicData))

describe('what leaves', () => {
  it('goes in one request for each broker and turn, acks from all, sequences counted by partition', async () => {
    producer.send(in0, batchOf('a', 'b'))
    producer.send({ topic: 'in', partition: 1 }, batchOf('c'))
    expect(producer.pendingBytes).toBeGreaterThan(0)
    await during(scene.clock, producer.flush())
    expect(requests()).toBe(1)
    expect(broker.requests(produce)[0]).toMatchObject({ acks: -1, transactionalId: null })
    producer.send(in0, batchOf('d'))
    await during(scene.clock, producer.flush())
    expect(sent(0)).toMatchObject([
      { producerId: 7000, producerEpoch: 0, baseSequence: 0, count: 2, transactional: false },
      { baseSequence: 0, count: 1 },
    ])
    expect(sent(1)).toMatchObject([{ baseSequence: 2 }])
    expect(producer.pendingBytes).toBe(0)
  })

  it('never acknowledges before send has returned, then tells the offset', async () => {
    answerOnce(0, 41)
    const offsets: number[] = []
    producer.send(in0, batchOf('a'), (offset) => offsets.push(offset))
    expect(offsets).toEqual([])
    await during(scene.clock, producer.flush())
    expect(offsets).toEqual([41])
  })

  it('travels alone first, because a broker without state takes any sequence number', async () => {
    const first = held()
    broker.once(produce, async ({ topicData }) => {
      await first.released
      return producedAt_(6, -1)(topicData)
    })
    producer.send(in0, batchOf('first'))
    producer.send(in0, batchOf('second'))
    await until('the first', () => requests() === 1)
    await quiet()
    expect(requests()).toBe(1)
    first.release()
    await during(scene.clock, producer.flush())
    expect([0, 1, 2].map((n) => sent(n)[0]?.baseSequence)).toEqual([0, 0, 1])
  })

  it('is five requests deep once the broker knows the producer', async () => {
    producer.send(in0, batchOf('first'))
    await during(scene.clock, producer.flush())
    const gate = held()
    broker.on(produce, async ({ topicData }) => {
      await gate.released
      return accept()(topicData)
    })
    const written = scene.cluster.open(1, 'control')
    for (let n = 0; n < 9; n++) {
      producer.send(in0, batchOf(`${n}`))
      await quiet(5)
    }
    expect(written?.inFlight).toBe(5)
    gate.release()
    await during(scene.clock, producer.flush())
    expect(requests()).toBe(10)
    expect(broker.requests(produce).map((_, n) => sent(n)[0]?.baseSequence)).toEqual(
      Array.from({ length: 10 }, (_, n) => n),
    )
  })

  it('is told of when enough of it has arrived', async () => {
    producer.send(in0, batchOf('x'.repeat(100)))
    const half = producer.pendingBytes
    producer.send(in0, batchOf('x'.repeat(100)))
    await during(scene.clock, producer.drained(half))
    expect(producer.pendingBytes).toBeLessThanOrEqual(half)
  })
})

describe('what comes back', () => {
  it('is sent again with the same bytes when its answer was lost', async () => {
    broker.once(produce, () => 'close')
    const offsets: number[] = []
    producer.send(in0, batchOf('a'), (offset) => offsets.push(offset))
    await during(scene.clock, producer.flush())
    const [first, second] = broker.requests(produce).map((r) => r.topicData[0]?.partitionData[0])
    expect(second?.records).toEqual(first?.records)
    expect(offsets).toEqual([0])
  })

  it('goes before what was sent behind it, in the old order', async () => {
    producer.send(in0, batchOf('first'))
    await during(scene.clock, producer.flush())
    const gate = held()
    broker.once(produce, async ({ topicData }) => {
      await gate.released
      return producedAt_(19, -1)(topicData)
    })
    // Behind a missing one, the broker says that the others are out of order.
    broker.once(produce, ({ topicData }) => producedAt_(45, -1)(topicData))
    broker.once(produce, ({ topicData }) => producedAt_(45, -1)(topicData))
    for (let n = 0; n < 3; n++) {
      producer.send(in0, batchOf(`${n}`))
      await quiet(5)
    }
    gate.release()
    await during(scene.clock, producer.flush())
    expect(broker.requests(produce).map((_, n) => sent(n)[0]?.baseSequence)).toEqual([
      0, 1, 2, 3, 1, 2, 3,
    ])
  })

  it('goes to the new leader once the old one has answered everything', async () => {
    producer.send(in0, batchOf('first'))
    await during(scene.clock, producer.flush())
    const second = await FakeBroker.start({ nodeId: 2 })
    broker.cluster = [broker, second]
    const offsets: number[] = []
    broker.on(produce, ({ topicData }) => {
      broker.leaders.set('in', [{ leader: 2, epoch: 1 }])
      return producedAt_(6, -1)(topicData)
    })
    second.on(produce, ({ topicData }) => producedAt_(0, 9)(topicData))
    producer.send(in0, batchOf('moved'), (offset) => offsets.push(offset))
    await during(scene.clock, producer.flush())
    expect(sent(0, second)).toMatchObject([{ baseSequence: 1, producerId: 7000 }])
    expect(offsets).toEqual([9])
    await producer.close()
    await second.close()
  })

  it('waits for a topic that has no leader yet', async () => {
    broker.leaders.set('late', [{ leader: -1, epoch: 0 }])
    producer.send({ topic: 'late', partition: 0 }, batchOf('a'))
    await untilWith(scene.clock, 'it is asked for', () => broker.requests(metadata).length > 2)
    broker.topic('late')
    await during(scene.clock, producer.flush())
    expect(requests()).toBe(1)
  })
})

describe('what fails', () => {
  it('fails everything after its delivery time-out; what follows has a new producer id', async () => {
    await producer.close()
    producer = new KafkaProducer(scene.cluster, { deliveryTimeoutMs: 1000 })
    const late = held()
    const lost: number[] = []
    // Reaches the broker, its answer is lost again and again.
    broker.on(produce, () => 'close')
    producer.send(in0, batchOf('lost'), (offset) => lost.push(offset))
    producer.send({ topic: 'in', partition: 1 }, batchOf('with it'), (offset) => lost.push(offset))
    await expect(during(scene.clock, producer.flush())).rejects.toMatchObject({ kind: 'retriable' })
    expect(producer.pendingBytes).toBe(0)

    broker.on(initProducerId, () => ({ producerId: 8000, producerEpoch: 0 }))
    broker.on(produce, ({ topicData }) => accept()(topicData))
    late.release()
    producer.send(in0, batchOf('next'))
    await during(scene.clock, producer.flush())
    expect(sent(requests() - 1)).toMatchObject([{ producerId: 8000, baseSequence: 0, count: 1 }])
    expect(lost).toEqual([])
  })

  it('ignores answers to what failed before', async () => {
    const gate = held()
    const lost: number[] = []
    broker.once(produce, async ({ topicData }) => {
      await gate.released
      return accept()(topicData)
    })
    producer.send(in0, batchOf('slow'), (offset) => lost.push(offset))
    await until('it is sent', () => requests() === 1)
    answerOnce(10)
    producer.send({ topic: 'in', partition: 1 }, batchOf('too large'))
    const flushed = producer.flush()
    gate.release()
    await expect(during(scene.clock, flushed)).rejects.toMatchObject({ kind: 'tooLarge' })
    producer.send(in0, batchOf('after'))
    await during(scene.clock, producer.flush())
    expect(lost.length).toBeLessThanOrEqual(1)
    expect(sent(requests() - 1)).toMatchObject([{ baseSequence: 0 }])
  })

  it('is too large for any request, which is said before it is sent', async () => {
    const large = batchOf('a')
    Object.defineProperty(large, 'byteLength', { value: 100 * 2 ** 20 })
    producer.send(in0, large)
    await expect(producer.flush()).rejects.toMatchObject({ kind: 'tooLarge' })
    expect(requests()).toBe(0)
    producer.send(in0, batchOf('b'))
    await during(scene.clock, producer.flush())
  })

  it('is told by every flush that waits, and by no later one', async () => {
    answerOnce(10)
    producer.send(in0, batchOf('too large'))
    const both = [producer.flush(), producer.flush()]
    const told = await during(scene.clock, Promise.allSettled(both))
    expect(told.map((t) => t.status)).toEqual(['rejected', 'rejected'])
    await producer.flush()
  })

  it('keeps a failure for the flush when nobody waits, and refuses what is sent meanwhile', async () => {
    answerOnce(29)
    producer.send(in0, batchOf('forbidden'))
    await until('it is sent', () => requests() === 1)
    await quiet()
    expect(() => producer.send(in0, batchOf('more'))).toThrow('TOPIC_AUTHORIZATION_FAILED')
    await producer.drained(0)
    await expect(producer.flush()).rejects.toMatchObject({ kind: 'authorization' })
  })

  it('surfaces a gap that is not its own making, and never numbers anew', async () => {
    producer.send(in0, batchOf('first'))
    await during(scene.clock, producer.flush())
    answerOnce(45)
    producer.send(in0, batchOf('second'))
    await expect(during(scene.clock, producer.flush())).rejects.toMatchObject({
      errorCode: 45,
      kind: 'fatal',
    })
    expect(requests()).toBe(2)
  })

  it('is not fenced: nobody else can have its producer id', async () => {
    answerOnce(47)
    producer.send(in0, batchOf('a'))
    await expect(during(scene.clock, producer.flush())).rejects.toMatchObject({ kind: 'retriable' })
  })

  it('does not take a duplicate for an acknowledgement', async () => {
    answerOnce(46)
    producer.send(in0, batchOf('a'))
    await expect(during(scene.clock, producer.flush())).rejects.toMatchObject({ errorCode: 46 })
  })

  it('rejects what is in flight when it is closed', async () => {
    broker.on(produce, () => 'silence')
    producer.send(in0, batchOf('a'))
    const flushed = producer.flush()
    await until('it is sent', () => requests() === 1)
    await producer.close()
    await expect(flushed).rejects.toThrow('closed')
    expect(() => producer.send(in0, batchOf('b'))).toThrow('closed')
  })
})

describe('sequence numbers', () => {
  it('start again at 0 after 2^31 - 1', () => {
    const max = 2 ** 31 - 1
    expect(sequenceAfter(0, 5)).toBe(5)
    expect(sequenceAfter(max - 5, 5)).toBe(max)
    expect(sequenceAfter(max - 4, 5)).toBe(0)
    expect(sequenceAfter(max, 1)).toBe(0)
    expect(sequenceAfter(max, 10)).toBe(9)
  })
})

describe('the number of partitions', () => {
  it('is asked for once', async () => {
    expect(await during(scene.clock, producer.partitionCount('in'))).toBe(3)
    expect(await producer.partitionCount('in')).toBe(3)
    expect(broker.requests(metadata)).toHaveLength(1)
  })

  it('is waited for, as a new topic is not known everywhere at once', async () => {
    const count = producer.partitionCount('new')
    await untilWith(scene.clock, 'it is asked twice', () => broker.requests(metadata).length > 1)
    broker.topic('new', 2)
    expect(await during(scene.clock, count)).toBe(2)
  })

  it('of a topic that is not there is an error that says so', async () => {
    await expect(during(scene.clock, producer.partitionCount('no'))).rejects.toMatchObject({
      kind: 'unknownTopic',
      message: expect.stringContaining('create the topic') as string,
    })
  })
})
