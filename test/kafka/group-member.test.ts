// The group member against a scripted coordinator: how it joins, what it survives, what it must not
// commit any more.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  partitionKey,
  type Assignment,
  type GroupListener,
  type GroupMemberOptions,
  type TopicPartition,
} from '../../src/kafka/client.js'
import { encodeAssignment, decodeSubscription } from '../../src/kafka/consumer-protocol.js'
import { KafkaGroupMember } from '../../src/kafka/group-member.js'
import { findCoordinator } from '../../src/kafka/protocol/messages/find-coordinator.js'
import { heartbeat } from '../../src/kafka/protocol/messages/heartbeat.js'
import { joinGroup } from '../../src/kafka/protocol/messages/join-group.js'
import { leaveGroup } from '../../src/kafka/protocol/messages/leave-group.js'
import { offsetCommit } from '../../src/kafka/protocol/messages/offset-commit.js'
import { offsetFetch } from '../../src/kafka/protocol/messages/offset-fetch.js'
import { syncGroup } from '../../src/kafka/protocol/messages/sync-group.js'
import { during, quiet, until, untilWith, type FakeBroker } from './fake-broker.js'
import { Scene } from './kafka-fixtures.js'

let scene: Scene
let broker: FakeBroker
let member: KafkaGroupMember
let events: string[]
let errors: Error[]
let onRevoked: (() => Promise<void>) | undefined
let onRebalance: (() => Promise<void>) | undefined
/** What the coordinator gives this member. */
let assigned: number[]
let generation: number

const at = (...partitions: number[]): TopicPartition[] =>
  partitions.map((partition) => ({ topic: 'in', partition }))
const offset = (partition: number, value = 5) => ({
  topic: 'in',
  partition,
  offset: value,
  metadata: '',
})
const names = (partitions: readonly TopicPartition[]): string =>
  partitions.map(partitionKey).join(' ')

const listener: GroupListener = {
  async onRevoked(partitions) {
    events.push(`revoked ${names(partitions)}`)
    await onRevoked?.()
  },
  onAssigned(assignment: Assignment, added) {
    events.push(`assigned ${names(assignment.partitions)} new ${names(added)}`)
    return Promise.resolve()
  },
  onLost(partitions) {
    events.push(`lost ${names(partitions)}`)
    return Promise.resolve()
  },
  async onRebalance() {
    events.push('rebalance')
    await onRebalance?.()
  },
  onError: (error) => void errors.push(error),
}

const make = (options: Partial<GroupMemberOptions> = {}): KafkaGroupMember =>
  new KafkaGroupMember(scene.cluster, {
    groupId: 'g',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    heartbeatIntervalMs: 3000,
    topics: () => ['in'],
    assignor: {
      name: 'millrace',
      userData: () => Buffer.from('me'),
      assign: (members) =>
        Promise.resolve(
          new Map(
            members.map((m) => [m.memberId, { partitions: at(...assigned), userData: m.userData }]),
          ),
        ),
    },
    listener,
    ...options,
  })

const settle = (what: string, holds: () => boolean): Promise<void> =>
  untilWith(scene.clock, what, holds, 50)
const wait = <T>(call: Promise<T>): Promise<T> => during(scene.clock, call, 50)
const joined = (): Promise<void> =>
  settle('it is a member', () => member.metadata() !== undefined && !member.rebalancing)
/** A rebalance that the coordinator tells of in the next heartbeat. */
const rebalance = async (next: readonly number[]): Promise<void> => {
  assigned = [...next]
  const before = generation
  broker.once(heartbeat, () => ({ errorCode: 27 }))
  await settle('the rebalance', () => generation > before && !member.rebalancing)
}

