import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  customStore,
  keyValueStore,
  lruStore,
  sessionStore,
  string,
  StreamsBuilder,
  timestampedKeyValueStore,
  timestampedWindowStore,
  Topology,
  versionedStore,
  windowStore,
  type Processor,
  type ProcessorContext,
  type StoreBuilder,
} from '../../src/index.js'
import { TopologyTestDriver } from '../../src/testing/index.js'

const S = { key: string(), value: string() }
type Context = ProcessorContext<string, string, Record<string, StoreBuilder<any>>>

/** A topology of one processor between the topics `in` and `out`. */
const around = (
  supplier: (context: Context) => Processor<string, string>,
  stores: Record<string, any> = {},
): Topology =>
  new Topology()
    .addSource('in', 'in', S)
    .addProcessor('p', supplier, { parents: ['in'], stores })
    .addSink('out', 'out', { parents: ['p'], ...S })

/** Pipes pairs and gives what came out. */
async function run(
  topology: Topology,
  inputs: readonly (readonly [string, string])[],
): Promise<unknown[]> {
  await using driver = new TopologyTestDriver(topology, { startMs: 0 })
  const input = driver.createInputTopic('in', S)
  for (const [key, value] of inputs) await input.pipeInput(key, value, { timestampMs: 5 })
  return driver
    .createOutputTopic('out', S)
    .readKeyValuesToList()
    .map(([key, value]) => `${key}=${value}`)
}

