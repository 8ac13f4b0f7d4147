// Both versions of transactions against a scripted broker: which requests, in which order, and what
// each error lets the caller do.
import { afterEach, describe, expect, it } from 'vitest'
import { KafkaTransactionalProducer } from '../../src/kafka/transactional-producer.js'
import { addOffsetsToTxn } from '../../src/kafka/protocol/messages/add-offsets-to-txn.js'
import { addPartitionsToTxn } from '../../src/kafka/protocol/messages/add-partitions-to-txn.js'
import { endTxn } from '../../src/kafka/protocol/messages/end-txn.js'
import { findCoordinator } from '../../src/kafka/protocol/messages/find-coordinator.js'
import { initProducerId } from '../../src/kafka/protocol/messages/init-producer-id.js'
import { produce } from '../../src/kafka/protocol/messages/produce.js'
import { txnOffsetCommit } from '../../src/kafka/protocol/messages/txn-offset-commit.js'
import { readBatchHeader } from '../../src/kafka/record-batch.js'
import { during, producedAt, quiet, until, type FakeBroker } from './fake-broker.js'
import { allAdded, batchOf, Scene } from './kafka-fixtures.js'

let scene: Scene
let broker: FakeBroker
let producer: KafkaTransactionalProducer

const part = (partition: number) => ({ topic: 'in', partition })
const offsets = [
  { topic: 'src', partition: 0, offset: 5, metadata: 'm' },
  { topic: 'src', partition: 1, offset: 6, metadata: '' },
]
const group = { groupId: 'g', generationId: 3, memberId: 'member', instanceId: undefined }

const wait = <T>(call: Promise<T>): Promise<T> => during(scene.clock, call)
/** The names of the requests of the transaction's protocol so far, in order. */
const calls = (): string[] =>
  broker.seen.map((s) => s.api).filter((api) => /Txn|Produce$|InitProducerId/.test(api))
const versionOf = (name: string): number | undefined =>
  broker.seen.findLast((s) => s.api === name)?.version
const headerOf = (n: number) =>
  readBatchHeader(broker.requests(produce)[n]?.topicData[0]?.partitionData[0]?.records as Buffer, 0)

const offsetCodes = (...codes: number[]) => ({
  topics: [
    {
      name: 'src',
      partitions: codes.map((errorCode, partitionIndex) => ({ partitionIndex, errorCode })),
    },
  ],
})

const start = async (version: 1 | 2, options: object = {}): Promise<void> => {
  scene = await Scene.start({ features: { 'transaction.version': version } })
  broker = scene.broker
  broker.topic('in', 4)
  broker.on(produce, ({ topicData }) =>
    producedAt(topicData, () => ({ errorCode: 0, baseOffset: 0 })),
  )
  broker.on(addPartitionsToTxn, allAdded)
  broker.on(addOffsetsToTxn, () => ({ errorCode: 0 }))
  broker.on(txnOffsetCommit, ({ topics }) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: 0 })),
    })),
  }))
  broker.on(endTxn, ({ producerId, producerEpoch }) => ({
    errorCode: 0,
    producerId,
    producerEpoch: producerEpoch + 1,
  }))
  producer = new KafkaTransactionalProducer(scene.cluster, {
    transactionalId: 't',
    transactionTimeoutMs: 10_000,
    ...options,
  })
}

/** The same, with a transaction open. */
const begin = async (version: 1 | 2, options: object = {}): Promise<void> => {
  await start(version, options)
  await wait(producer.init())
  producer.begin()
}

afterEach(async () => {
  await producer.close()
  await scene.close()
})

