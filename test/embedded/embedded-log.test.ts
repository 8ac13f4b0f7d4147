// What the contract does not cover: time-outs on the virtual clock, processes that are killed, disks
// that forget or refuse, sharing, and locks.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { systemClock, VirtualClock } from '../../src/clock.js'
import type { EmbeddedClient } from '../../src/embedded/embedded-client.js'
import { embedded, EmbeddedTransport } from '../../src/embedded/embedded.js'
import { clientOf, openClient } from '../../src/kafka/transport.js'
import { silentLogger } from '../../src/logger.js'
import type { ByteRange, Database, Entry, WriteBatch } from '../../src/state/bytes-store.js'
import { MemoryDatabase } from '../../src/state/memory-database.js'
import { batchOf, Fixture } from '../contract/kafka-fixture.js'

const logger = silentLogger
const folders: string[] = []
const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'embedded-'))
  folders.push(path)
  return path
}
afterAll(() => folders.forEach((path) => rmSync(path, { recursive: true, force: true })))

const fixtureOf = (client: EmbeddedClient, clock: VirtualClock): Fixture =>
  new Fixture(
    { client, clock, another: () => Promise.reject(new Error()), close: async () => {} },
    'x',
  )

const values = async (client: EmbeddedClient, topic: string): Promise<(string | undefined)[]> => {
  const fetcher = client.fetcher({ isolation: 'read_committed' })
  fetcher.add({ topic, partition: 0 }, 0)
  const found: (string | undefined)[] = []
  for (let some = fetcher.poll(); some; some = fetcher.poll())
    for (const reader of some.batches) while (reader.next()) found.push(reader.value()?.toString())
  await fetcher.close()
  return found
}

const newTopic = (name: string) => ({ name, partitions: 1, replicationFactor: -1, configs: {} })

const openOn = (database: Database): Promise<EmbeddedClient> =>
  new EmbeddedTransport({ openDatabase: async () => database })[openClient]({
    clock: new VirtualClock(0),
    logger,
  })

/** A database whose last writes are lost when the power goes, as far as nothing synced them. */
class ForgetfulDatabase implements Database {
  synced = new MemoryDatabase()
  full = false
  writes = 0

  get(key: Uint8Array): Uint8Array | undefined {
    return this.synced.get(key)
  }
  scan(range: ByteRange): AsyncIterable<Entry> {
    return this.synced.scan(range)
  }
  approximateSize(): number {
    return this.synced.approximateSize()
  }
  batch(): WriteBatch {
    return this.synced.batch()
  }
  async write(batch: WriteBatch, options?: { readonly sync?: boolean }): Promise<void> {
    expect(options?.sync).toBe(true)
    await new Promise((resolve) => setImmediate(resolve))
    if (this.full) throw new Error('No space left on device')
    this.writes++
    await this.synced.write(batch)
  }
  part(prefix: Uint8Array): ReturnType<Database['part']> {
    return this.synced.part(prefix)
  }
  partBatch(batch: WriteBatch, prefix: Uint8Array): WriteBatch {
    return this.synced.partBatch(batch, prefix)
  }
  clear(): Promise<void> {
    return this.synced.clear()
  }
  async close(): Promise<void> {}
}

