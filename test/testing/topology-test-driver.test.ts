// The driver over topologies built by hand: order, clocks, feedback, errors.
import { describe, expect, it } from 'vitest'
import { StreamsBuilder } from '../../src/dsl/streams-builder.js'
import { string } from '../../src/serde/string-serde.js'
import { nullable } from '../../src/serde/null-serdes.js'
import { TopologyTestDriver } from '../../src/testing/topology-test-driver.js'
import { keyValueStore } from '../../src/state/stores.js'
import { Topology } from '../../src/topology/topology.js'

const serdes = { key: string(), value: nullable(string()) }

/** `in` → one processor → `out`. */
const echo = (process: (value: string | null) => string | null = (value) => value): Topology =>
  new Topology()
    .addSource('source', 'in', serdes)
    .addProcessor<string, string | null>(
      'echo',
      (context) => ({
        process: (r) =>
          context.forward({ key: r.key, value: process(r.value), timestampMs: r.timestampMs }),
      }),
      { parents: ['source'] },
    )
    .addSink('sink', 'out', { ...serdes, parents: ['echo'] })

describe('the driver', () => {
  it('refuses what an application refuses of topology and configuration', () => {
    const builder = new StreamsBuilder(serdes)
    const stream = builder.stream('in')
    stream.forEachAsync(async () => {}, { name: 'slow', timeoutMs: 20_000 })
    stream.groupByKey().count()
    const topology = builder.build()
    expect(() => new TopologyTestDriver(topology)).not.toThrow()
    for (const [config, message] of [
      [{ processingGuarantee: 'exactly_once_v2' }, /slow may hold a commit up for 20000 ms/],
      [{ ensureExplicitInternalResourceNaming: true }, /these names are generated/],
    ] as const)
      expect(() => new TopologyTestDriver(topology, { config })).toThrow(message)
  })

  it('has a clock of whole milliseconds', async () => {
    for (const ms of [1.5, NaN, Infinity]) {
      expect(() => new TopologyTestDriver(echo(), { startMs: ms })).toThrow(/startMs must be whole/)
      await using driver = new TopologyTestDriver(echo(), { startMs: 0 })
      await expect(driver.advanceWallClockTime(ms)).rejects.toThrow(/must be whole milliseconds/)
    }
  })

  it('processes a record before its step resolves', async () => {
    await using driver = new TopologyTestDriver(echo(), { startMs: 0 })
    await driver.createInputTopic('in', serdes).pipeInput('a', '1', { timestampMs: 5 })
    const output = driver.createOutputTopic('out', serdes)
    expect(output.readRecord()).toMatchObject({ key: 'a', value: '1', timestampMs: 5 })
    expect(driver.producedTopicNames).toEqual(new Set(['out']))
  })

  it('rejects the step whose record fails, and goes on with the next', async () => {
    const failing = echo((value) => {
      if (value === 'bad') throw new Error('no')
      return value
    })
    await using driver = new TopologyTestDriver(failing, { startMs: 0 })
    const input = driver.createInputTopic('in', serdes)
    await expect(input.pipeInput('a', 'bad')).rejects.toThrow('echo failed at in-0@0')
    await input.pipeInput('a', 'good')
    expect(driver.createOutputTopic('out', serdes).readValuesToList()).toEqual(['good'])
  })

  it.each(['fail', 'continue'] as const)(
    'asks the processing handler about keepers of global stores: %s',
    async (processingHandler) => {
      const topology = new Topology()
      topology.addGlobalStore(
        'kept',
        keyValueStore({ key: string(), value: string() }),
        'rows',
        ({ store }) => ({
          process({ key, value }) {
            if (value === 'bad') throw new Error('no way')
            if (key !== null) store.put(key, value)
          },
        }),
        { key: string(), value: string() },
      )
      await using driver = new TopologyTestDriver(topology, { config: { processingHandler } })
      const input = driver.createInputTopic('rows', serdes)
      const failing = input.pipeInput('a', 'bad')
      if (processingHandler === 'fail') await expect(failing).rejects.toThrow('no way')
      else await failing
      await input.pipeInput('a', 'good')
      expect(await driver.store('kept').get('a')).toBe('good')
    },
  )

  it('takes no step once it is closed, and still gives what was produced', async () => {
    const driver = new TopologyTestDriver(echo(), { startMs: 0 })
    const input = driver.createInputTopic('in', serdes)
    const piped = input.pipeInput('a', '1')
    await Promise.all([piped, driver.close(), driver.close()])
    for (const step of [input.pipeInput('a', '2'), driver.advanceWallClockTime(1), driver.commit()])
      await expect(step).rejects.toThrow('the driver is closed: make another one')
    expect(driver.createOutputTopic('out', serdes).readValuesToList()).toEqual(['1'])
  })

  describe('goes on with the next step after a failure', () => {
    /** Pipes a record that fails, at once or when time has moved on, and one that passes. */
    const outputsAfter = async (topology: Topology<any>, advanceMs = 0) => {
      await using driver = new TopologyTestDriver(topology, { startMs: 0 })
      const input = driver.createInputTopic('in', serdes)
      const failing = async (): Promise<void> => {
        await input.pipeInput('a', 'bad')
        await driver.advanceWallClockTime(advanceMs)
      }
      await expect(failing()).rejects.toThrow('no way')
      await input.pipeInput('b', 'good')
      return driver.createOutputTopic('out', serdes).readValuesToList()
    }
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

    it('of a call', async () => {
      const builder = new StreamsBuilder(serdes)
      builder
        .stream('in')
        .mapValuesAsync(async (value) => {
          if (value === 'bad') throw new Error('no way')
          return value
        })
        .to('out')
      expect(await outputsAfter(builder.build())).toEqual(['good'])
    })

    it('below an asynchronous processor', async () => {
      const topology = new Topology()
        .addSource('source', 'in', serdes)
        .addProcessor<string, string>(
          'above',
          (context) => ({
            async process(record) {
              await turn()
              await context.forward(record)
            },
          }),
          { parents: ['source'] },
        )
        .addProcessor<string, string>(
          'below',
          (context) => ({
            async process(record) {
              await turn()
              if (record.value === 'bad') throw new Error('no way')
              await context.forward(record)
            },
          }),
          { parents: ['above'] },
        )
        .addSink('sink', 'out', { ...serdes, parents: ['below'] })
      expect(await outputsAfter(topology)).toEqual(['good'])
    })

    it('below a record cache', async () => {
      const builder = new StreamsBuilder({ key: string(), value: string() })
      builder
        .stream('in')
        .groupByKey()
        .reduce((_last, value) => value)
        .toStream()
        .mapValues((value) => {
          if (value === 'bad') throw new Error('no way')
          return value
        })
        .to('out')
      expect(await outputsAfter(builder.build())).toEqual(['good'])
    })

    it.each(['stream', 'wall'] as const)('of a punctuator of the %s clock', async (clock) => {
      const topology = new Topology()
        .addSource('source', 'in', serdes)
        .addProcessor<string, string>(
          'ticks',
          (context) => {
            const first = context.schedule({ intervalMs: 10, clock }, () => {
              first.cancel()
              throw new Error('no way')
            })
            return { process: (record) => context.forward(record) }
          },
          { parents: ['source'] },
        )
        .addSink('sink', 'out', { ...serdes, parents: ['ticks'] })
      expect(await outputsAfter(topology, 10)).toEqual(['bad', 'good'])
    })
  })

  it('keeps steps apart that nobody waits for', async () => {
    await using driver = new TopologyTestDriver(echo(), { startMs: 0 })
    const input = driver.createInputTopic('in', serdes)
    await Promise.all([input.pipeInput('a', '1'), input.pipeInput('a', '2')])
    expect(driver.createOutputTopic('out', serdes).readValuesToList()).toEqual(['1', '2'])
  })

  it('refuses a topic that nobody reads', () => {
    const driver = new TopologyTestDriver(echo())
    expect(() => driver.createInputTopic('inn', serdes)).toThrow('the topology reads in')
  })

  it('feeds back what a sink writes to a topic that is also a source', async () => {
    const topology = new Topology()
      .addSource('source', 'in', serdes)
      .addProcessor<string, string>(
        'shorten',
        (context) => ({
          process: (r) => {
            if (r.value.length > 1)
              return context.forward({ ...r, value: r.value.slice(1) }, 'again')
            return context.forward(r, 'done')
          },
        }),
        { parents: ['source'] },
      )
      .addSink('again', 'in', { ...serdes, parents: ['shorten'] })
      .addSink('done', 'out', { ...serdes, parents: ['shorten'] })
    await using driver = new TopologyTestDriver(topology, { startMs: 0 })
    await driver.createInputTopic('in', serdes).pipeInput('k', 'abc')
    expect(driver.createOutputTopic('out', serdes).readValuesToList()).toEqual(['c'])
    expect(driver.createOutputTopic('in', serdes).readValuesToList()).toEqual(['bc', 'c'])
  })

  it('serves equal timestamps in the order of a binary heap of queues', async () => {
    const topology = new Topology().addSource('source', 'in', serdes).addProcessor<string, string>(
      'fan',
      (context) => ({
        async process(r) {
          for (const topic of ['a', 'b', 'c'])
            for (const n of [1, 2])
              await context.forward({ ...r, value: `${topic}${n}` }, `to-${topic}`)
        },
      }),
      { parents: ['source'] },
    )
    for (const name of ['a', 'b', 'c'])
      topology
        .addSink(`to-${name}`, name, { ...serdes, parents: ['fan'] })
        .addSource(`from-${name}`, name, serdes)
        .addSink(`out-${name}`, 'out', { ...serdes, parents: [`from-${name}`] })
    await using driver = new TopologyTestDriver(topology, { startMs: 0 })
    await driver.createInputTopic('in', serdes).pipeInput('k', '')
    const values = driver.createOutputTopic('out', serdes).readValuesToList()
    expect(values).toEqual(['a1', 'c1', 'a2', 'c2', 'b1', 'b2'])
  })

  it('runs each due schedule once: stream time after a record, the wall clock when it moves', async () => {
    const topology = new Topology()
      .addSource('source', 'in', serdes)
      .addProcessor<string, string>(
        'ticks',
        (context) => {
          for (const clock of ['stream', 'wall'] as const)
            context.schedule({ intervalMs: 10, clock }, (atMs) =>
              context.forward({ key: clock, value: String(atMs), timestampMs: atMs }),
            )
          return { process: () => {} }
        },
        { parents: ['source'] },
      )
      .addSink('sink', 'out', { ...serdes, parents: ['ticks'] })
    await using driver = new TopologyTestDriver(topology, { startMs: 0 })
    const input = driver.createInputTopic('in', serdes)
    for (const timestampMs of [5, 9, 10, 35, 20, 39, 40])
      await input.pipeInput('k', '', { timestampMs })
    for (const ms of [5, 5, 35, 4, 1]) await driver.advanceWallClockTime(ms)
    expect(driver.createOutputTopic('out', serdes).readKeyValuesToList()).toEqual([
      ['stream', '5'],
      ['stream', '10'],
      ['stream', '35'],
      ['stream', '40'],
      ['wall', '10'],
      ['wall', '45'],
      ['wall', '50'],
    ])
  })

  it('counts schedules from its start, also when time moves before the first record', async () => {
    const topology = new Topology().addSource('source', 'in', serdes).addProcessor<string, string>(
      'ticks',
      (context) => {
        context.schedule({ intervalMs: 125, clock: 'wall' }, (atMs) =>
          context.forward({ key: 'tick', value: String(atMs), timestampMs: atMs }),
        )
        return { process: () => {} }
      },
      { parents: ['source'] },
    )
    topology.addSink('sink', 'out', { ...serdes, parents: ['ticks'] })
    await using driver = new TopologyTestDriver(topology, { startMs: 0 })
    for (const ms of [50, 250, 50, 50]) await driver.advanceWallClockTime(ms)
    expect(driver.createOutputTopic('out', serdes).readValuesToList()).toEqual(['300', '400'])
  })
})

