// Global stores: filled before anything runs, kept up to date, kept over restarts.
import { rmSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MissingTopicError } from '../../src/errors.js'
import { StreamsBuilder } from '../../src/dsl/streams-builder.js'
import { string } from '../../src/serde/serdes.js'
import { keyValueStore } from '../../src/state/stores.js'
import type { Topology } from '../../src/topology/topology.js'
import { EmbeddedBench } from './embedded-bench.js'

let bench: EmbeddedBench
beforeEach(async () => void (bench = await EmbeddedBench.open('in', 'types', 'out')))
afterEach(() => bench.close())

const strings = { key: string(), value: string() }

const joined = (engine: 'leveldb' | 'memory'): Topology<any> => {
  const builder = new StreamsBuilder(strings)
  const types = builder.globalTable('types', { store: 'types', engine })
  builder
    .stream('in')
    .join(
      types,
      (_value, key) => key ?? '',
      (value, type) => `${value}:${type}`,
    )
    .to('out')
  return builder.build()
}

const values = async (count: number): Promise<string[]> =>
  (await bench.received('out', count)).map((r) => String(r.value)).toSorted()

describe.each(['leveldb', 'memory'] as const)('a global table in %s', (engine) => {
  it('is filled from all partitions before anything is joined, and over restarts', async () => {
    await bench.send('types', ['a', 'old'], ['b', 'motor'], ['a', 'sensor'], ['c', 'gone'])
    await bench.send('types', ['c', null])
    await bench.send('in', ['a', '1'], ['b', '2'], ['c', '3'])
    const first = bench.app(joined(engine))
    await first.start()
    expect(await values(2)).toEqual(['1:sensor', '2:motor'])
    expect(await first.store('types').get('a')).toBe('sensor')
    await bench.send('types', ['b', 'pump'])
    while ((await first.store('types').get('b')) !== 'pump')
      await new Promise((resolve) => setImmediate(resolve))
    await first.close()

    await bench.send('types', ['d', 'valve'])
    await bench.send('in', ['b', '4'], ['d', '5'])
    await bench.app(joined(engine)).start()
    expect(await values(4)).toEqual(['1:sensor', '2:motor', '4:pump', '5:valve'])
  })
})

it('a global store of the user runs its keeper, also while it is filled', async () => {
  const topology = (): Topology<any> => {
    const builder = new StreamsBuilder(strings)
    builder.addGlobalStore('kept', keyValueStore(strings), 'types', ({ store }) => ({
      process(record) {
        if (record.key !== null) store.put(record.key, record.value && `[${record.value}]`)
      },
    }))
    builder.stream('in').to('out')
    return builder.build()
  }
  await bench.send('types', ['a', 'x'])
  const first = bench.app(topology())
  await first.start()
  expect(await first.store('kept').get('a')).toBe('[x]')
  await first.close()
  await bench.send('types', ['a', 'y'])
  const second = bench.app(topology())
  await second.start()
  expect(await second.store('kept').get('a')).toBe('[y]')
  await second.close()
  rmSync(bench.stateDir, { recursive: true })
  const third = bench.app(topology())
  await third.start()
  expect(await third.store('kept').get('a')).toBe('[y]')
})

it('a topic that does not exist is named', async () => {
  const builder = new StreamsBuilder(strings)
  builder.globalTable('nowhere', { store: 'nowhere' })
  builder.stream('in').to('out')
  const error = await bench.failure(builder.build())
  expect(error).toBeInstanceOf(MissingTopicError)
  expect(error.message).toMatch(/nowhere/)
})

it('a keeper that cannot be closed keeps no database open', async () => {
  let fails = true
  const topology = (): Topology<any> => {
    const builder = new StreamsBuilder(strings)
    builder.addGlobalStore('kept', keyValueStore(strings), 'types', ({ store }) => ({
      process: ({ key, value }) => void (key !== null && store.put(key, value)),
      close() {
        if (fails) throw new Error('no way')
      },
    }))
    builder.stream('in').to('out')
    return builder.build()
  }
  await bench.send('types', ['a', 'x'])
  for (fails of [true, false]) {
    const app = bench.app(topology())
    await app.start()
    expect(await app.store('kept').get('a')).toBe('x')
    await app.close()
  }
  expect(bench.logged.map(({ message }) => message)).toEqual(['closing'])
})