describe('a processor', () => {
  it.each([-1, 1.5, Infinity, NaN, undefined])(
    'is told of the timestamp %s, which no record can have',
    async (timestampMs) => {
      const topology = around((context) => ({
        process: (record) => context.forward({ ...record, timestampMs: timestampMs! }),
      }))
      await expect(run(topology, [['a', '']])).rejects.toThrow(
        /^p failed at in-0@0 in task 0_0: the timestampMs of a forwarded record must be/,
      )
    },
  )

  it('is made once per task, and closed with it', async () => {
    const events: string[] = []
    const topology = around((context) => {
      events.push(`made in ${context.taskId}`)
      return {
        process: (record) => context.forward(record),
        close: () => events.push('closed'),
      } as Processor<string, string>
    })
    await run(topology, [
      ['a', '1'],
      ['b', '2'],
    ])
    expect(events).toEqual(['made in 0_0', 'closed'])
  })

  it('is made once, also where another one cannot be', async () => {
    let made = 0
    const topology = around((context) => {
      made++
      return { process: (record) => context.forward(record) }
    }).addProcessor(
      'q',
      () => {
        throw new Error('no way')
      },
      { parents: ['p'] },
    )
    await using driver = new TopologyTestDriver(topology)
    const input = driver.createInputTopic('in', S)
    for (const step of [input.pipeInput('a', 'x'), input.pipeInput('a', 'y'), driver.commit()])
      await expect(step).rejects.toThrow('the supplier of q failed in task 0_0: no way')
    expect(made).toBe(1)
  })

  it('is closed also where another one cannot be', async () => {
    const closed: string[] = []
    const closing =
      (name: string) =>
      (context: ProcessorContext<any, any, any>): Processor<any, any> => ({
        process: (record) => context.forward(record),
        close() {
          closed.push(`${name} ${context.taskId}`)
          if (name === 'p') throw new Error('no way')
        },
      })
    const topology = around(closing('p')).addProcessor('q', closing('q'), { parents: ['p'] })
    const driver = new TopologyTestDriver(topology, { partitions: 2 })
    await driver.createInputTopic('in', S).pipeInput('a', 'x')
    await expect(driver.close()).rejects.toThrow('p could not be closed in task 0_0: no way')
    expect(closed).toEqual(['p 0_0', 'q 0_0', 'p 0_1', 'q 0_1'])
  })

  it('may forward parts of a record, with headers or without', async () => {
    const topology = around((context) => ({
      process: ({ key, value }) => context.forward({ key, value, timestampMs: 9 }),
    }))
    await using driver = new TopologyTestDriver(topology)
    await driver.createInputTopic('in', S).pipeInput('a', 'x', { headers: [['h', '1']] })
    const record = driver.createOutputTopic('out', S).readRecord()
    expect(record.timestampMs).toBe(9)
    expect([...record.headers]).toEqual([])
  })

  it('may forward several records made of one: each has headers of its own', async () => {
    const topology = new Topology()
      .addSource('in', 'in', S)
      .addProcessor<string, string>(
        'split',
        (context) => ({
          async process(record) {
            for (const value of record.value) await context.forward({ ...record, value })
            await context.forward(record)
          },
        }),
        { parents: ['in'] },
      )
      .addProcessor<string, string>(
        'mark',
        (context) => ({
          process(record) {
            record.headers.add('mark', record.value)
            return context.forward(record)
          },
        }),
        { parents: ['split'] },
      )
      .addSink('out', 'out', { parents: ['mark'], ...S })
    await using driver = new TopologyTestDriver(topology)
    await driver.createInputTopic('in', S).pipeInput('a', 'xy', { headers: [['h', '1']] })
    const records = driver.createOutputTopic('out', S).readRecordsToList()
    const marks = records.map(({ headers }) =>
      Array.from(headers, ([name, value]) => `${name}=${String(Buffer.from(value!))}`),
    )
    expect(marks).toEqual([
      ['h=1', 'mark=x'],
      ['h=1', 'mark=y'],
      ['h=1', 'mark=xy'],
    ])
  })

  it('may forward to one child by name, and is told of unknown ones', async () => {
    const topology = around((context) => ({
      process: (record) => context.forward(record, record.value),
    })).addSink('far', 'far', { parents: ['p'], ...S })
    expect(
      await run(topology, [
        ['a', 'out'],
        ['a', 'far'],
      ]),
    ).toEqual(['a=out'])
    const unknown = around((context) => ({ process: (r) => context.forward(r, 'nobody') }))
    await expect(run(unknown, [['a', 'x']])).rejects.toThrow(/no child 'nobody'.*'out'/s)
  })

  it('keeps its order while it waits', async () => {
    const topology = around((context) => ({
      async process(record) {
        if (record.value === 'slow') await new Promise((resolve) => setImmediate(resolve))
        await context.forward(record)
      },
    }))
    expect(
      await run(topology, [
        ['a', 'slow'],
        ['a', 'fast'],
      ]),
    ).toEqual(['a=slow', 'a=fast'])
  })

  it('is told when it forwards after process() has ended', async () => {
    let late: (() => unknown) | undefined
    const topology = around((context) => ({
      process(record) {
        late = () => context.forward(record)
      },
    }))
    await using driver = new TopologyTestDriver(topology)
    await driver.createInputTopic('in', S).pipeInput('a', 'x')
    expect(late).toThrow(/p forwarded while it handles no record: process\(\) must return/)
    await driver.commit()
    expect(driver.createOutputTopic('out', S).isEmpty).toBe(true)
  })

  it('sees where its record came from, and nothing inside a punctuator', async () => {
    const seen: unknown[] = []
    const topology = around((context) => {
      context.schedule({ intervalMs: 10, clock: 'stream' }, (at) => {
        seen.push([at, context.recordMetadata])
      })
      return {
        process() {
          seen.push(context.recordMetadata)
        },
      }
    })
    await run(topology, [['a', 'x']])
    expect(seen).toEqual([
      { topic: 'in', partition: 0, offset: 0 },
      [5, { topic: null, partition: -1, offset: -1 }],
    ])
  })

  it('is called by the wall clock, until it cancels', async () => {
    const topology = around((context) => {
      const schedule = context.schedule({ intervalMs: 10, clock: 'wall' }, (at) => {
        if (at > 10) schedule.cancel()
        return context.forward({ key: 'tick', value: String(at), timestampMs: at })
      })
      return { process() {} }
    })
    await using driver = new TopologyTestDriver(topology, { startMs: 0 })
    await driver.createInputTopic('in', S).pipeInput('a', 'x')
    for (const ms of [10, 10, 10]) await driver.advanceWallClockTime(ms)
    const values = driver.createOutputTopic('out', S).readValuesToList()
    expect(values).toEqual(['10', '20'])
  })
})