beforeEach(async () => {
  scene = await Scene.start()
  broker = scene.broker
  events = []
  errors = []
  onRevoked = onRebalance = undefined
  assigned = [0, 1]
  generation = 0
  broker.on(joinGroup, ({ memberId, protocols, groupInstanceId }) => {
    if (memberId === '' && groupInstanceId === null) return { errorCode: 79, memberId: 'm-1' }
    const id = memberId === '' ? 's-1' : memberId
    return {
      errorCode: 0,
      generationId: ++generation,
      protocolType: 'consumer',
      protocolName: 'millrace',
      leader: id,
      memberId: id,
      members: [{ memberId: id, groupInstanceId, metadata: protocols[0]?.metadata as Buffer }],
    }
  })
  broker.on(syncGroup, ({ assignments, memberId }) => ({
    errorCode: 0,
    protocolType: 'consumer',
    protocolName: 'millrace',
    assignment: assignments.find((a) => a.memberId === memberId)?.assignment ?? Buffer.alloc(0),
  }))
  broker.on(heartbeat, () => ({ errorCode: 0 }))
  broker.on(leaveGroup, () => ({ errorCode: 0 }))
  broker.on(offsetCommit, ({ topics }) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: 0 })),
    })),
  }))
  member = make()
})

afterEach(async () => {
  await member.close()
  await scene.close()
})

describe('joining', () => {
  it('takes the member id that it is told to come back with', async () => {
    member.start()
    await joined()
    expect(broker.requests(joinGroup).map((r) => r.memberId)).toEqual(['', 'm-1'])
    expect(member.metadata()).toEqual({
      groupId: 'g',
      generationId: 1,
      memberId: 'm-1',
      instanceId: undefined,
    })
    expect(events).toEqual(['assigned in-0 in-1 new in-0 in-1'])
  })

  it('speaks the consumer protocol, with what it owns and since when', async () => {
    member.start()
    await joined()
    await rebalance([0, 1])
    const { protocolType, protocols } = broker.requests(joinGroup).at(-1) ?? {}
    expect(protocolType).toBe('consumer')
    expect(decodeSubscription('m', undefined, protocols?.[0]?.metadata as Uint8Array)).toEqual({
      memberId: 'm',
      instanceId: undefined,
      topics: ['in'],
      userData: Buffer.from('me'),
      ownedPartitions: at(0, 1),
      generationId: 1,
    })
  })

  it('waits as long as the rebalance may take, plus the network', async () => {
    broker.once(joinGroup, () => ({ errorCode: 79, memberId: 'm-1' }))
    broker.once(joinGroup, () => 'silence')
    member.start()
    await until('it is held', () => broker.requests(joinGroup).length === 2)
    scene.clock.advance(60_000 + 29_999)
    await quiet()
    expect(broker.requests(joinGroup)).toHaveLength(2)
    scene.clock.advance(1)
    await joined()
  })

  it('goes on trying while the coordinator moves, loads and breaks', async () => {
    broker.once(joinGroup, () => ({ errorCode: 16 }))
    broker.once(joinGroup, () => ({ errorCode: 14 }))
    broker.once(joinGroup, () => 'close')
    broker.once(syncGroup, () => ({ errorCode: 27 }))
    broker.once(syncGroup, () => 'close')
    member.start()
    await joined()
    expect(broker.requests(findCoordinator).length).toBeGreaterThan(2)
    expect(errors).toEqual([])
  })

  it('starts anew when its member id is not known any more', async () => {
    broker.once(joinGroup, () => ({ errorCode: 79, memberId: 'm-1' }))
    broker.once(joinGroup, () => ({ errorCode: 25 }))
    member.start()
    await joined()
    expect(broker.requests(joinGroup).map((r) => r.memberId)).toEqual(['', 'm-1', '', 'm-1'])
  })

  it.each([
    [30, 'authorization'],
    [23, 'fatal'],
    [26, 'fatal'],
  ])('ends with what no repetition can help: %s', async (errorCode, kind) => {
    broker.on(joinGroup, () => ({ errorCode }))
    member.start()
    await settle('the error', () => errors.length > 0)
    expect(errors[0]).toMatchObject({ kind, errorCode })
  })

  it('ends with what the assignor throws, and leaves', async () => {
    member = make({
      assignor: {
        name: 'millrace',
        userData: () => new Uint8Array(),
        assign: () => Promise.reject(new Error('no such topic')),
      },
    })
    member.start()
    await settle('the error', () => errors.length > 0)
    expect(errors[0]?.message).toBe('no such topic')
    await settle('it leaves', () => broker.requests(leaveGroup).length === 1)
  })
})