describe('the driver with partitions', () => {
  const tagged = new Topology()
    .addSource('source', 'in', serdes)
    .addProcessor<string, string>(
      'tag',
      (context) => ({
        process: (r) => context.forward({ ...r, value: `${r.value}@${context.taskId}` }),
      }),
      { parents: ['source'] },
    )
    .addSink('sink', 'out', { ...serdes, parents: ['tag'] })

  it('gives each partition its task', async () => {
    await using driver = new TopologyTestDriver(tagged, { startMs: 0, partitions: 3 })
    const input = driver.createInputTopic('in', serdes)
    for (const partition of [2, 0, 1]) await input.pipeInput('k', 'v', { partition })
    const values = driver.createOutputTopic('out', serdes).readValuesToList()
    expect(values).toEqual(['v@0_2', 'v@0_0', 'v@0_1'])
    for (const partition of [3, -1, 0.5])
      await expect(input.pipeInput('k', 'v', { partition })).rejects.toThrow(
        `has no partition ${partition}`,
      )
  })

  it('sends a key to one partition, as a producer does', async () => {
    await using driver = new TopologyTestDriver(tagged, { startMs: 0, partitions: 3 })
    const input = driver.createInputTopic('in', serdes)
    for (const key of ['a', 'b', 'a', 'b', 'c']) await input.pipeInput(key, key)
    const values = driver.createOutputTopic('out', serdes).readValuesToList()
    expect(new Set(values).size).toBe(3)
  })

  it('commits where a punctuator asks for it', async () => {
    const topology = new Topology()
      .addSource('source', 'in', serdes)
      .addProcessor<string, string>(
        'ticks',
        (context) => {
          context.schedule({ intervalMs: 10, clock: 'wall' }, async (timestampMs) => {
            await context.forward({ key: 'tick', value: context.taskId, timestampMs })
            if (timestampMs === 20) context.commit()
          })
          return { process() {} }
        },
        { parents: ['source'] },
      )
      .addSink('sink', 'out', { ...serdes, parents: ['ticks'] })
    await using driver = new TopologyTestDriver(topology, {
      startMs: 0,
      partitions: 1,
      config: { processingGuarantee: 'exactly_once_v2', commitIntervalMs: 1000 },
    })
    const output = driver.createOutputTopic('out', serdes)
    await driver.advanceWallClockTime(10)
    expect(output.isEmpty).toBe(true)
    await driver.advanceWallClockTime(10)
    expect(output.readValuesToList()).toEqual(['0_0', '0_0'])
  })

  it('shows nothing before the commit under exactly-once', async () => {
    await using driver = new TopologyTestDriver(tagged, {
      startMs: 0,
      partitions: 2,
      config: { processingGuarantee: 'exactly_once_v2', commitIntervalMs: 100 },
    })
    const input = driver.createInputTopic('in', serdes)
    const output = driver.createOutputTopic('out', serdes)
    await input.pipeInput('a', '1')
    expect(output.isEmpty).toBe(true)
    await driver.advanceWallClockTime(101)
    expect(output.queueSize).toBe(1)
    await input.pipeInput('a', '2')
    await driver.commit()
    expect(output.queueSize).toBe(2)
  })
})
