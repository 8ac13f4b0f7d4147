// Who runs which task: evenly, where it was or where its state lies, and one owner at a time.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { partitionKey, type Subscription, type TopicPartition } from '../../src/kafka/client.js'
import {
  PartitionAssignor,
  assignTasks,
  encodeMemberData,
  isIncomplete,
  type PlannedTask,
} from '../../src/runtime/partition-assignor.js'
import { TopicNames } from '../../src/runtime/task-environment.js'
import { string } from '../../src/serde/serdes.js'
import { taskIdText } from '../../src/topology/task-id.js'
import { Topology } from '../../src/topology/topology.js'

const task = (partition: number, stateful: boolean): PlannedTask => ({
  id: { subtopology: stateful ? 0 : 1, partition },
  stateful,
  partitions: [{ topic: stateful ? 'state' : 'plain', partition }],
})

const member = (
  memberId: string,
  ownedPartitions: readonly TopicPartition[] = [],
  stored: readonly string[] = [],
): Subscription => ({
  memberId,
  instanceId: undefined,
  topics: [],
  ownedPartitions,
  userData: encodeMemberData({ processId: memberId, stored }),
})

const texts = (tasks: readonly PlannedTask[] | undefined): string[] =>
  (tasks ?? []).map((t) => taskIdText(t.id))

describe('assignTasks', () => {
  it('spreads any tasks evenly, stateful ones by themselves, each to one member', () => {
    fc.assert(
      fc.property(
        fc.nat(12),
        fc.nat(12),
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.nat(4), { minLength: 24, maxLength: 24 }),
        (statefulCount, plainCount, memberCount, owners) => {
          const tasks = [
            ...Array.from({ length: statefulCount }, (_, n) => task(n, true)),
            ...Array.from({ length: plainCount }, (_, n) => task(n, false)),
          ]
          const members = Array.from({ length: memberCount }, (_, m) =>
            member(
              `m${m}`,
              tasks.filter((_t, n) => owners[n] === m).flatMap((t) => t.partitions),
            ),
          )
          const lists = [...assignTasks(tasks, members).values()]
          expect(lists.flat().length).toBe(tasks.length)
          expect(new Set(texts(lists.flat())).size).toBe(tasks.length)
          const spread = (counts: number[]): number => Math.max(...counts) - Math.min(...counts)
          expect(spread(lists.map((l) => l.length))).toBeLessThanOrEqual(1)
          expect(spread(lists.map((l) => l.filter((t) => t.stateful).length))).toBeLessThanOrEqual(
            1,
          )
        },
      ),
    )
  })

  it('leaves tasks where they are when the load is even', () => {
    const tasks = [0, 1, 2, 3].map((n) => task(n, true))
    const members = [
      member(
        'a',
        [tasks[3]!, tasks[0]!].flatMap((t) => t.partitions),
      ),
      member(
        'b',
        [tasks[1]!, tasks[2]!].flatMap((t) => t.partitions),
      ),
    ]
    const assigned = assignTasks(tasks, members)
    expect(texts(assigned.get('a'))).toEqual(['0_0', '0_3'])
    expect(texts(assigned.get('b'))).toEqual(['0_1', '0_2'])
  })

  it('gives a task without owner to the member that has its state', () => {
    const tasks = [0, 1].map((n) => task(n, true))
    const assigned = assignTasks(tasks, [member('a', [], ['0_1']), member('b', [], ['0_0'])])
    expect(texts(assigned.get('a'))).toEqual(['0_1'])
    expect(texts(assigned.get('b'))).toEqual(['0_0'])
  })
})

describe('PartitionAssignor', () => {
  const topology = new Topology()
    .addSource('in', 'in', { key: string(), value: string() })
    .addSink('out', 'out', { parents: ['in'], key: string(), value: string() })
    .freeze()
  const assignor = new PartitionAssignor({
    topology,
    names: new TopicNames('app', topology),
    memberData: () => ({ processId: 'p', stored: [] }),
    prepare: async () => new Map([['in', 2]]),
  })
  const both = [0, 1].map((partition) => ({ topic: 'in', partition }))

  it('withholds what another member still owns, and says that a rebalance must follow', async () => {
    const first = await assignor.assign([member('a', both), member('b')])
    expect(first.get('a')!.partitions).toHaveLength(1)
    expect(first.get('b')!.partitions).toHaveLength(0)
    expect(isIncomplete(first.get('a')!)).toBe(true)
    const kept = first.get('a')!.partitions
    const second = await assignor.assign([member('a', kept), member('b')])
    expect(second.get('a')!.partitions.map(partitionKey)).toEqual(kept.map(partitionKey))
    expect(second.get('b')!.partitions).toHaveLength(1)
    expect(isIncomplete(second.get('b')!)).toBe(false)
  })

  it('opens its data with a version byte and lives with data of others', async () => {
    expect(assignor.userData()[0]).toBe(1)
    const stranger = { ...member('x'), userData: Buffer.from([7, 1, 2]) }
    expect((await assignor.assign([stranger])).get('x')!.partitions).toHaveLength(2)
  })
})