describe('a rebalance', () => {
  it('takes nothing away in between, gives back what goes, then joins again', async () => {
    member.start()
    await joined()
    events = []
    await rebalance([1])
    await settle('it is settled', () => generation === 3 && !member.rebalancing)
    expect(events).toEqual([
      'rebalance',
      'revoked in-0',
      'assigned in-1 new ',
      'rebalance',
      'assigned in-1 new ',
    ])
  })

  it('waits for what the application has under way, before it joins again', async () => {
    member.start()
    await joined()
    let release = (): void => {}
    onRebalance = () => new Promise<void>((resolve) => (release = resolve))
    broker.once(heartbeat, () => ({ errorCode: 27 }))
    await settle('it is told', () => events.includes('rebalance'))
    const before = broker.requests(joinGroup).length
    await quiet()
    expect(broker.requests(joinGroup)).toHaveLength(before)
    // The old generation may still commit.
    await wait(member.commit([offset(0)]))
    expect(broker.requests(offsetCommit)[0]).toMatchObject({ generationIdOrMemberEpoch: 1 })
    release()
    await settle('it joins', () => broker.requests(joinGroup).length > before)
  })

  it('is one rebalance, however often heartbeats tell of it', async () => {
    member.start()
    await joined()
    let release = (): void => {}
    onRebalance = () => new Promise<void>((resolve) => (release = resolve))
    for (let n = 0; n < 3; n++) broker.once(heartbeat, () => ({ errorCode: 27 }))
    const before = broker.requests(heartbeat).length
    await settle('it is told often', () => broker.requests(heartbeat).length >= before + 3)
    onRebalance = undefined
    release()
    await joined()
    await settle('heartbeats', () => broker.requests(heartbeat).length >= before + 5)
    expect(generation).toBe(2)
  })

  it('lets what goes be committed, and waits for it', async () => {
    member.start()
    await joined()
    onRevoked = () => member.commit([offset(0)])
    await rebalance([1])
    const order = broker.seen.map((s) => s.api).filter((a) => /OffsetCommit|JoinGroup/.test(a))
    expect(order.slice(-2)).toEqual(['OffsetCommit', 'JoinGroup'])
  })

  it('can be asked for', async () => {
    member.start()
    await joined()
    member.rejoin()
    expect(member.rebalancing).toBe(true)
    await settle('it joined again', () => generation === 2 && !member.rebalancing)
  })

  it('does not send heartbeats behind a held JoinGroup', async () => {
    member.start()
    await joined()
    let release = (): void => {}
    broker.once(joinGroup, async () => {
      await new Promise<void>((resolve) => (release = resolve))
      return { errorCode: 27 }
    })
    broker.once(heartbeat, () => ({ errorCode: 27 }))
    await settle('it is held', () => broker.requests(joinGroup).length === 3)
    const beats = broker.requests(heartbeat).length
    scene.clock.advance(20_000)
    await quiet()
    expect(broker.requests(heartbeat)).toHaveLength(beats)
    release()
    await joined()
  })

  it('says that the member lives while its assignor works', async () => {
    let release = (): void => {}
    const slow = make({
      assignor: {
        name: 'millrace',
        userData: () => new Uint8Array(),
        assign: async (members) => {
          await new Promise<void>((resolve) => (release = resolve))
          return new Map(
            members.map((m) => [m.memberId, { partitions: [], userData: Buffer.alloc(0) }]),
          )
        },
      },
    })
    member = slow
    slow.start()
    await settle('heartbeats', () => broker.requests(heartbeat).length >= 2)
    expect(broker.requests(syncGroup)).toHaveLength(0)
    release()
    await joined()
  })
})

