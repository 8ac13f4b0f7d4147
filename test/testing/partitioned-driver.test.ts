// The driver with partitions: tasks, caches and commits as in production, on typed pipelines.
import { describe, expect, it } from 'vitest'
import {
  json,
  keyValueStore,
  long,
  minutes,
  StreamsBuilder,
  string,
  topic,
  tumbling,
} from '../../src/index.js'
import { TopologyTestDriver } from '../../src/testing/index.js'

const words = topic('words', { key: string(), value: string() })
const counted = { key: string(), value: long() }

/** Counts the values of a topic. */
function counting() {
  const builder = new StreamsBuilder()
  const counts = builder
    .stream(words)
    .groupBy((word) => word, { key: string(), value: string() })
    .count({ store: 'counts', key: string() })
  counts.toStream().to('out', counted)
  return builder.build({ counts })
}

const list = async <T>(rows: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = []
  for await (const row of rows) all.push(row)
  return all
}

describe('the driver with partitions', () => {
  it('lets record caches hold results back until a commit', async () => {
    await using driver = new TopologyTestDriver(counting(), {
      startMs: 0,
      partitions: 3,
      config: { commitIntervalMs: 1000 },
    })
    const input = driver.createInputTopic(words)
    const output = driver.createOutputTopic('out', counted)
    for (const word of ['a', 'b', 'a', 'a']) await input.pipeInput('key', word)
    expect(output.isEmpty).toBe(true)
    await driver.advanceWallClockTime(1001)
    expect([...output.readKeyValuesToMap()].toSorted()).toEqual([
      ['a', 3],
      ['b', 1],
    ])
    await input.pipeInput('key', 'a')
    await driver.commit()
    expect(output.readKeyValuesToList()).toEqual([['a', 4]])
  })

  it('logs each changed row once per commit', async () => {
    await using driver = new TopologyTestDriver(counting(), { startMs: 0, partitions: 2 })
    const input = driver.createInputTopic(words)
    for (const word of ['a', 'a', 'b', 'a']) await input.pipeInput('key', word)
    await driver.commit()
    const changelog = driver.createOutputTopic('test-counts-changelog', counted)
    expect([...changelog.readKeyValuesToList()].toSorted()).toEqual([
      ['a', 3],
      ['b', 1],
    ])
    expect(driver.producedTopicNames).toContain('test-counts-repartition')
  })

  it('answers queries over all partitions, and gives the live store of one', async () => {
    await using driver = new TopologyTestDriver(counting(), { startMs: 0, partitions: 3 })
    const input = driver.createInputTopic(words)
    for (const word of ['a', 'b', 'c', 'd', 'e', 'a']) await input.pipeInput(word, word)
    expect(await driver.store('counts').get('a')).toBe(2)
    expect(await driver.store('counts').get('z')).toBeUndefined()
    const rows = await list(driver.store('counts').all())
    expect(rows.map(([key]) => key).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e'])
    const parts = [0, 1, 2].map((partition) => driver.stateStore('counts', partition))
    expect(new Set(parts).size).toBe(3)
    expect(() => driver.stateStore('counts', 3)).toThrow('no store counts in partition 3')
    expect(() => driver.store('other' as 'counts')).toThrow("there is no store 'other'")
  })

  it('has the results of the driver with one task, in another order', async () => {
    const run = async (partitions: number | undefined) => {
      await using driver = new TopologyTestDriver(counting(), { startMs: 0, partitions })
      const input = driver.createInputTopic(words)
      for (const word of 'the quick fox and the lazy dog and the fox'.split(' '))
        await input.pipeInput(word, word)
      await driver.commit()
      return [...driver.createOutputTopic('out', counted).readKeyValuesToMap()].toSorted()
    }
    expect(await run(4)).toEqual(await run(undefined))
  })
})

describe('a repartition topic with a number of partitions of its own', () => {
  const wide = (source: string | RegExp = 'in') => {
    const builder = new StreamsBuilder({ key: string(), value: string() })
    return {
      builder,
      stream: builder.stream(source).repartition({ name: 'wide', partitions: 5 }),
    }
  }

  it.each(['in', /^i/])(
    'has as many tasks and changelog partitions behind it, from %s',
    async (from) => {
      const { builder, stream } = wide(from)
      const tasks = new Set<string>()
      stream
        .processValues((context) => ({
          process(record) {
            tasks.add(context.taskId)
            return context.forward(record)
          },
        }))
        .groupByKey()
        .count({ store: 'counts' })
        .toStream()
        .groupBy((_count, key) => `${key}!`)
        .count({ store: 'again' })
        .toStream()
        .processValues((context) => ({ process: () => void tasks.add(context.taskId) }))
      await using driver = new TopologyTestDriver(builder.build(), { startMs: 0, partitions: 2 })
      const input = driver.createInputTopic('in', { key: string(), value: string() })
      for (const key of 'abcdefghijkl') await input.pipeInput(key, key)
      await driver.commit()
      await driver.commit()
      expect([...tasks].toSorted()).toEqual(
        [1, 2].flatMap((part) => [0, 1, 2, 3, 4].map((partition) => `${part}_${partition}`)),
      )
      for (const store of ['counts', 'again']) {
        const changelog = driver.createOutputTopic(`test-${store}-changelog`, counted)
        expect(changelog.queueSize).toBe(12)
      }
    },
  )

  it('is refused where it is joined with a topic of another number', () => {
    const { builder, stream } = wide()
    stream.join(builder.table('table'), (left, right) => left + right)
    const topology = builder.build()
    expect(() => new TopologyTestDriver(topology, { partitions: 2 })).toThrow(
      /partitions \[5\] of repartition topic \[test-wide-repartition\].*\[2\]/,
    )
    expect(() => new TopologyTestDriver(topology, { partitions: 5 })).not.toThrow()
    expect(() => new TopologyTestDriver(topology)).not.toThrow()
  })
})

describe('the live store of a driver', () => {
  it('takes writes that are logged and forward nothing', async () => {
    const builder = new StreamsBuilder()
    const last = builder.addStateStore('last', keyValueStore({ key: string(), value: string() }))
    builder
      .stream('in', { key: string(), value: string() })
      .process(
        (context) => {
          const rows = context.getStateStore('last')
          return {
            process(record) {
              const before = record.key === null ? undefined : rows.get(record.key)
              return context.forward({ ...record, value: `${before}` })
            },
          }
        },
        { stores: { last }, value: string() },
      )
      .to('out', { key: string(), value: string() })
    await using driver = new TopologyTestDriver(builder.build(), { startMs: 0 })
    driver.stateStore(last).put('a', 'given')
    const serdes = { key: string(), value: string() }
    await driver.createInputTopic('in', serdes).pipeInput('a', 'x')
    expect(driver.createOutputTopic('out', serdes).readValue()).toBe('given')
    expect(driver.createOutputTopic('test-last-changelog', serdes).readKeyValue()).toEqual([
      'a',
      'given',
    ])
  })
})

describe('windows in a driver', () => {
  it('are queried by key and time', async () => {
    interface Measurement {
      readonly value: number
    }
    const readings = topic('readings', { key: string(), value: json<Measurement>() })
    const builder = new StreamsBuilder()
    const counts = builder
      .stream(readings)
      .groupByKey()
      .windowedBy(tumbling({ sizeMs: minutes(1), graceMs: 0 }))
      .count({ store: 'counts' })
    counts.toStream((_, window) => window.key).to('out', counted)
    await using driver = new TopologyTestDriver(builder.build({ counts }), {
      startMs: 0,
      partitions: 3,
    })
    const input = driver.createInputTopic(readings, { autoAdvanceMs: 1000 })
    await input.pipeKeyValueList([
      ['a', { value: 1 }],
      ['b', { value: 2 }],
      ['a', { value: 3 }],
    ])
    const rows = await driver.store('counts').fetch('a', { fromMs: 0, toMs: 1 })
    expect(rows).toEqual([{ startMs: 0, endMs: minutes(1), value: 2 }])
    expect(await list(driver.store(counts).fetchAll({ fromMs: 0, toMs: 1 }))).toHaveLength(2)
  })

  it('refuse a configuration that KafkaStreams refuses', () => {
    const config = { commitIntervallMs: 5 } as object
    expect(() => new TopologyTestDriver(counting(), { config })).toThrow('commitIntervalMs')
  })
})
