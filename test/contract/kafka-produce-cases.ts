// Records in and out again, by the producer for at-least-once.
import { expect, it } from 'vitest'
import { RecordBatchBuilder } from '../../src/kafka/record-batch.js'
import { batchOf, type Fixture } from './kafka-fixture.js'

export function produceCases(fixture: () => Fixture): void {
  it('keeps keys, values, nulls, headers and timestamps', async () => {
    const f = fixture()
    const partition = { topic: await f.topic('in'), partition: 0 }
    const producer = f.client.producer()
    const builder = new RecordBatchBuilder()
    builder.append(5000, Buffer.from('k'), Buffer.from('v'), [
      ['a', Buffer.from('1')],
      ['a', null],
    ])
    builder.append(4000, null, Buffer.from(''))
    builder.append(6000, Buffer.from(''), null)
    producer.send(partition, builder)
    await producer.flush()
    const rows = await f.readAll(partition, 'read_uncommitted', 3)
    expect(rows.map(({ key, value, timestampMs }) => [key, value, timestampMs])).toEqual([
      ['k', 'v', 5000],
      [null, '', 4000],
      ['', null, 6000],
    ])
    expect(rows[0]!.headers.map(([name, value]) => [name, value && String(value)])).toEqual([
      ['a', '1'],
      ['a', null],
    ])
  })

  it('keeps the order of many batches and tells the offset of each', async () => {
    const f = fixture()
    const topic = await f.topic('in', 2)
    const producer = f.client.producer()
    const offsets: number[][] = [[], []]
    for (let n = 0; n < 100; n++)
      f.send(producer, { topic, partition: n % 2 }, [`${n}a`, `${n}b`], (offset) =>
        offsets[n % 2]!.push(offset),
      )
    await producer.flush()
    expect(producer.pendingBytes).toBe(0)
    for (const partition of [0, 1]) {
      expect(offsets[partition]).toEqual(Array.from({ length: 50 }, (_, n) => 2 * n))
      const rows = await f.readAll({ topic, partition }, 'read_committed', 100)
      expect(rows.map((r) => r.value)).toEqual(
        Array.from({ length: 50 }, (_, n) => [
          `${2 * n + partition}a`,
          `${2 * n + partition}b`,
        ]).flat(),
      )
      expect(rows.map((r) => r.offset)).toEqual(Array.from({ length: 100 }, (_, n) => n))
    }
  })

  it('acknowledges after send has returned, and counts what is on its way', async () => {
    const f = fixture()
    const partition = { topic: await f.topic('in'), partition: 0 }
    const producer = f.client.producer()
    let acknowledged = false
    const batch = batchOf(['x'])
    const bytes = batch.byteLength
    producer.send(partition, batch, () => (acknowledged = true))
    expect(acknowledged).toBe(false)
    expect(producer.pendingBytes).toBe(bytes)
    await producer.drained(0)
    expect(acknowledged).toBe(true)
  })

  it('writes gzip that is read again', async () => {
    const f = fixture()
    const partition = { topic: await f.topic('in'), partition: 0 }
    const producer = f.client.producer({ compression: 'gzip' })
    const values = Array.from({ length: 500 }, (_, n) => `value ${n}`)
    f.send(producer, partition, values)
    await producer.flush()
    const rows = await f.readAll(partition, 'read_committed', 500)
    expect(rows.map((r) => r.value)).toEqual(values)
  })

  it('refuses a batch that is larger than the topic takes, and goes on', async () => {
    const f = fixture()
    const partition = {
      topic: await f.topic('in', 1, { 'max.message.bytes': '2000' }),
      partition: 0,
    }
    const producer = f.client.producer()
    f.send(producer, partition, ['x'.repeat(3000)])
    await expect(producer.flush()).rejects.toMatchObject({ kind: 'tooLarge' })
    f.send(producer, partition, ['small'])
    await producer.flush()
    expect(await f.readAll(partition, 'read_committed', 1)).toMatchObject([{ value: 'small' }])
  })

  it('tells the number of partitions, and which topic does not exist', async () => {
    const f = fixture()
    const producer = f.client.producer()
    expect(await producer.partitionCount(await f.topic('in', 3))).toBe(3)
    await expect(producer.partitionCount(f.name('nowhere'))).rejects.toMatchObject({
      kind: 'unknownTopic',
    })
  })
}