describe('the stores of a processor', () => {
  const counting =
    (name: string) =>
    (context: Context): Processor<string, string> => {
      const counts = context.getStateStore(name) as {
        get(key: string): string | undefined
        put(key: string, value: string): void
      }
      return {
        process(record) {
          const count = String(Number(counts.get(record.key) ?? 0) + 1)
          counts.put(record.key, count)
          return context.forward({ ...record, value: count })
        },
      }
    }

  it('are found under their property, also where a handle has another name', async () => {
    const own = around(counting('counts'), { counts: keyValueStore(S) })
    expect(
      await run(own, [
        ['a', 'x'],
        ['a', 'y'],
      ]),
    ).toEqual(['a=1', 'a=2'])
    const topology = new Topology().addSource('in', 'in', S)
    const handle = topology.addStateStore('the-store', keyValueStore(S))
    topology
      .addProcessor('p', counting('mine'), { parents: ['in'], stores: { mine: handle } })
      .addSink('out', 'out', { parents: ['p'], ...S })
    expect(await run(topology, [['a', 'x']])).toEqual(['a=1'])
    expect(topology.describe()).toContain('stores: [the-store]')
  })

  it('are refused where they are not connected', async () => {
    const topology = around(counting('counts'))
    topology.addStateStore('counts', keyValueStore(S))
    await expect(run(topology, [['a', 'x']])).rejects.toThrow(/not connected to a store 'counts'/)
  })

  it('may be bounded, or remember versions', async () => {
    const lru = around(
      (context) => {
        const store = context.getStateStore('last')
        return {
          process(record) {
            store.put(record.key, record.value)
            return context.forward({ ...record, value: String(store.get('a') ?? 'gone') })
          },
        }
      },
      { last: lruStore({ ...S, maxEntries: 1 }) },
    )
    expect(
      await run(lru, [
        ['a', 'x'],
        ['b', 'y'],
      ]),
    ).toEqual(['a=x', 'b=gone'])
    const versioned = around(
      (context) => {
        const store = context.getStateStore('versions')
        return {
          process(record) {
            store.put('k', record.value, Number(record.value))
            return context.forward({ ...record, value: store.get('k', 15)?.value ?? 'none' })
          },
        }
      },
      { versions: versionedStore({ ...S, historyMs: 100 }) },
    )
    expect(
      await run(versioned, [
        ['a', '10'],
        ['a', '20'],
      ]),
    ).toEqual(['a=10', 'a=10'])
  })

  it('may be of your own making, with a changelog', async () => {
    const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
    const topology = around(
      (context) => {
        const sum = context.getStateStore('sum')
        return {
          process(record) {
            sum.add(Number(record.value))
            return context.forward({ ...record, value: String(sum.total) })
          },
        }
      },
      {
        sum: customStore({
          open: ({ log }) => {
            const store = {
              total: 0,
              add(n: number) {
                store.total += n
                log(encode('total'), encode(String(store.total)), 0)
              },
              flush() {},
              close() {},
            }
            return store
          },
        }),
      },
    )
    await using driver = new TopologyTestDriver(topology, { config: { applicationId: 'app' } })
    await driver.createInputTopic('in', S).pipeKeyValueList([
      ['a', '2'],
      ['a', '3'],
    ])
    expect(driver.createOutputTopic('out', S).readValuesToList()).toEqual(['2', '5'])
    const changelog = driver.createOutputTopic('app-sum-changelog', S)
    expect(changelog.readKeyValuesToList().at(-1)).toEqual(['total', '5'])
  })
})

it('a custom store has a folder below that of the application, which a driver deletes', async () => {
  const folders: string[] = []
  const topology = around(
    (context) => {
      folders.push(context.stateDir)
      return { process: (record) => context.forward(record) }
    },
    {
      mine: customStore({
        open({ directory }) {
          folders.push(directory)
          return { flush() {}, close() {} }
        },
      }),
    },
  )
  await using driver = new TopologyTestDriver(topology, { config: { applicationId: 'app' } })
  await driver.createInputTopic('in', S).pipeInput('a', '')
  const [directory, stateDir] = folders as [string, string]
  expect(basename(stateDir)).toBe('app')
  expect(directory).toBe(join(stateDir, '0_0', 'mine'))
  expect(existsSync(directory)).toBe(true)
  await driver.close()
  expect(existsSync(stateDir)).toBe(false)
})

it('a custom store that lacks flush() or close() is named', async () => {
  for (const made of [undefined, { flush() {} }, Promise.resolve()]) {
    const topology = around(() => ({ process() {} }), {
      mine: customStore({ open: () => made as never }),
    })
    const driver = new TopologyTestDriver(topology)
    await expect(driver.createInputTopic('in', S).pipeInput('a', 'x')).rejects.toThrow(
      /store mine: open\(\) must return the store, an object with flush\(\) and close\(\)/,
    )
    await driver.close()
  }
})

describe('times that are none', () => {
  const none: Record<
    string,
    { store: StoreBuilder<any>; put: (store: any, time: any) => unknown }
  > = {
    'key-value': {
      store: timestampedKeyValueStore(S),
      put: (store, timestampMs) => store.put('a', { value: 'x', timestampMs }),
    },
    window: {
      store: timestampedWindowStore({ ...S, sizeMs: 10, retentionMs: 100 }),
      put: (store, timestampMs) => store.put('a', { value: 'x', timestampMs }, 5),
    },
    versioned: {
      store: versionedStore({ ...S, historyMs: 100 }),
      put: (store, timestampMs) => store.put('a', 'x', timestampMs),
    },
  }
  it.each(Object.entries(none))('are refused by stores: %s', async (_kind, { store, put }) => {
    const refused: unknown[] = []
    const topology = around(
      (context) => {
        const rows = context.getStateStore('s')
        return {
          process(record) {
            for (const time of [-5, 1.5, NaN, undefined])
              expect(() => put(rows, time)).toThrow(
                /store s: timestampMs must be (whole milliseconds|at least 0), not/,
              )
            put(rows, 0)
            refused.push(record.key)
          },
        }
      },
      { s: store },
    )
    await run(topology, [['a', '']])
    expect(refused).toEqual(['a'])
  })

  it('are not forgotten in a row', async () => {
    const topology = around(
      (context) => {
        const rows = context.getStateStore('s')
        return { process: () => rows.put('a', 'x', 5) }
      },
      { s: timestampedWindowStore({ ...S, sizeMs: 10, retentionMs: 100 }) },
    )
    await expect(run(topology, [['a', '']])).rejects.toThrow(/a row is \{ value, timestampMs \}/)
  })
})

