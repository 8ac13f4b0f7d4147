// Transactions: what they hide, what they fence, and the order in which a task is taken over.
import { expect, it } from 'vitest'
import type { Client, GroupMetadata, TransactionalProducer } from '../../src/kafka/client.js'
import type { Fixture } from './kafka-fixture.js'

export function transactionCases(fixture: () => Fixture): void {
  const open = async (
    f: Fixture,
    id: string,
    client: Client = f.client,
  ): Promise<TransactionalProducer> => {
    const producer = client.transactionalProducer({
      transactionalId: f.name(id),
      transactionTimeoutMs: 60_000,
    })
    await f.during(producer.init())
    return producer
  }

  /** Who commits offsets without a member of the group: nobody fences it. */
  const anybody = (groupId: string): GroupMetadata => ({
    groupId,
    generationId: -1,
    memberId: '',
    instanceId: undefined,
  })

  it('shows records to read-committed readers when they are committed', async () => {
    const f = fixture()
    const partition = { topic: await f.topic('out'), partition: 0 }
    const producer = await open(f, 'tx')
    producer.begin()
    f.send(producer, partition, ['a', 'b'])
    await f.during(producer.flush())
    expect(await f.readAll(partition, 'read_uncommitted', 2)).toHaveLength(2)
    const fetcher = f.client.fetcher({ isolation: 'read_committed', maxWaitMs: 50 })
    fetcher.add(partition, 0)
    await f.pass(100)
    expect(fetcher.poll()).toBeUndefined()
    await f.during(producer.commit())
    // The marker is a record too, which no reader sees and every position passes.
    const rows = await f.read(fetcher, partition, 3)
    expect(rows.map((r) => r.value)).toEqual(['a', 'b'])
    await fetcher.close()
    await producer.close()
  })

  it('never shows aborted records, and passes over them', async () => {
    const f = fixture()
    const partition = { topic: await f.topic('out'), partition: 0 }
    const producer = await open(f, 'tx')
    for (const [value, end] of [
      ['one', 'commit'],
      ['two', 'abort'],
      ['three', 'commit'],
      ['four', 'abort'],
    ] as const) {
      producer.begin()
      f.send(producer, partition, [value])
      await f.during(producer.flush())
      await f.during(producer[end]())
    }
    const committed = await f.readAll(partition, 'read_committed', 8)
    expect(committed.map((r) => [r.offset, r.value])).toEqual([
      [0, 'one'],
      [4, 'three'],
    ])
    const all = await f.readAll(partition, 'read_uncommitted', 8)
    expect(all.map((r) => r.value)).toEqual(['one', 'two', 'three', 'four'])
    await producer.close()
  })

  it('tells interleaved transactions apart, also for a reader that starts inside them', async () => {
    const f = fixture()
    const partition = { topic: await f.topic('out'), partition: 0 }
    const producers: TransactionalProducer[] = []
    for (const id of ['a', 'b', 'c']) producers.push(await open(f, id))
    const [a, b, c] = producers as [
      TransactionalProducer,
      TransactionalProducer,
      TransactionalProducer,
    ]
    for (const producer of producers) producer.begin()
    for (const [producer, value] of [
      [a, 'a1'],
      [b, 'b1'],
      [c, 'c1'],
      [a, 'a2'],
      [b, 'b2'],
      [c, 'c2'],
    ] as const) {
      f.send(producer, partition, [value])
      await f.during(producer.flush())
    }
    await f.during(b.abort()) // 6
    await f.during(c.commit()) // 7
    await f.during(a.abort()) // 8
    expect((await f.readAll(partition, 'read_committed', 9)).map((r) => r.value)).toEqual([
      'c1',
      'c2',
    ])
    for (const from of [1, 3, 4])
      expect((await f.readAll(partition, 'read_committed', 9, from)).map((r) => r.value)).toEqual(
        from < 3 ? ['c1', 'c2'] : ['c2'],
      )
    for (const producer of producers) await producer.close()
  })

  it('ends transactions over several partitions together, and empty ones without a trace', async () => {
    const f = fixture()
    const topic = await f.topic('out', 3)
    const producer = await open(f, 'tx')
    producer.begin()
    await f.during(producer.commit())
    producer.begin()
    await f.during(producer.abort())
    producer.begin()
    for (const partition of [0, 1, 2]) f.send(producer, { topic, partition }, ['x'])
    await f.during(producer.commit())
    for (const partition of [0, 1, 2])
      expect(await f.readAll({ topic, partition }, 'read_committed', 2)).toHaveLength(1)
    await producer.close()
  })

  it('commits offsets with the records or not at all', async () => {
    const f = fixture()
    const input = { topic: await f.topic('in'), partition: 0 }
    const group = f.name('group')
    const producer = await open(f, 'tx')
    const committed = async (): Promise<unknown> =>
      (await f.client.admin.committed(group, [input])).get(`${input.topic}-0`)
    producer.begin()
    await f.during(producer.sendOffsets([{ ...input, offset: 5, metadata: 'm' }], anybody(group)))
    expect(await committed()).toBeUndefined()
    await f.during(producer.commit())
    await f.during(settled(f, group, input))
    expect(await committed()).toEqual({ offset: 5, metadata: 'm' })
    producer.begin()
    await f.during(producer.sendOffsets([{ ...input, offset: 9, metadata: '' }], anybody(group)))
    await f.during(producer.abort())
    await f.during(settled(f, group, input))
    expect(await committed()).toEqual({ offset: 5, metadata: 'm' })
    await producer.close()
  })

  /** Resolves when no transaction is pending on the offset any more. */
  const settled = async (
    f: Fixture,
    group: string,
    input: { topic: string; partition: number },
  ): Promise<void> => {
    const { member } = f.member(f.client, group, [input.topic])
    await member.committed([input])
    await member.close()
  }

  it('fences the predecessor with the same transactional id and hides what it sent', async () => {
    const f = fixture()
    const partition = { topic: await f.topic('out'), partition: 0 }
    const zombie = await open(f, 'tx')
    zombie.begin()
    f.send(zombie, partition, ['zombie'])
    await f.during(zombie.flush())
    const successor = await open(f, 'tx', await f.log.another())
    const attempt = async (): Promise<void> => {
      f.send(zombie, partition, ['again'])
      await zombie.commit()
    }
    await expect(f.during(attempt())).rejects.toMatchObject({ kind: 'fenced' })
    successor.begin()
    f.send(successor, partition, ['successor'])
    await f.during(successor.commit())
    const rows = await f.readAll(partition, 'read_committed', 4)
    expect(rows.map((r) => r.value)).toEqual(['successor'])
    await zombie.close()
    await successor.close()
  })

  it('fences offsets of a zombie too', async () => {
    const f = fixture()
    const input = { topic: await f.topic('in'), partition: 0 }
    const group = f.name('group')
    const zombie = await open(f, 'tx')
    const successor = await open(f, 'tx', await f.log.another())
    zombie.begin()
    const attempt = async (): Promise<void> => {
      await zombie.sendOffsets([{ ...input, offset: 5, metadata: '' }], anybody(group))
      await zombie.commit()
    }
    await expect(f.during(attempt())).rejects.toMatchObject({ kind: 'fenced' })
    await zombie.close()
    await successor.close()
  })

  // The order on taking a task: init, committed offsets, ends of changelogs, restore.

  it('order: committed offsets asked before init wait for the predecessor, after it they do not', async () => {
    const f = fixture()
    const input = { topic: await f.topic('in'), partition: 0 }
    const group = f.name('group')
    const predecessor = await open(f, 'tx')
    predecessor.begin()
    await f.during(predecessor.sendOffsets([{ ...input, offset: 5, metadata: '' }], anybody(group)))
    const { member } = f.member(f.client, group, [input.topic])
    let answered = false
    const asked = member.committed([input]).then((offsets) => {
      answered = true
      return offsets
    })
    for (let n = 0; n < 10; n++) await f.pass(20)
    expect(answered).toBe(false)
    const successor = await open(f, 'tx', await f.log.another())
    expect((await f.during(asked)).size).toBe(0)
    await member.close()
    await successor.close()
    await predecessor.close()
  })

  it('order: a restore begun before init stops below the open transaction', async () => {
    const f = fixture()
    const changelog = { topic: await f.topic('changelog'), partition: 0 }
    const predecessor = await open(f, 'tx')
    predecessor.begin()
    f.send(predecessor, changelog, ['kept'])
    await f.during(predecessor.commit())
    predecessor.begin()
    f.send(predecessor, changelog, ['lost'])
    await f.during(predecessor.flush())
    const ends = await f.client.admin.offsets([changelog], 'latest')
    expect(ends.get(`${changelog.topic}-0`)).toBe(3)
    const restore = f.client.fetcher({ isolation: 'read_committed', maxWaitMs: 50 })
    restore.add(changelog, 0)
    const before = await f.read(restore, changelog, 2)
    for (let n = 0; n < 5; n++) {
      await f.pass(20)
      expect(restore.poll()).toBeUndefined()
    }
    expect(restore.position(changelog)).toBe(2)
    const successor = await open(f, 'tx', await f.log.another())
    const after = await f.read(restore, changelog, 3)
    expect([...before, ...after].map((r) => r.value)).toEqual(['kept'])
    await restore.close()
    await successor.close()
    await predecessor.close()
  })

  it('order: the last stable offset may miss what a transaction holds, the high watermark does not', async () => {
    const f = fixture()
    const changelog = { topic: await f.topic('changelog'), partition: 0 }
    const key = `${changelog.topic}-0`
    const producer = await open(f, 'tx')
    producer.begin()
    f.send(producer, changelog, ['row'])
    await f.during(producer.flush())
    const latest = await f.client.admin.offsets([changelog], 'latest')
    const stable = await f.client.admin.offsets([changelog], 'stable')
    expect([latest.get(key), stable.get(key)]).toEqual([1, 0])
    await f.during(producer.commit())
    // The high watermark of before is still reached by a read-committed reader.
    const rows = await f.readAll(changelog, 'read_committed', latest.get(key)!)
    expect(rows.map((r) => r.value)).toEqual(['row'])
    await producer.close()
  })

  it('order: ends asked before the committed offsets are stable may miss a commit on its way', async () => {
    const f = fixture()
    const input = { topic: await f.topic('in'), partition: 0 }
    const changelog = { topic: await f.topic('changelog'), partition: 0 }
    const group = f.name('group')
    const producer = await open(f, 'tx')
    const early = await f.client.admin.offsets([changelog], 'latest')
    producer.begin()
    f.send(producer, changelog, ['row'])
    await f.during(producer.sendOffsets([{ ...input, offset: 1, metadata: '' }], anybody(group)))
    const { member } = f.member(f.client, group, [input.topic])
    const asked = member.committed([input])
    await f.during(producer.commit())
    expect((await f.during(asked)).get(`${input.topic}-0`)?.offset).toBe(1)
    const late = await f.client.admin.offsets([changelog], 'latest')
    const key = `${changelog.topic}-0`
    expect(early.get(key)).toBe(0)
    expect(late.get(key)).toBeGreaterThanOrEqual(1)
    await member.close()
    await producer.close()
  })
}
