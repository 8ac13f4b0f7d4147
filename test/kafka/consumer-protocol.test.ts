// The bytes that the usual tools read, and which claims to a partition the leader believes.
import { expect, it } from 'vitest'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  withoutStaleClaims,
} from '../../src/kafka/consumer-protocol.js'

const p = (topic: string, ...partitions: number[]) =>
  partitions.map((partition) => ({ topic, partition }))

it('writes a subscription of version 2 as Java does', () => {
  const bytes = encodeSubscription({
    topics: ['b', 'a'],
    ownedPartitions: p('a', 7),
    userData: new Uint8Array([9]),
    generationId: 5,
  })
  expect(Buffer.from(bytes).toString('hex')).toBe(
    [
      '0002', // version
      '00000002' + '000161' + '000162', // topics, sorted
      '00000001' + '09', // user data
      '00000001' + '000161' + '00000001' + '00000007', // owned partitions
      '00000005', // generation
    ].join(''),
  )
})

it('reads subscriptions of older and later versions', () => {
  const old = Buffer.from('0000' + '00000001' + '000161' + 'ffffffff', 'hex')
  expect(decodeSubscription('m', 'i', old)).toEqual({
    memberId: 'm',
    instanceId: 'i',
    topics: ['a'],
    userData: new Uint8Array(0),
    ownedPartitions: [],
    generationId: -1,
  })
  const later = Buffer.from(
    '0003' + '00000001' + '000161' + 'ffffffff' + '00000000' + '00000004' + '00047261636b' + 'ffff',
    'hex',
  )
  expect(decodeSubscription('m', undefined, later)).toMatchObject({ generationId: 4 })
})

it('reads the assignments it writes', () => {
  const assignment = { partitions: [...p('a', 1, 2), ...p('b', 0)], userData: Buffer.from([1, 2]) }
  expect(decodeAssignment(encodeAssignment(assignment))).toEqual(assignment)
  expect(decodeAssignment(new Uint8Array(0)).partitions).toEqual([])
})

it('believes only the latest generation where two members claim a partition', () => {
  const member = (memberId: string, generationId: number, ...owned: number[]) => ({
    memberId,
    instanceId: undefined,
    topics: ['a'],
    userData: new Uint8Array(0),
    ownedPartitions: p('a', ...owned),
    generationId,
  })
  const believed = withoutStaleClaims([member('slept', 3, 0, 1), member('current', 5, 1, 2)])
  expect(believed.map((m) => m.ownedPartitions.map((o) => o.partition))).toEqual([[0], [1, 2]])
})