describe('on a virtual clock', () => {
  it('aborts a transaction that is out of time, and fences its producer', async () => {
    const clock = new VirtualClock(0)
    const client = await new EmbeddedTransport({})[openClient]({ clock, logger })
    await client.admin.createTopics([newTopic('t')])
    const producer = client.transactionalProducer({
      transactionalId: 'tx',
      transactionTimeoutMs: 1_000,
    })
    await producer.init()
    for (const value of ['quick', 'slow']) {
      producer.begin()
      producer.send({ topic: 't', partition: 0 }, batchOf([value]))
      await producer.flush()
      clock.advance(value === 'quick' ? 900 : 999)
      if (value === 'quick') await producer.commit()
    }
    expect((await client.admin.offsets([{ topic: 't', partition: 0 }], 'stable')).get('t-0')).toBe(
      2,
    )
    clock.advance(1)
    expect((await client.admin.offsets([{ topic: 't', partition: 0 }], 'stable')).get('t-0')).toBe(
      4,
    )
    await expect(producer.commit()).rejects.toMatchObject({ kind: 'fenced' })
    expect(await values(client, 't')).toEqual(['quick'])
  })

  it('gives what a killed member owned to the others when its session expires', async () => {
    const clock = new VirtualClock(0)
    const transport = new EmbeddedTransport({})
    const [first, second] = [
      await transport[openClient]({ clock, logger }),
      await transport[openClient]({ clock, logger }),
    ]
    const f = fixtureOf(first, clock)
    await first.admin.createTopics([{ ...newTopic('t'), partitions: 2 }])
    const a = f.member(first, 'group', ['t'], { sessionTimeoutMs: 2_000 })
    const b = f.member(second, 'group', ['t'], { sessionTimeoutMs: 2_000 })
    await f.until('shared', () => a.owned.length === 1 && b.owned.length === 1)
    await second.kill()
    const killedMs = clock.nowMs()
    await f.until('a has all', () => a.owned.length === 2)
    expect(clock.nowMs() - killedMs).toBeGreaterThan(1_500)
    expect(b.events.some((e) => e.startsWith('lost'))).toBe(false)
    await first.close()
  })

  it('leaves the transaction of a killed process open until its successor comes', async () => {
    const clock = new VirtualClock(0)
    const transport = new EmbeddedTransport({})
    const client = await transport[openClient]({ clock, logger })
    await client.admin.createTopics([newTopic('t')])
    const options = { transactionalId: 'tx', transactionTimeoutMs: 60_000 }
    const first = await transport[openClient]({ clock, logger })
    const killed = first.transactionalProducer(options)
    await killed.init()
    killed.begin()
    killed.send({ topic: 't', partition: 0 }, batchOf(['lost']))
    await killed.flush()
    await first.kill()
    let returned = false
    void killed.commit().finally(() => (returned = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect(returned).toBe(false)
    const stable = async (): Promise<unknown> =>
      (await client.admin.offsets([{ topic: 't', partition: 0 }], 'stable')).get('t-0')
    expect(await stable()).toBe(0)
    await client.transactionalProducer(options).init()
    expect(await stable()).toBe(2)
    expect(await values(client, 't')).toEqual([])
  })
})

describe('faults', () => {
  it('keep a request from the log, or its answer from the caller', async () => {
    const clock = new VirtualClock(0)
    let lose = ''
    const seen = new Set<string>()
    const transport = new EmbeddedTransport({
      faults: (operation) => {
        seen.add(operation)
        if (operation === lose) throw new Error(`lost ${operation}`)
      },
    })
    const client = await transport[openClient]({ clock, logger })
    await client.admin.createTopics([newTopic('t')])
    const producer = client.producer()
    lose = 'produce.append'
    producer.send({ topic: 't', partition: 0 }, batchOf(['never written']))
    await expect(producer.flush()).rejects.toThrow('lost produce.append')
    lose = 'produce.append.answer'
    producer.send({ topic: 't', partition: 0 }, batchOf(['written']))
    await expect(producer.flush()).rejects.toThrow('lost produce.append.answer')
    lose = ''
    expect(await values(client, 't')).toEqual(['written'])
    expect([...seen]).toEqual([
      'admin.createTopics',
      'admin.createTopics.answer',
      'produce.append',
      'produce.append.answer',
    ])
  })
})

describe('a durable log', () => {
  it('goes on after a restart with topics, records, offsets and epochs; open transactions end', async () => {
    const directory = folder()
    const transport = new EmbeddedTransport({ directory })
    const clock = systemClock
    const options = { transactionalId: 'tx', transactionTimeoutMs: 60_000 }
    const group = { groupId: 'g', generationId: -1, memberId: '', instanceId: undefined }
    const offset = { topic: 't', partition: 0, offset: 7, metadata: 'm' }

    const before = await transport[openClient]({ clock, logger })
    await before.admin.createTopics([newTopic('t'), newTopic('gone'), newTopic('cut')])
    await before.admin.deleteTopics(['gone'])
    const producer = before.transactionalProducer(options)
    await producer.init()
    producer.begin()
    producer.send({ topic: 't', partition: 0 }, batchOf(['kept', 'too']))
    await producer.sendOffsets([offset], group)
    await producer.commit()
    producer.begin()
    producer.send({ topic: 't', partition: 0 }, batchOf(['aborted']))
    await producer.abort()
    producer.begin()
    producer.send({ topic: 't', partition: 0 }, batchOf(['open']))
    await producer.sendOffsets([{ ...offset, offset: 8 }], group)
    await producer.flush()
    const plain = before.producer()
    for (const n of [0, 1, 2]) plain.send({ topic: 'cut', partition: 0 }, batchOf([`${n}`]))
    await plain.flush()
    await before.admin.deleteRecords([{ topic: 'cut', partition: 0, offset: 3 }])
    const described = await before.admin.describeTopics(['t'])
    await before.kill()

    const after = await transport[openClient]({ clock, logger })
    expect(await after.admin.listTopics()).toEqual(['cut', 't'])
    expect(await after.admin.describeTopics(['t'])).toEqual(described)
    expect(await values(after, 't')).toEqual(['kept', 'too'])
    const t = [{ topic: 't', partition: 0 }]
    expect((await after.admin.offsets(t, 'stable')).get('t-0')).toBe(
      (await after.admin.offsets(t, 'latest')).get('t-0'),
    )
    expect(await after.admin.committed('g', t)).toEqual(
      new Map([['t-0', { offset: 7, metadata: 'm' }]]),
    )
    const cut = [{ topic: 'cut', partition: 0 }]
    expect((await after.admin.offsets(cut, 'earliest')).get('cut-0')).toBe(3)
    let base = -1
    const more = after.producer()
    more.send(cut[0]!, batchOf(['3']), (offset) => (base = offset))
    await more.flush()
    expect(base).toBe(3)
    const successor = after.transactionalProducer(options)
    await successor.init()
    successor.begin()
    successor.send(t[0]!, batchOf(['new']))
    await successor.commit()
    expect(await values(after, 't')).toEqual(['kept', 'too', 'new'])
    await after.close()
  })

  it('shows and acknowledges nothing that is not synced, and shares syncs', async () => {
    const database = new ForgetfulDatabase()
    const open = () => openOn(database)
    const client = await open()
    await client.admin.createTopics([newTopic('t')])
    const writes = database.writes
    const producers = Array.from({ length: 10 }, () => client.producer())
    let acknowledged = 0
    for (const producer of producers)
      producer.send({ topic: 't', partition: 0 }, batchOf(['x']), () => acknowledged++)
    await Promise.resolve()
    expect(acknowledged).toBe(0)
    expect(await values(client, 't')).toEqual([])
    await Promise.all(producers.map((producer) => producer.flush()))
    expect(acknowledged).toBe(10)
    expect(await values(client, 't')).toHaveLength(10)
    expect(database.writes - writes).toBeLessThanOrEqual(3)
    await client.kill()
    expect(await values(await open(), 't')).toHaveLength(10)
  })

  it('stops with the reason when the disk is full, and loses nothing acknowledged', async () => {
    const database = new ForgetfulDatabase()
    const open = () => openOn(database)
    const client = await open()
    await client.admin.createTopics([newTopic('t')])
    const producer = client.producer()
    producer.send({ topic: 't', partition: 0 }, batchOf(['first']))
    await producer.flush()
    database.full = true
    producer.send({ topic: 't', partition: 0 }, batchOf(['second']))
    await expect(producer.flush()).rejects.toMatchObject({
      kind: 'fatal',
      message: expect.stringContaining('No space left'),
    })
    database.full = false
    // What follows would stand on a record that is not there.
    producer.send({ topic: 't', partition: 0 }, batchOf(['third']))
    await expect(producer.flush()).rejects.toMatchObject({ kind: 'fatal' })
    await client.kill()
    expect(await values(await open(), 't')).toEqual(['first'])
  })

  it('names who holds its directory, and frees it on close', async () => {
    const directory = folder()
    const surroundings = { clock: systemClock, logger }
    const holder = await clientOf(embedded({ directory }), surroundings)
    await expect(clientOf(embedded({ directory }), surroundings)).rejects.toMatchObject({
      code: 'STREAMS_CONFIG',
      message: expect.stringContaining(`process ${process.pid}`),
    })
    await holder.close()
    const next = await clientOf(embedded({ directory }), surroundings)
    await next.close()
  })

  it('reads batches from the disk that no longer fit into memory', async () => {
    const client = await new EmbeddedTransport({ directory: folder(), residentBytes: 10_000 })[
      openClient
    ]({
      clock: systemClock,
      logger,
    })
    await client.admin.createTopics([newTopic('t')])
    const producer = client.producer()
    const large = 'x'.repeat(2_000)
    for (let n = 0; n < 90; n++) {
      producer.send({ topic: 't', partition: 0 }, batchOf([`${n} ${large}`]))
      await producer.drained(8_000)
    }
    await producer.flush()
    const found = await values(client, 't')
    expect(found.map((v) => Number.parseInt(v!))).toEqual(Array.from({ length: 90 }, (_, n) => n))
    await client.close()
  })

  it('is shared by programs that are given the same transport', async () => {
    const transport = embedded({ directory: folder() })
    const surroundings = { clock: systemClock, logger }
    const one = await clientOf(transport, surroundings)
    const two = await clientOf(transport, surroundings)
    await one.admin.createTopics([newTopic('t')])
    expect(await two.admin.listTopics()).toEqual(['t'])
    await one.close()
    expect(await two.admin.listTopics()).toEqual(['t'])
    await two.close()
    const three = await clientOf(transport, surroundings)
    expect(await three.admin.listTopics()).toEqual(['t'])
    await three.close()
  })
})

describe('clientOf', () => {
  it('refuses what is no transport', () => {
    const surroundings = { clock: systemClock, logger }
    expect(() => clientOf({ transport: 'carrier pigeon' }, surroundings)).toThrow(TypeError)
    expect(() => embedded({ directory: 7 as unknown as string })).toThrow(TypeError)
  })
})
