// Which record comes next: the lowest timestamp, ties as java.util.PriorityQueue has them.
import { describe, expect, it } from 'vitest'
import type { NodeRunner } from '../../src/runtime/node-runner.js'
import { PartitionGroup } from '../../src/runtime/partition-group.js'
import { RecordQueue } from '../../src/runtime/record-queue.js'
import { recordsOf } from '../../src/runtime/record-source.js'
import { SourceDecoder } from '../../src/runtime/source-decoder.js'
import { string } from '../../src/serde/serdes.js'
import type { SourceNode } from '../../src/topology/topology-node.js'

const source: SourceNode = {
  kind: 'source',
  name: 'source',
  topics: ['a'],
  key: string(),
  value: string(),
  nullKey: 'pass',
  nullValue: 'pass',
  timestamp: undefined,
  offsetReset: undefined,
}

const dropped: string[] = []
const host = {
  taskId: '0_0',
  handlers: { deserialization: () => 'continue' as const },
  drop: (node: string, reason: string) => void dropped.push(`${node}: ${reason}`),
  deadLetter: () => {},
}

const queueOf = (topic: string, node: SourceNode = source): RecordQueue =>
  new RecordQueue(topic, 0, {} as NodeRunner, new SourceDecoder(node, topic, 0, host))

/** Adds values at these times to a queue. */
function add(group: PartitionGroup, queue: RecordQueue, times: readonly number[]): void {
  const base = queue.nextOffset ?? 0
  const records = times.map((timestampMs, n) => ({
    offset: base + n,
    timestampMs,
    key: null,
    value: Buffer.from(`${queue.topic}${base + n + 1}`),
  }))
  group.add(queue, [recordsOf(records)], 10 * times.length, base + times.length)
}

function takeAll(group: PartitionGroup): unknown[] {
  const taken: unknown[] = []
  for (let queue = group.peek(); queue; queue = group.peek()) taken.push(group.take(queue).value)
  return taken
}

describe('PartitionGroup', () => {
  it('takes the record with the lowest timestamp, and never changes the order of a partition', () => {
    const [a, b] = [queueOf('a'), queueOf('b')]
    const group = new PartitionGroup([a, b], 0)
    add(group, a, [5, 1, 9])
    add(group, b, [4, 6])
    expect(takeAll(group)).toEqual(['b1', 'a1', 'a2', 'b2', 'a3'])
    expect(group.streamTimeMs).toBe(9)
    expect([a.partitionTimeMs, b.partitionTimeMs]).toEqual([9, 6])
  })

  it('serves equal timestamps as the binary heap of the reference does', () => {
    const [a, b, c] = [queueOf('a'), queueOf('b'), queueOf('c')]
    const group = new PartitionGroup([a, b, c], 0)
    for (const queue of [a, b, c]) add(group, queue, [7, 7])
    expect(takeAll(group)).toEqual(['a1', 'c1', 'a2', 'c2', 'b1', 'b2'])
  })

  it('commits the offset of the head, else the position behind everything', () => {
    const a = queueOf('a')
    const group = new PartitionGroup([a], 0)
    expect(a.committableOffset).toBeUndefined()
    add(group, a, [1, 2])
    expect(a.committableOffset).toBe(0)
    group.take(a)
    expect(a.committableOffset).toBe(1)
    group.take(a)
    group.add(a, [], 0, 5) // control records only
    expect(a.committableOffset).toBe(5)
  })

  it('passes over records that are refused, and their bytes are released', () => {
    const a = queueOf('a', { ...source, nullValue: 'refuse' })
    const group = new PartitionGroup([a], 0)
    const nulls = [0, 1].map((offset) => ({ offset, timestampMs: 1, key: null, value: null }))
    group.add(a, [recordsOf(nulls)], 100, 2)
    expect(group.peek()).toBeUndefined()
    expect(a.byteLength).toBe(0)
    expect(a.committableOffset).toBe(2)
    expect(dropped).toEqual(['source: deserialization', 'source: deserialization'])
  })

  it('gives an extractor the time of the partition as of the records taken before', () => {
    const seen: number[] = []
    const a = queueOf('a', {
      ...source,
      timestamp: (_value, _key, record, partitionTimeMs) => {
        seen.push(partitionTimeMs)
        return record.timestampMs
      },
    })
    const group = new PartitionGroup([a], 0)
    add(group, a, [5, 3, 8])
    takeAll(group)
    expect(seen).toEqual([-1, 5, 5])
  })

  describe('with an empty partition', () => {
    const pair = (maxTaskIdleMs: number): [PartitionGroup, RecordQueue, RecordQueue] => {
      const [a, b] = [queueOf('a'), queueOf('b')]
      const group = new PartitionGroup([a, b], maxTaskIdleMs)
      add(group, a, [1])
      return [group, a, b]
    }

    it('goes on at once when it must not wait', () => {
      expect(pair(-1)[0].ready(0, () => undefined)).toBe(true)
    })

    it('waits until the partition is known to be read to its end', () => {
      const [group] = pair(0)
      expect(group.ready(0, () => undefined)).toBe(false)
      expect(group.ready(0, () => 3)).toBe(false)
      expect(group.ready(0, () => 0)).toBe(true)
      expect(group.enforcedProcessing).toBe(1)
    })

    it('waits for maxTaskIdleMs since it was found empty, anew when it lags again', () => {
      const [group] = pair(10)
      expect(group.ready(100, () => 0)).toBe(false)
      expect(group.ready(109, () => 0)).toBe(false)
      expect(group.ready(110, () => 0)).toBe(true)
      expect(group.ready(111, () => 2)).toBe(false)
      expect(group.ready(112, () => 0)).toBe(false)
      expect(group.ready(122, () => 0)).toBe(true)
    })
  })
})
