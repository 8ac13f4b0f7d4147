// KafkaStreams end to end on the embedded log: a filter and a count, exactly once, over restarts.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.js'
import { embedded } from '../../src/embedded/embedded.js'
import type { Client } from '../../src/kafka/client.js'
import { RecordBatchBuilder } from '../../src/kafka/record-batch.js'
import { clientOf, type Transport } from '../../src/kafka/transport.js'
import { silentLogger } from '../../src/logger.js'
import { KafkaStreams } from '../../src/runtime/kafka-streams.js'
import { long, string } from '../../src/serde/serdes.js'
import { keyValueStore } from '../../src/state/stores.js'
import { Topology } from '../../src/topology/topology.js'

let stateDir: string
let transport: Transport
let client: Client

beforeEach(async () => {
  stateDir = mkdtempSync(join(tmpdir(), 'millrace-'))
  transport = embedded()
  client = await clientOf(transport, { clock: systemClock, logger: silentLogger })
})

afterEach(async () => {
  await client.close()
  rmSync(stateDir, { recursive: true, force: true })
})

const createTopics = (...names: string[]): Promise<void> =>
  client.admin.createTopics(
    names.map((name) => ({ name, partitions: 2, replicationFactor: -1, configs: {} })),
  )

async function send(topic: string, records: readonly (readonly [string, string])[]): Promise<void> {
  const producer = client.producer()
  records.forEach(([key, value], n) => {
    const batch = new RecordBatchBuilder()
    batch.append(n, Buffer.from(key), Buffer.from(value))
    producer.send({ topic, partition: key.charCodeAt(0) % 2 }, batch)
  })
  await producer.flush()
  await producer.close()
}

/** Everything in a topic that a read-committed reader sees, once `count` records are there. */
async function received(topic: string, count: number): Promise<[string, Buffer][]> {
  const fetcher = client.fetcher({ isolation: 'read_committed' })
  fetcher.add({ topic, partition: 0 }, 0)
  fetcher.add({ topic, partition: 1 }, 0)
  const records: [string, Buffer][] = []
  while (records.length < count) {
    const fetched = fetcher.poll()
    if (fetched === undefined) await fetcher.wait(100)
    else
      for (const reader of fetched.batches)
        while (reader.next())
          records.push([String(reader.key()), Buffer.from(reader.value() ?? Buffer.alloc(0))])
  }
  await fetcher.close()
  return records
}

const filterTopology = (): Topology =>
  new Topology()
    .addSource('in', 'in', { key: string(), value: string() })
    .addProcessor(
      'long',
      (context) => ({
        process(record) {
          if (String(record.value).length > 1) return context.forward(record)
        },
      }),
      { parents: ['in'] },
    )
    .addSink('out', 'out', { parents: ['long'], key: string(), value: string() })

const countTopology = (): Topology =>
  new Topology()
    .addSource('in', 'in', { key: string(), value: string() })
    .addProcessor(
      'count',
      (context) => {
        const counts = context.getStateStore('counts')
        return {
          process(record) {
            const count = (counts.get(String(record.key)) ?? 0) + 1
            counts.put(String(record.key), count)
            return context.forward({ ...record, value: count })
          },
        }
      },
      { parents: ['in'], stores: { counts: keyValueStore({ key: string(), value: long() }) } },
    )
    .addSink('out', 'out', { parents: ['count'], key: string(), value: long() })

const streamsOf = (topology: Topology): KafkaStreams =>
  new KafkaStreams(topology, {
    applicationId: 'app',
    transport,
    stateDir,
    processingGuarantee: 'exactly_once_v2',
    commitIntervalMs: 5,
    logger: silentLogger,
  })

describe('KafkaStreams on the embedded log', () => {
  it('filters', async () => {
    await createTopics('in', 'out')
    await send('in', [
      ['a', 'x'],
      ['b', 'long'],
      ['a', 'longer'],
    ])
    const streams = streamsOf(filterTopology())
    await streams.start()
    expect(streams.state).toBe('RUNNING')
    const records = await received('out', 2)
    expect(new Set(records.map(([k, v]) => `${k}=${String(v)}`))).toEqual(
      new Set(['b=long', 'a=longer']),
    )
    await streams.close()
    expect(streams.state).toBe('NOT_RUNNING')
  })

  it('counts exactly once over a restart, with and without its local state', async () => {
    await createTopics('in', 'out')
    const counts = async (total: number): Promise<string[]> =>
      (await received('out', total)).map(([k, v]) => `${k}=${v.readBigInt64BE()}`)
    await send('in', [
      ['a', '1'],
      ['b', '1'],
      ['a', '2'],
    ])
    const first = streamsOf(countTopology())
    await first.start()
    expect((await counts(3)).toSorted()).toEqual(['a=1', 'a=2', 'b=1'])
    expect(await first.store('counts').get('a')).toBe(2)
    await first.close()

    await send('in', [['a', '3']])
    const second = streamsOf(countTopology())
    await second.start()
    expect((await counts(4)).at(-1)).toBeDefined()
    expect((await counts(4)).toSorted()).toEqual(['a=1', 'a=2', 'a=3', 'b=1'])
    await second.close()

    rmSync(stateDir, { recursive: true })
    await send('in', [['a', '4']])
    const third = streamsOf(countTopology())
    await third.start()
    expect((await counts(5)).toSorted()).toEqual(['a=1', 'a=2', 'a=3', 'a=4', 'b=1'])
    expect(third.metrics().get('restore-records-total')).toBeGreaterThan(0)
    await third.close()
  })
})