describe('stores that topics fill', () => {
  const brackets = ({ store }: { store: any }): Processor<string | null, string | null> => ({
    process({ key, value }) {
      if (key !== null) store.put(key, value === null ? null : `[${value}]`)
    },
  })
  const lookup =
    (name: string) =>
    (context: Context): Processor<string, string> => {
      const store = context.getStateStore(name)
      return {
        process: (record) =>
          context.forward({ ...record, value: String(store.get(record.key) ?? 'none') }),
      }
    }

  it('are global: every processor reads them without a connection', async () => {
    const topology = around(lookup('rates'))
    topology.addGlobalStore('rates', keyValueStore(S), 'rates', brackets, S)
    await using driver = new TopologyTestDriver(topology)
    await driver.createInputTopic('rates', S).pipeInput('a', '5')
    await driver.createInputTopic('in', S).pipeKeyValueList([
      ['a', ''],
      ['b', ''],
    ])
    const values = driver.createOutputTopic('out', S).readValuesToList()
    expect(values).toEqual(['[5]', 'none'])
  })

  const global: Record<string, { store: StoreBuilder<any>; write: (store: any) => unknown }> = {
    'key-value': { store: keyValueStore(S), write: (store) => store.put('a', 'x') },
    window: {
      store: windowStore({ ...S, sizeMs: 10, retentionMs: 100 }),
      write: (store) => store.put('a', 'x', 5),
    },
    session: {
      store: sessionStore({ ...S, retentionMs: 100 }),
      write: (store) => store.remove({ kind: 'session', key: 'a', startMs: 0, endMs: 5 }),
    },
    versioned: {
      store: versionedStore({ ...S, historyMs: 100 }),
      write: (store) => store.delete('a', 5),
    },
  }
  it.each(Object.entries(global))('are not written by processors: %s', async (_kind, o) => {
    const topology = around((context) => {
      const store = context.getStateStore('rates')
      return { process: (record) => (o.write(store), context.forward(record)) }
    })
    topology.addGlobalStore('rates', o.store, 'rates', () => ({ process() {} }), S)
    await expect(run(topology, [['a', '']])).rejects.toThrow(
      /store rates is global, so processors only read it/,
    )
  })

  it('are read-only per task, and log nothing', async () => {
    const topology = new Topology().addSource('in', 'in', S)
    const rates = topology.addReadOnlyStateStore('rates', keyValueStore(S), 'rates', brackets, S)
    topology
      .addProcessor('p', lookup('rates'), { parents: ['in'], stores: { rates } })
      .addSink('out', 'out', { parents: ['p'], ...S })
    await using driver = new TopologyTestDriver(topology)
    await driver.createInputTopic('rates', S).pipeInput('a', '5')
    await driver.createInputTopic('in', S).pipeInput('a', '')
    expect(driver.createOutputTopic('out', S).readValue()).toBe('[5]')
    expect([...driver.producedTopicNames]).toEqual(['out'])
  })
})

describe('sinks', () => {
  it('go where a function says, for each record', async () => {
    const builder = new StreamsBuilder(S)
    builder.stream('in').to((value, _key, record) => `${record.metadata?.topic}-${value}`)
    await using driver = new TopologyTestDriver(builder.build())
    await driver.createInputTopic('in', S).pipeKeyValueList([
      ['a', 'x'],
      ['a', 'y'],
    ])
    expect([...driver.producedTopicNames]).toEqual(['in-x', 'in-y'])
  })

  it('copy to several partitions, or drop and count, as a partitioner says', async () => {
    const builder = new StreamsBuilder(S)
    builder.stream('in').to('out', {
      partitioner: (value, _key, _topic, partitions) =>
        value === 'all' ? Array.from({ length: partitions }, (_, n) => n) : [],
    })
    await using driver = new TopologyTestDriver(builder.build(), { partitions: 3 })
    await driver.createInputTopic('in', S).pipeKeyValueList([
      ['a', 'all'],
      ['a', 'none'],
    ])
    await driver.commit()
    expect(driver.createOutputTopic('out', S).readValuesToList()).toEqual(['all', 'all', 'all'])
    expect(driver.metrics().get('dropped-records-total')).toBe(1)
  })
})
