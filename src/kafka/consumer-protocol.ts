// What members of an ordinary consumer group put into the opaque fields of JoinGroup and SyncGroup,
// so that the usual tools can read it.
//
//   subscription:  version int16 · topics · user data bytes · owned partitions (from 1)
//                  · generation int32 (from 2) · rack string (from 3)
//   assignment:    version int16 · partitions by topic · user data bytes
import type { Assignment, Subscription, TopicPartition } from './client.js'
import { Reader } from './protocol/reader.js'
import {
  int32,
  list,
  listOf,
  nullableBytes,
  readShape,
  string,
  writeShape,
  type Shape,
} from './protocol/schema.js'
import { Writer } from './protocol/writer.js'

const partitionsByTopic = { topic: string(), partitions: listOf(int32()) }

const subscriptionShape = {
  topics: listOf(string()),
  userData: nullableBytes(),
  ownedPartitions: list(partitionsByTopic, { from: 1 }),
  generationId: int32({ from: 2, or: -1 }),
}
const assignmentShape = {
  assignedPartitions: list(partitionsByTopic),
  userData: nullableBytes(),
}

const noData = new Uint8Array(0)

const subscriptionVersion = 2
const assignmentVersion = 1

/** A subscription and the generation in which its owned partitions were assigned. */
export interface MemberSubscription extends Subscription {
  readonly generationId: number
}

export const encodeSubscription = (subscription: {
  readonly topics: readonly string[]
  readonly ownedPartitions: readonly TopicPartition[]
  readonly userData: Uint8Array
  readonly generationId: number
}): Uint8Array =>
  encode(subscriptionVersion, subscriptionShape, {
    ...subscription,
    topics: [...subscription.topics].sort(),
    ownedPartitions: grouped(subscription.ownedPartitions),
  })

/** Reads what any version of the protocol wrote; later fields are passed over. */
export function decodeSubscription(
  memberId: string,
  instanceId: string | undefined,
  data: Uint8Array,
): MemberSubscription {
  const { topics, userData, ownedPartitions, generationId } = decode(
    data,
    subscriptionVersion,
    subscriptionShape,
  )
  return {
    memberId,
    instanceId,
    topics,
    userData: userData ?? noData,
    ownedPartitions: flat(ownedPartitions),
    generationId,
  }
}

export const encodeAssignment = (assignment: Assignment): Uint8Array =>
  encode(assignmentVersion, assignmentShape, {
    assignedPartitions: grouped(assignment.partitions),
    userData: assignment.userData,
  })

export function decodeAssignment(data: Uint8Array): Assignment {
  if (data.length === 0) return { partitions: [], userData: noData }
  const { assignedPartitions, userData } = decode(data, assignmentVersion, assignmentShape)
  return { partitions: flat(assignedPartitions), userData: userData ?? noData }
}

/**
 * Where two members say that they own a partition, only the later generation is believed: a member
 * that slept through a rebalance does not know that it lost some.
 */
export function withoutStaleClaims(members: readonly MemberSubscription[]): Subscription[] {
  const latest = new Map<string, number>()
  const key = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`
  for (const { ownedPartitions, generationId } of members)
    for (const p of ownedPartitions)
      latest.set(key(p), Math.max(latest.get(key(p)) ?? -1, generationId))
  return members.map(({ generationId, ...member }) => ({
    ...member,
    ownedPartitions: member.ownedPartitions.filter((p) => latest.get(key(p)) === generationId),
  }))
}

const encode = <S extends Shape>(
  version: number,
  shape: S,
  body: Parameters<typeof writeShape<S>>[2],
): Uint8Array => {
  const writer = new Writer(version, false)
  writer.int16(version)
  writeShape(writer, shape, body)
  return Buffer.concat(writer.chunks())
}

const decode = <S extends Shape>(data: Uint8Array, maxVersion: number, shape: S) => {
  const buffer = Buffer.from(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)
  const version = new Reader(buffer, 0, false).int16()
  return readShape(new Reader(buffer, Math.min(version, maxVersion), false, 2), shape)
}

const grouped = (
  partitions: readonly TopicPartition[],
): { topic: string; partitions: number[] }[] => {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const same = topics.get(topic)
    if (same) same.push(partition)
    else topics.set(topic, [partition])
  }
  return Array.from(topics, ([topic, numbers]) => ({ topic, partitions: numbers }))
}

const flat = (
  topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
): TopicPartition[] =>
  topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
