// Brokers of other releases, by the versions that they offer: everything works with what they have.
import { afterEach, expect, it } from 'vitest'
import { KafkaFetcher } from '../../src/kafka/fetcher.js'
import { KafkaGroupMember } from '../../src/kafka/group-member.js'
import { KafkaTransactionalProducer } from '../../src/kafka/transactional-producer.js'
import { addOffsetsToTxn } from '../../src/kafka/protocol/messages/add-offsets-to-txn.js'
import { addPartitionsToTxn } from '../../src/kafka/protocol/messages/add-partitions-to-txn.js'
import { endTxn } from '../../src/kafka/protocol/messages/end-txn.js'
import { fetch } from '../../src/kafka/protocol/messages/fetch.js'
import { heartbeat } from '../../src/kafka/protocol/messages/heartbeat.js'
import { joinGroup } from '../../src/kafka/protocol/messages/join-group.js'
import { leaveGroup } from '../../src/kafka/protocol/messages/leave-group.js'
import { syncGroup } from '../../src/kafka/protocol/messages/sync-group.js'
import { txnOffsetCommit } from '../../src/kafka/protocol/messages/txn-offset-commit.js'
import { during, until, untilWith } from './fake-broker.js'
import { allAdded, batchOf, Scene, stored } from './kafka-fixtures.js'

/** The highest versions of each release; every minimum is 0. */
const releases: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  '2.5': {
    Produce: 8,
    Fetch: 11,
    ListOffsets: 5,
    Metadata: 9,
    OffsetCommit: 8,
    OffsetFetch: 7,
    FindCoordinator: 3,
    JoinGroup: 7,
    Heartbeat: 4,
    LeaveGroup: 4,
    SyncGroup: 5,
    ApiVersions: 3,
    InitProducerId: 3,
    AddPartitionsToTxn: 1,
    AddOffsetsToTxn: 1,
    EndTxn: 1,
    TxnOffsetCommit: 3,
  },
  '2.8': {
    Produce: 9,
    Fetch: 12,
    ListOffsets: 6,
    Metadata: 11,
    OffsetCommit: 8,
    OffsetFetch: 7,
    FindCoordinator: 3,
    JoinGroup: 7,
    Heartbeat: 4,
    LeaveGroup: 4,
    SyncGroup: 5,
    ApiVersions: 3,
    InitProducerId: 4,
    AddPartitionsToTxn: 3,
    AddOffsetsToTxn: 3,
    EndTxn: 3,
    TxnOffsetCommit: 3,
  },
}

let scene: Scene

const start = async (release: string): Promise<void> => {
  const versions = Object.fromEntries(
    Object.entries(releases[release] ?? {}).map(([api, max]) => [api, [0, max] as const]),
  )
  scene = await Scene.start({ versions })
  scene.broker.topic('in')
}

const wait = <T>(call: Promise<T>): Promise<T> => during(scene.clock, call, 20)

afterEach(() => scene.close())

it.each(Object.keys(releases))('%s: a transaction of version 1', async (release) => {
  await start(release)
  const { broker } = scene
  broker.on(addPartitionsToTxn, allAdded)
  broker.on(addOffsetsToTxn, () => ({ errorCode: 0 }))
  broker.on(txnOffsetCommit, () => ({
    topics: [{ name: 'in', partitions: [{ partitionIndex: 0, errorCode: 0 }] }],
  }))
  broker.on(endTxn, () => ({ errorCode: 0 }))
  const producer = new KafkaTransactionalProducer(scene.cluster, {
    transactionalId: 't',
    transactionTimeoutMs: 1000,
  })
  await wait(producer.init())
  producer.begin()
  producer.send({ topic: 'in', partition: 0 }, batchOf('a'))
  const group = { groupId: 'g', generationId: 4, memberId: 'm', instanceId: undefined }
  await wait(producer.sendOffsets([{ topic: 'in', partition: 0, offset: 1, metadata: '' }], group))
  await wait(producer.commit())
  for (const seen of broker.seen)
    expect(seen.version, seen.api).toBe(Math.min(releases[release]?.[seen.api] ?? 0, seen.version))
  expect(broker.requests(txnOffsetCommit)[0]).toMatchObject({ generationId: 4, memberId: 'm' })
  await producer.close()
})

it('before 2.5: no exactly-once, because zombies would not be fenced', async () => {
  scene = await Scene.start({ versions: { TxnOffsetCommit: [0, 2] } })
  const producer = new KafkaTransactionalProducer(scene.cluster, {
    transactionalId: 't',
    transactionTimeoutMs: 1000,
  })
  await expect(wait(producer.init())).rejects.toMatchObject({
    kind: 'fatal',
    message: expect.stringContaining('older than Kafka 2.5') as string,
  })
  await producer.close()
})

it.each(Object.keys(releases))('%s: a member of a group', async (release) => {
  await start(release)
  const { broker } = scene
  broker.on(joinGroup, ({ memberId, protocols }) =>
    memberId === ''
      ? { errorCode: 79, memberId: 'm' }
      : {
          errorCode: 0,
          generationId: 1,
          protocolName: 'millrace',
          leader: 'm',
          memberId: 'm',
          members: [{ memberId: 'm', metadata: protocols[0]?.metadata as Buffer }],
        },
  )
  broker.on(syncGroup, ({ assignments }) => ({
    errorCode: 0,
    assignment: assignments[0]?.assignment as Buffer,
  }))
  broker.on(heartbeat, () => ({ errorCode: 0 }))
  broker.on(leaveGroup, () => ({ errorCode: 0 }))
  const member = new KafkaGroupMember(scene.cluster, {
    groupId: 'g',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    heartbeatIntervalMs: 1000,
    topics: () => ['in'],
    assignor: {
      name: 'millrace',
      userData: () => new Uint8Array(),
      assign: () =>
        Promise.resolve(
          new Map([
            ['m', { partitions: [{ topic: 'in', partition: 0 }], userData: new Uint8Array() }],
          ]),
        ),
    },
    listener: {
      onRevoked: () => Promise.resolve(),
      onAssigned: () => Promise.resolve(),
      onLost: () => Promise.resolve(),
      onError: (error) => {
        throw error
      },
    },
  })
  member.start()
  await untilWith(scene.clock, 'it is a member', () => member.metadata() !== undefined)
  await wait(member.close())
  expect(broker.requests(leaveGroup)).toMatchObject([{ members: [{ memberId: 'm' }] }])
})

it.each(Object.keys(releases))('%s: records that are fetched', async (release) => {
  await start(release)
  const { broker } = scene
  broker.on(fetch, () => 'silence')
  broker.once(fetch, () => ({
    responses: [
      {
        topic: 'in',
        partitions: [
          {
            partitionIndex: 0,
            errorCode: 0,
            highWatermark: 1,
            abortedTransactions: [],
            records: stored(0, ['a']),
          },
        ],
      },
    ],
  }))
  const fetcher = new KafkaFetcher(scene.cluster, { isolation: 'read_committed' })
  fetcher.add({ topic: 'in', partition: 0 }, 0)
  await until('a record', () => fetcher.poll()?.nextOffset === 1)
  await fetcher.close()
})
