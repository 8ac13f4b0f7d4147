// Topics, their identity, offsets by time, deletion of records.
import { expect, it } from 'vitest'
import { batchOf, type Fixture } from './kafka-fixture.js'

export function adminCases(fixture: () => Fixture): void {
  it('creates topics once and describes what exists', async () => {
    const f = fixture()
    const topic = await f.topic('in', 3, { 'cleanup.policy': 'compact' })
    await f.topic('in', 7)
    const found = await f.client.admin.describeTopics([topic, f.name('nowhere')])
    expect([...found.keys()]).toEqual([topic])
    expect(found.get(topic)).toMatchObject({ name: topic, partitions: 3 })
    expect(await f.client.admin.listTopics()).toContain(topic)
    expect((await f.client.admin.topicConfigs(topic))['cleanup.policy']).toBe('compact')
  })

  it('tells a topic that was made anew from the old one', async () => {
    const f = fixture()
    const topic = await f.topic('in')
    const producer = f.client.producer()
    f.send(producer, { topic, partition: 0 }, ['old'])
    await producer.flush()
    const idOf = async (): Promise<string | undefined> =>
      (await f.client.admin.describeTopics([topic])).get(topic)?.topicId
    const before = await idOf()
    expect(await idOf()).toBe(before)
    await f.client.admin.deleteTopics([topic])
    let gone = false
    await f.until('deleted', () => {
      void f.client.admin.describeTopics([topic]).then((found) => (gone = found.size === 0))
      return gone
    })
    await f.topic('in')
    const after = await idOf()
    if (before !== undefined) expect(after).not.toBe(before)
    expect(
      (await f.client.admin.offsets([{ topic, partition: 0 }], 'latest')).get(`${topic}-0`),
    ).toBe(0)
    await producer.close()
  })

  it('finds offsets at both ends and by time', async () => {
    const f = fixture()
    const partition = { topic: await f.topic('in'), partition: 0 }
    const key = `${partition.topic}-0`
    const producer = f.client.producer()
    for (const timestampMs of [1000, 2000, 3000])
      producer.send(partition, batchOf(['a', 'b'], timestampMs))
    await producer.flush()
    const at = async (when: 'earliest' | 'latest' | 'stable' | number): Promise<unknown> =>
      (await f.client.admin.offsets([partition], when)).get(key)
    expect(await at('earliest')).toBe(0)
    expect(await at('latest')).toBe(6)
    expect(await at('stable')).toBe(6)
    expect(await at(0)).toBe(0)
    expect(await at(1500)).toBe(2)
    expect(await at(3000)).toBe(4)
    expect(await at(3001)).toBeUndefined()
  })

  it('deletes records below an offset, within a batch too', async () => {
    const f = fixture()
    const partition = { topic: await f.topic('in'), partition: 0 }
    const producer = f.client.producer()
    f.send(producer, partition, ['0', '1', '2', '3'])
    f.send(producer, partition, ['4', '5'])
    await producer.flush()
    await f.client.admin.deleteRecords([{ ...partition, offset: 3 }])
    const earliest = await f.client.admin.offsets([partition], 'earliest')
    expect(earliest.get(`${partition.topic}-0`)).toBe(3)
    expect((await f.readAll(partition, 'read_committed', 6, 3)).map((r) => r.value)).toEqual([
      '3',
      '4',
      '5',
    ])
    await f.client.admin.deleteRecords([{ ...partition, offset: 6 }])
    f.send(producer, partition, ['6'])
    await producer.flush()
    expect((await f.readAll(partition, 'read_committed', 7, 6)).map((r) => r.value)).toEqual(['6'])
  })

  it('rejects what comes after close', async () => {
    const f = fixture()
    const client = await f.log.another()
    await client.close()
    await expect(client.admin.listTopics()).rejects.toThrow()
  })
}