describe('heartbeats', () => {
  it('go on after every error that is not the end', async () => {
    member.start()
    await joined()
    broker.once(heartbeat, () => ({ errorCode: 16 }))
    broker.once(heartbeat, () => ({ errorCode: 15 }))
    broker.once(heartbeat, () => 'close')
    broker.once(heartbeat, () => 'silence')
    await settle('they go on', () => broker.requests(heartbeat).length >= 7)
    expect(events).toEqual(['assigned in-0 in-1 new in-0 in-1'])
    expect(member.metadata()?.generationId).toBe(1)
  })

  it.each([22, 25])(
    'that say %s end the membership: nothing can be committed, it joins anew',
    async (errorCode) => {
      member.start()
      await joined()
      events = []
      broker.once(heartbeat, () => ({ errorCode }))
      await settle('it is lost', () => events.length > 0)
      expect(events[0]).toBe('lost in-0 in-1')
      await joined()
      expect(events).toEqual(['lost in-0 in-1', 'assigned in-0 in-1 new in-0 in-1'])
      const rejoined = broker.requests(joinGroup).at(errorCode === 25 ? -2 : -1)
      expect(rejoined?.memberId).toBe(errorCode === 25 ? '' : 'm-1')
    },
  )

  it('that say another process has the instance id end it for good', async () => {
    member = make({ instanceId: 'i' })
    member.start()
    await joined()
    broker.once(heartbeat, () => ({ errorCode: 82 }))
    await settle('the error', () => errors.length > 0)
    expect(events.at(-1)).toBe('lost in-0 in-1')
    expect(errors[0]).toMatchObject({ kind: 'fenced', errorCode: 82 })
    const joins = broker.requests(joinGroup).length
    scene.clock.advance(60_000)
    await quiet()
    expect(broker.requests(joinGroup)).toHaveLength(joins)
  })
})

describe('commits', () => {
  const codes = (...errorCodes: number[]) => ({
    topics: [
      {
        name: 'in',
        partitions: errorCodes.map((errorCode, partitionIndex) => ({ partitionIndex, errorCode })),
      },
    ],
  })

  it('are repeated while the group rebalances and for coordinators that moved', async () => {
    member.start()
    await joined()
    for (const code of [27, 16, 14]) broker.once(offsetCommit, () => codes(code))
    broker.once(offsetCommit, () => 'close')
    await wait(member.commit([offset(0)]))
    expect(broker.requests(offsetCommit)).toHaveLength(5)
    expect(broker.requests(findCoordinator).length).toBeGreaterThanOrEqual(3)
  })

  it('are repeated only for the partitions that were not taken', async () => {
    member.start()
    await joined()
    broker.once(offsetCommit, () => codes(0, 27))
    await wait(member.commit([offset(0), offset(1)]))
    expect(
      broker
        .requests(offsetCommit)
        .map((r) => r.topics[0]?.partitions.map((p) => p.partitionIndex)),
    ).toEqual([[0, 1], [1]])
  })

  it('of a generation that is over are fenced, and end the membership', async () => {
    member.start()
    await joined()
    broker.once(offsetCommit, () => codes(22))
    await expect(wait(member.commit([offset(0)]))).rejects.toMatchObject({
      kind: 'fenced',
      errorCode: 22,
    })
    await settle('it is told', () => events.includes('lost in-0 in-1'))
  })

  it('that a rebalance outran are repeated under the new generation', async () => {
    member.start()
    await joined()
    let release = (): void => {}
    broker.once(joinGroup, async ({ protocols }) => {
      await new Promise<void>((resolve) => (release = resolve))
      return {
        errorCode: 0,
        generationId: ++generation,
        protocolName: 'millrace',
        leader: 'm-1',
        memberId: 'm-1',
        members: [
          { memberId: 'm-1', groupInstanceId: null, metadata: protocols[0]?.metadata as Buffer },
        ],
      }
    })
    member.rejoin()
    await settle('it is held', () => broker.requests(joinGroup).length === 3)
    broker.once(offsetCommit, () => codes(22))
    const committed = member.commit([offset(0)])
    await until('the first try', () => broker.requests(offsetCommit).length === 1)
    release()
    await wait(committed)
    expect(broker.requests(offsetCommit).map((r) => r.generationIdOrMemberEpoch)).toEqual(
      expect.arrayContaining([1, 2]),
    )
    expect(events).not.toContain('lost in-0 in-1')
  })

  it('of partitions that went away in between are fenced', async () => {
    member.start()
    await joined()
    let release = (): void => {}
    broker.once(offsetCommit, async () => {
      await new Promise<void>((resolve) => (release = resolve))
      return codes(27)
    })
    const committed = member.commit([offset(0)])
    const refused = expect(committed).rejects.toMatchObject({ kind: 'fenced' })
    await until('the first try', () => broker.requests(offsetCommit).length === 1)
    await rebalance([1])
    release()
    await wait(refused)
  })

  it('begun before the membership was lost do not go through under the next one', async () => {
    member.start()
    await joined()
    let release = (): void => {}
    broker.once(offsetCommit, async () => {
      await new Promise<void>((resolve) => (release = resolve))
      return codes(14)
    })
    const refused = expect(member.commit([offset(0)])).rejects.toMatchObject({ kind: 'fenced' })
    await until('the first try', () => broker.requests(offsetCommit).length === 1)
    broker.once(heartbeat, () => ({ errorCode: 25 }))
    await settle('it is lost', () => events.includes('lost in-0 in-1'))
    await joined()
    release()
    await wait(refused)
    expect(broker.requests(offsetCommit)).toHaveLength(1)
  })

  it('of who is no member are fenced without asking', async () => {
    await expect(member.commit([offset(0)])).rejects.toMatchObject({ kind: 'fenced' })
    expect(broker.requests(offsetCommit)).toHaveLength(0)
  })
})

