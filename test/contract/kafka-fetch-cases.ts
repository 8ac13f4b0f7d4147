// What a fetcher delivers, and what it must not.
import { expect, it } from 'vitest'
import { OffsetOutOfRangeError } from '../../src/kafka/client.js'
import type { Fixture } from './kafka-fixture.js'

export function fetchCases(fixture: () => Fixture): void {
  const filled = async (
    f: Fixture,
    count: number,
  ): Promise<{ topic: string; partition: number }> => {
    const partition = { topic: await f.topic('in'), partition: 0 }
    const producer = f.client.producer()
    for (let n = 0; n < count; n += 5)
      f.send(
        producer,
        partition,
        Array.from({ length: 5 }, (_, i) => `${n + i}`),
      )
    await producer.flush()
    return partition
  }

  it('starts in the middle of a batch', async () => {
    const f = fixture()
    const partition = await filled(f, 20)
    const rows = await f.readAll(partition, 'read_committed', 20, 7)
    expect(rows.map((r) => r.offset)).toEqual([7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
  })

  it('tells position and end', async () => {
    const f = fixture()
    const partition = await filled(f, 20)
    const fetcher = f.client.fetcher({ isolation: 'read_committed', maxWaitMs: 50 })
    expect(fetcher.position(partition)).toBeUndefined()
    fetcher.add(partition, 3)
    expect(fetcher.position(partition)).toBe(3)
    await f.read(fetcher, partition, 20)
    expect(fetcher.position(partition)).toBe(20)
    expect(fetcher.endOffset(partition)).toBe(20)
    await fetcher.close()
  })

  it('delivers nothing of a partition that was removed, and after a seek only from there on', async () => {
    const f = fixture()
    const partition = await filled(f, 20)
    const fetcher = f.client.fetcher({ isolation: 'read_committed', maxWaitMs: 50 })
    fetcher.add(partition, 0)
    await f.during(fetcher.wait(5_000)) // an answer is there, or on its way
    fetcher.remove(partition)
    for (let n = 0; n < 10; n++) {
      expect(fetcher.poll()).toBeUndefined()
      await f.pass(10)
    }
    fetcher.add(partition, 0)
    await f.during(fetcher.wait(5_000))
    fetcher.add(partition, 15)
    expect(fetcher.position(partition)).toBe(15)
    const rows = await f.read(fetcher, partition, 20)
    expect(rows.map((r) => r.offset)).toEqual([15, 16, 17, 18, 19])
    await fetcher.close()
  })

  it('stands still while paused and goes on where it was', async () => {
    const f = fixture()
    const partition = await filled(f, 20)
    const other = { topic: await f.topic('other'), partition: 0 }
    const fetcher = f.client.fetcher({ isolation: 'read_committed', maxWaitMs: 50 })
    fetcher.add(partition, 0)
    fetcher.pause(partition)
    fetcher.add(other, 0)
    for (let n = 0; n < 10; n++) {
      expect(fetcher.poll()).toBeUndefined()
      await f.pass(10)
    }
    fetcher.resume(partition)
    const rows = await f.read(fetcher, partition, 20)
    expect(rows.map((r) => r.offset)).toEqual(Array.from({ length: 20 }, (_, n) => n))
    await fetcher.close()
  })

  it('reads on when more is written', async () => {
    const f = fixture()
    const partition = await filled(f, 5)
    const fetcher = f.client.fetcher({ isolation: 'read_committed', maxWaitMs: 50 })
    fetcher.add(partition, 0)
    await f.read(fetcher, partition, 5)
    const waiting = fetcher.wait(10_000)
    const producer = f.client.producer()
    f.send(producer, partition, ['late'])
    await f.during(waiting)
    expect(await f.read(fetcher, partition, 6)).toMatchObject([{ value: 'late', offset: 5 }])
    await fetcher.close()
  })

  it('stops waiting when woken or out of time', async () => {
    const f = fixture()
    const partition = await filled(f, 5)
    const fetcher = f.client.fetcher({ isolation: 'read_committed', maxWaitMs: 50 })
    fetcher.add(partition, 5)
    const waiting = fetcher.wait(3_600_000)
    fetcher.wake()
    await f.during(waiting)
    await f.during(fetcher.wait(20))
    await fetcher.close()
  })

  it('throws once for a position outside the log, and stands still until added anew', async () => {
    const f = fixture()
    const partition = await filled(f, 20)
    await f.client.admin.deleteRecords([{ ...partition, offset: 10 }])
    for (const offset of [4, 21]) {
      const fetcher = f.client.fetcher({ isolation: 'read_committed', maxWaitMs: 50 })
      fetcher.add(partition, offset)
      let thrown: unknown
      await f.until('out of range', () => {
        try {
          fetcher.poll()
        } catch (error) {
          thrown = error
        }
        return thrown !== undefined
      })
      expect(thrown).toBeInstanceOf(OffsetOutOfRangeError)
      expect(thrown).toMatchObject({ partition, offset })
      for (let n = 0; n < 10; n++) {
        expect(fetcher.poll()).toBeUndefined()
        await f.pass(10)
      }
      fetcher.add(partition, 12)
      expect((await f.read(fetcher, partition, 20))[0]!.offset).toBe(12)
      await fetcher.close()
    }
  })

  it('gives every partition its turn', async () => {
    const f = fixture()
    const topic = await f.topic('in', 3)
    const producer = f.client.producer()
    for (let n = 0; n < 30; n++) f.send(producer, { topic, partition: n % 3 }, ['x'.repeat(100)])
    await producer.flush()
    const fetcher = f.client.fetcher({
      isolation: 'read_committed',
      maxWaitMs: 50,
      maxPartitionBytes: 200,
    })
    for (const partition of [0, 1, 2]) fetcher.add({ topic, partition }, 0)
    const seen = new Set<number>()
    let polls = 0
    await f.until('all partitions', () => {
      const some = fetcher.poll()
      if (some) {
        polls++
        seen.add(some.partition)
      }
      return seen.size === 3
    })
    expect(polls).toBeLessThan(10)
    await fetcher.close()
  })
}
