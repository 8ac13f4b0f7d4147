// KafkaStreams end to end on the embedded log: a filter and a count, over restarts.
import { rmSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { IllegalStateError, StateStoreError } from '../../src/errors.js'
import { string } from '../../src/serde/serdes.js'
import { Topology } from '../../src/topology/topology.js'
import { countTopology, EmbeddedBench } from './embedded-bench.js'

let bench: EmbeddedBench
beforeEach(async () => void (bench = await EmbeddedBench.open('in', 'out')))
afterEach(() => bench.close())

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

const counts = async (total: number): Promise<string[]> =>
  (await bench.received('out', total))
    .map(({ key, value }) => `${key}=${value!.readBigInt64BE()}`)
    .toSorted()

describe.each(['at_least_once', 'exactly_once_v2'] as const)('with %s', (processingGuarantee) => {
  it('filters, and keeps timestamps and headers', async () => {
    await bench.send('in', ['a', 'x'], ['b', 'long', 7], ['a', 'longer', 8])
    const app = bench.app(filterTopology(), { processingGuarantee })
    await app.start()
    expect(app.state).toBe('RUNNING')
    const records = await bench.received('out', 2)
    expect(records.map((r) => `${r.key}=${String(r.value)}@${r.timestampMs}`).toSorted()).toEqual([
      'a=longer@8',
      'b=long@7',
    ])
    expect(records[0]!.headers.get('origin')).toBe('test')
    await app.close()
    expect(app.state).toBe('NOT_RUNNING')
  })

  it('counts on over restarts, with and without its local state', async () => {
    await bench.send('in', ['a', '1'], ['b', '1'], ['a', '2'])
    const first = bench.app(countTopology(), { processingGuarantee })
    await first.start()
    expect(await counts(3)).toEqual(['a=1', 'a=2', 'b=1'])
    expect(await first.store('counts').get('a')).toBe(2)
    await first.close()

    await bench.send('in', ['a', '3'])
    const second = bench.app(countTopology(), { processingGuarantee })
    await second.start()
    expect(await counts(4)).toEqual(['a=1', 'a=2', 'a=3', 'b=1'])
    expect(second.metrics().get('restore-records-total')).toBe(0)
    await second.close()

    rmSync(bench.stateDir, { recursive: true })
    await bench.send('in', ['a', '4'])
    const third = bench.app(countTopology(), { processingGuarantee })
    await third.start()
    expect(await counts(5)).toEqual(['a=1', 'a=2', 'a=3', 'a=4', 'b=1'])
    expect(third.metrics().get('restore-records-total')).toBeGreaterThan(0)
  })

  it('shares its partitions with a second instance, which takes over all of them', async () => {
    await bench.send('in', ['a', '1'], ['b', '1'])
    const first = bench.app(countTopology(), { processingGuarantee })
    await first.start()
    await counts(2)
    const second = bench.app(countTopology(), {
      processingGuarantee,
      stateDir: `${bench.stateDir}/second`,
    })
    await second.start()
    await bench.send('in', ['a', '2'], ['b', '2'])
    expect(await counts(4)).toEqual(['a=1', 'a=2', 'b=1', 'b=2'])
    await first.close()
    await bench.send('in', ['a', '3'], ['b', '3'])
    expect(await counts(6)).toEqual(['a=1', 'a=2', 'a=3', 'b=1', 'b=2', 'b=3'])
  })
})

describe('the lifecycle', () => {
  it('goes through its states once each', async () => {
    const app = bench.app(filterTopology())
    const states: string[] = []
    app.onStateChange((next, before) => states.push(`${before} ${next}`))
    await app.start()
    await app.close()
    await app.close()
    expect(states).toEqual([
      'CREATED REBALANCING',
      'REBALANCING RUNNING',
      'RUNNING PENDING_SHUTDOWN',
      'PENDING_SHUTDOWN NOT_RUNNING',
    ])
  })

  it('closes where a processor cannot be, and says which', async () => {
    const closed: string[] = []
    const topology = filterTopology()
    for (const [name, parent] of [
      ['p', 'in'],
      ['q', 'p'],
    ] as const)
      topology.addProcessor(
        name,
        ({ taskId }) => ({
          process() {},
          close() {
            closed.push(`${name} ${taskId}`)
            if (name === 'p') throw new Error('no way')
          },
        }),
        { parents: [parent] },
      )
    const app = bench.app(topology)
    await app.start()
    await app.close()
    expect(app.state).toBe('NOT_RUNNING')
    expect(closed.toSorted()).toEqual(['p 0_0', 'p 0_1', 'q 0_0', 'q 0_1'])
    expect(bench.logged).toEqual([
      {
        fields: { error: expect.objectContaining({ node: 'p' }) },
        message: 'closing tasks after the last commit',
      },
    ])
  })

  it('starts once, and can be closed before it was started', async () => {
    const app = bench.app(filterTopology())
    await app.close()
    expect(app.state).toBe('NOT_RUNNING')
    await expect(app.start()).rejects.toThrow(IllegalStateError)
  })

  it('rejects start() when it is closed before it runs', async () => {
    const app = bench.app(filterTopology())
    const started = app.start()
    const closed = app.close()
    await expect(started).rejects.toThrow(/closed before it was running/)
    await closed
  })
})

describe('queries', () => {
  it('name what is wrong', async () => {
    const app = bench.app(countTopology())
    expect(() => app.store('cuonts')).toThrow(/no store 'cuonts'.*'counts'/)
    await expect(app.store('counts').get('a')).rejects.toThrow(/once start\(\) was called/)
    await app.start()
    expect(await app.store('counts').get('nobody')).toBeUndefined()
    await expect(app.store('counts').fetch('a', { fromMs: 0, toMs: 1 })).rejects.toThrow(
      StateStoreError,
    )
    await app.close()
    await expect(app.store('counts').get('a')).rejects.toThrow(/NOT_RUNNING/)
  })

  it('scan all partitions', async () => {
    await bench.send('in', ['a', '1'], ['b', '1'], ['c', '1'])
    const app = bench.app(countTopology())
    await app.start()
    await counts(3)
    const rows: unknown[] = []
    for await (const row of app.store('counts').all()) rows.push(row)
    expect(new Map(rows as [string, number][])).toEqual(
      new Map([
        ['a', 1],
        ['b', 1],
        ['c', 1],
      ]),
    )
  })
})