describe('init', () => {
  it('looks the coordinator up first, which creates what it keeps transactions in', async () => {
    await start(2)
    await wait(producer.init())
    expect(broker.requests(findCoordinator)).toMatchObject([{ key: 't', keyType: 1 }])
    expect(broker.requests(initProducerId)).toMatchObject([
      { transactionalId: 't', transactionTimeoutMs: 10_000, producerId: -1, producerEpoch: -1 },
    ])
  })

  it('waits while the predecessor’s transaction is being ended, however often', async () => {
    await start(2)
    for (let n = 0; n < 30; n++) broker.once(initProducerId, () => ({ errorCode: 51 }))
    await wait(producer.init())
    expect(broker.requests(initProducerId)).toHaveLength(31)
  })

  it('looks for a coordinator that moved', async () => {
    await start(2)
    broker.once(initProducerId, () => ({ errorCode: 16 }))
    broker.once(initProducerId, () => 'close')
    await wait(producer.init())
    expect(broker.requests(findCoordinator)).toHaveLength(3)
  })

  it('names the remedy for a time-out that the broker refuses', async () => {
    await start(2)
    broker.on(initProducerId, () => ({ errorCode: 50 }))
    await expect(wait(producer.init())).rejects.toMatchObject({
      kind: 'fatal',
      message: expect.stringContaining('transaction.max.timeout.ms') as string,
    })
  })

  it('says who may not use the transactional id', async () => {
    await start(2)
    broker.on(initProducerId, () => ({ errorCode: 53 }))
    await expect(wait(producer.init())).rejects.toMatchObject({ kind: 'authorization' })
  })
})

describe('version 1', () => {
  it('adds partitions once, before anything is sent to them, and offsets by member', async () => {
    await begin(1)
    producer.send(part(0), batchOf('a'))
    producer.send(part(1), batchOf('b'))
    await wait(producer.flush())
    producer.send(part(0), batchOf('c'))
    await wait(producer.flush())
    await wait(producer.sendOffsets(offsets, group))
    await wait(producer.commit())
    expect(calls()).toEqual([
      'InitProducerId',
      'AddPartitionsToTxn',
      'Produce',
      'Produce',
      'AddOffsetsToTxn',
      'TxnOffsetCommit',
      'EndTxn',
    ])
    expect(broker.requests(addPartitionsToTxn)[0]?.topics).toEqual([
      { name: 'in', partitions: [0, 1] },
    ])
    expect(broker.requests(txnOffsetCommit)[0]).toMatchObject({
      groupId: 'g',
      generationId: 3,
      memberId: 'member',
      groupInstanceId: null,
    })
    expect([versionOf('Produce'), versionOf('TxnOffsetCommit'), versionOf('EndTxn')]).toEqual([
      11, 4, 4,
    ])
    expect(headerOf(0)).toMatchObject({ transactional: true, producerEpoch: 0 })
  })

  it('counts sequences on, and asks for partitions again, in the next transaction', async () => {
    await begin(1)
    producer.send(part(0), batchOf('a'))
    await wait(producer.commit())
    producer.begin()
    producer.send(part(0), batchOf('b'))
    await wait(producer.commit())
    expect(headerOf(1)).toMatchObject({ producerEpoch: 0, baseSequence: 1 })
    expect(broker.requests(addPartitionsToTxn)).toHaveLength(2)
  })

  it('waits while the last transaction’s markers are being written: no failed attempt', async () => {
    await begin(1, { deliveryTimeoutMs: 5000 })
    for (let n = 0; n < 30; n++)
      broker.once(addPartitionsToTxn, ({ topics }) => ({
        resultsByTopic: topics.map(({ name, partitions }) => ({
          name,
          resultsByPartition: partitions.map((partitionIndex) => ({
            partitionIndex,
            partitionErrorCode: 51,
          })),
        })),
      }))
    producer.send(part(0), batchOf('a'))
    await wait(producer.commit())
    expect(broker.requests(addPartitionsToTxn)).toHaveLength(31)
  })

  it('ends a failed transaction, then takes a new epoch', async () => {
    await begin(1)
    broker.once(produce, ({ topicData }) =>
      producedAt(topicData, () => ({ errorCode: 120, baseOffset: -1 })),
    )
    producer.send(part(0), batchOf('a'))
    await expect(wait(producer.flush())).rejects.toMatchObject({ kind: 'abortable' })
    await wait(producer.abort())
    expect(calls().slice(-2)).toEqual(['EndTxn', 'InitProducerId'])
    expect(broker.requests(endTxn)[0]).toMatchObject({ committed: false })
    expect(broker.requests(initProducerId)[1]).toMatchObject({ producerId: 7000, producerEpoch: 0 })
    producer.begin()
    producer.send(part(0), batchOf('b'))
    await wait(producer.commit())
    expect(headerOf(1)).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
  })

  it('does not mind that a failed transaction never reached the broker', async () => {
    await begin(1)
    broker.once(addPartitionsToTxn, ({ topics }) => ({
      resultsByTopic: topics.map(({ name }) => ({
        name,
        resultsByPartition: [{ partitionIndex: 0, partitionErrorCode: 29 }],
      })),
    }))
    producer.send(part(0), batchOf('a'))
    await expect(wait(producer.flush())).rejects.toMatchObject({ kind: 'authorization' })
    broker.once(endTxn, () => ({ errorCode: 48 }))
    await wait(producer.abort())
    producer.begin()
  })
})