describe('committed offsets', () => {
  it('are read as stable: an open transaction is waited for', async () => {
    const found = (errorCode: number, committedOffset: number) => ({
      topics: [
        {
          name: 'in',
          partitions: [
            { partitionIndex: 0, committedOffset, metadata: 'm', errorCode },
            { partitionIndex: 1, committedOffset: -1, metadata: null, errorCode: 0 },
          ],
        },
      ],
    })
    for (let n = 0; n < 20; n++) broker.once(offsetFetch, () => found(88, -1))
    broker.on(offsetFetch, () => found(0, 9))
    expect(await wait(member.committed(at(0, 1)))).toEqual(
      new Map([['in-0', { offset: 9, metadata: 'm' }]]),
    )
    expect(broker.requests(offsetFetch)).toHaveLength(21)
    expect(broker.requests(offsetFetch)[0]?.requireStable).toBe(true)
  })
})

describe('closing', () => {
  it('takes a dynamic member out of the group', async () => {
    member.start()
    await joined()
    await wait(member.close())
    expect(broker.requests(leaveGroup)).toMatchObject([{ members: [{ memberId: 'm-1' }] }])
    expect(member.metadata()).toBeUndefined()
  })

  it('leaves while a JoinGroup is held', async () => {
    member.start()
    await joined()
    broker.once(joinGroup, () => 'silence')
    member.rejoin()
    await settle('it is held', () => broker.requests(joinGroup).length === 3)
    await wait(member.close())
    expect(broker.requests(leaveGroup)).toHaveLength(1)
  })

  it('says nothing for a static member, which is expected back', async () => {
    member = make({ instanceId: 'i' })
    member.start()
    await joined()
    expect(broker.requests(joinGroup)[0]).toMatchObject({ groupInstanceId: 'i' })
    await wait(member.close())
    expect(broker.requests(leaveGroup)).toHaveLength(0)
  })

  it('does not take long when the coordinator is away', async () => {
    member.start()
    await joined()
    broker.on(leaveGroup, () => 'silence')
    const began = scene.clock.nowMs()
    await wait(member.close())
    expect(scene.clock.nowMs() - began).toBeLessThan(8000)
  })
})

describe('the assignment', () => {
  it('of a member that was not told anything is empty', async () => {
    broker.on(syncGroup, () => ({ errorCode: 0, assignment: Buffer.alloc(0) }))
    member.start()
    await joined()
    expect(events).toEqual(['assigned  new '])
  })

  it('comes with the leader’s data for this member', async () => {
    let userData: Uint8Array | undefined
    member = make({
      listener: { ...listener, onAssigned: (a) => Promise.resolve(void (userData = a.userData)) },
    })
    broker.on(syncGroup, () => ({
      errorCode: 0,
      assignment: encodeAssignment({ partitions: at(3), userData: Buffer.from('for you') }),
    }))
    member.start()
    await joined()
    expect(Buffer.from(userData ?? []).toString()).toBe('for you')
  })
})