describe('version 2', () => {
  it('needs three requests, and begins the next one with the epoch it is given', async () => {
    await begin(2)
    producer.send(part(0), batchOf('a'))
    await wait(producer.flush())
    await wait(producer.sendOffsets(offsets, group))
    await wait(producer.commit())
    expect(calls()).toEqual(['InitProducerId', 'Produce', 'TxnOffsetCommit', 'EndTxn'])
    expect([versionOf('Produce'), versionOf('TxnOffsetCommit'), versionOf('EndTxn')]).toEqual([
      12, 5, 5,
    ])
    producer.begin()
    producer.send(part(0), batchOf('b'))
    await wait(producer.commit())
    expect(headerOf(1)).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
  })

  it('sends a batch that adds its partition alone, the others only then', async () => {
    await begin(2)
    let release = (): void => {}
    broker.once(produce, async ({ topicData }) => {
      await new Promise<void>((resolve) => (release = resolve))
      return producedAt(topicData, () => ({ errorCode: 0, baseOffset: 0 }))
    })
    producer.send(part(0), batchOf('a'))
    await until('the first', () => broker.requests(produce).length === 1)
    producer.send(part(1), batchOf('b'))
    const committed = producer.sendOffsets(offsets, group)
    await quiet()
    expect(calls().slice(1)).toEqual(['Produce'])
    release()
    await wait(committed)
    await wait(producer.commit())
    // Neither of the two that add something overlapped anything else.
    expect(calls().slice(1)).toHaveLength(4)
    expect(calls().slice(-1)).toEqual(['EndTxn'])
  })

  it('does not let batches overlap a commit of offsets', async () => {
    await begin(2)
    let release = (): void => {}
    broker.once(txnOffsetCommit, async () => {
      await new Promise<void>((resolve) => (release = resolve))
      return offsetCodes(0, 0)
    })
    const committing = producer.sendOffsets(offsets, group)
    await until('the offsets', () => broker.requests(txnOffsetCommit).length === 1)
    producer.send(part(0), batchOf('a'))
    await quiet()
    expect(broker.requests(produce)).toHaveLength(0)
    release()
    await wait(committing)
    await wait(producer.commit())
    expect(calls()).toEqual(['InitProducerId', 'TxnOffsetCommit', 'Produce', 'EndTxn'])
  })

  it('takes the new epoch of an abort', async () => {
    await begin(2)
    producer.send(part(0), batchOf('a'))
    await wait(producer.flush())
    await wait(producer.abort())
    producer.begin()
    producer.send(part(0), batchOf('b'))
    await wait(producer.commit())
    expect(broker.requests(initProducerId)).toHaveLength(1)
    expect(headerOf(1)).toMatchObject({ producerEpoch: 1, baseSequence: 0 })
  })
})

describe.each([1, 2] as const)('a transaction of version %s', (version) => {
  it('that is empty leaves no trace', async () => {
    await begin(version)
    await wait(producer.commit())
    producer.begin()
    await wait(producer.abort())
    expect(calls()).toEqual(['InitProducerId'])
  })

  it('is committed with the first answer that says so, even when that was lost', async () => {
    await begin(version)
    producer.send(part(0), batchOf('a'))
    broker.once(endTxn, () => 'close')
    broker.once(endTxn, () => ({ errorCode: 51 }))
    await wait(producer.commit())
    expect(broker.requests(endTxn).map((r) => r.committed)).toEqual([true, true, true])
  })

  it('drops what was not sent when it is aborted', async () => {
    await begin(version)
    producer.send(part(0), batchOf('a'))
    const flushed = producer.flush()
    await wait(Promise.all([producer.abort(), expect(flushed).rejects.toBeDefined()]))
    expect(producer.pendingBytes).toBe(0)
    producer.begin()
    producer.send(part(0), batchOf('b'))
    await wait(producer.commit())
    expect(headerOf(broker.requests(produce).length - 1)).toMatchObject({ baseSequence: 0 })
  })

  it('waits for what is in flight before its abort', async () => {
    await begin(version)
    let release = (): void => {}
    broker.once(produce, async ({ topicData }) => {
      await new Promise<void>((resolve) => (release = resolve))
      return producedAt(topicData, () => ({ errorCode: 0, baseOffset: 0 }))
    })
    producer.send(part(0), batchOf('a'))
    await until('it is sent', () => broker.requests(produce).length === 1)
    const aborted = producer.abort()
    await quiet()
    expect(broker.requests(endTxn)).toHaveLength(0)
    release()
    await wait(aborted)
    expect(broker.requests(endTxn)).toHaveLength(1)
  })

  it.each([47, 90])('is fenced by %s, and nothing but close is left', async (errorCode) => {
    await begin(version)
    broker.on(produce, ({ topicData }) =>
      producedAt(topicData, () => ({ errorCode, baseOffset: -1 })),
    )
    producer.send(part(0), batchOf('a'))
    await expect(wait(producer.flush())).rejects.toMatchObject({ kind: 'fenced', errorCode })
    expect(() => producer.send(part(0), batchOf('b'))).toThrow(`(${errorCode})`)
    await expect(wait(producer.commit())).rejects.toMatchObject({ kind: 'fenced' })
    await expect(wait(producer.abort())).rejects.toMatchObject({ kind: 'fenced' })
  })

  it.each([22, 25, 82, 110, 113])('is fenced by the group: %s', async (errorCode) => {
    await begin(version)
    broker.on(txnOffsetCommit, () => offsetCodes(errorCode, errorCode))
    await expect(wait(producer.sendOffsets(offsets, group))).rejects.toMatchObject({
      kind: 'fenced',
      errorCode,
    })
  })

  it('sends only the offsets again that were not taken, also while the group rebalances', async () => {
    await begin(version)
    broker.once(txnOffsetCommit, () => offsetCodes(0, 27))
    broker.once(txnOffsetCommit, () => ({
      topics: [{ name: 'src', partitions: [{ partitionIndex: 1, errorCode: 14 }] }],
    }))
    await wait(producer.sendOffsets(offsets, group))
    expect(
      broker
        .requests(txnOffsetCommit)
        .map((r) => r.topics[0]?.partitions.map((p) => p.partitionIndex)),
    ).toEqual([[0, 1], [1], [1]])
  })

  it('can be aborted when its offsets could not be added in time', async () => {
    await begin(version)
    broker.on(txnOffsetCommit, () => offsetCodes(27, 27))
    await expect(wait(producer.sendOffsets(offsets, group))).rejects.toMatchObject({
      kind: 'abortable',
    })
    await wait(producer.abort())
    producer.begin()
  })

  it('is lost when nobody says how it ended', async () => {
    await begin(version, { deliveryTimeoutMs: 100 })
    producer.send(part(0), batchOf('a'))
    await wait(producer.flush())
    broker.on(endTxn, () => ({ errorCode: 14 }))
    await expect(wait(producer.commit())).rejects.toMatchObject({
      kind: 'retriable',
      message: expect.stringContaining('not known how') as string,
    })
    expect(() => producer.begin()).toThrow('not known how')
    await expect(producer.abort()).rejects.toThrow('not known how')
  })

  it.each([-1])('is lost when the broker stumbled over its end: %s', async (errorCode) => {
    await begin(version)
    producer.send(part(0), batchOf('a'))
    await wait(producer.flush())
    broker.on(endTxn, () => ({ errorCode }))
    await expect(wait(producer.commit())).rejects.toMatchObject({ kind: 'retriable', errorCode })
  })

  it('can be begun anew after the broker aborted it for its time-out', async () => {
    await begin(version)
    producer.send(part(0), batchOf('a'))
    await wait(producer.flush())
    broker.on(endTxn, () => ({ errorCode: 48 }))
    await expect(wait(producer.commit())).rejects.toMatchObject({ kind: 'retriable' })
    expect(() => producer.begin()).toThrow()
  })

  it('refuses calls out of turn', async () => {
    await start(version)
    expect(() => producer.begin()).toThrow('begin in state new')
    await wait(producer.init())
    expect(() => producer.send(part(0), batchOf('a'))).toThrow('send in state ready')
    await expect(producer.commit()).rejects.toThrow('commit in state ready')
    await expect(producer.init()).rejects.toThrow('init in state ready')
  })
})
