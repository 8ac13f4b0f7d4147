// Sources that read what matches a pattern, and what begins to match while they run.
import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../../src/clock.js'
import { StreamsBuilder } from '../../src/dsl/streams-builder.js'
import { silentLogger } from '../../src/logger.js'
import { prepareInternalTopics } from '../../src/runtime/internal-topics.js'
import { PatternWatch } from '../../src/runtime/pattern-watch.js'
import { TopicNames } from '../../src/runtime/task-environment.js'
import { string } from '../../src/serde/serdes.js'
import { TopologyTestDriver } from '../../src/testing/index.js'
import { Topology } from '../../src/topology/topology.js'
import { EmbeddedBench } from './embedded-bench.js'

const topology = (): Topology =>
  new Topology()
    .addSource('in', /^(plant|app)-/, { key: string(), value: string() })
    .addSink('out', 'out', { parents: ['in'], key: string(), value: string() })

it('a pattern reads every topic that matches, but none of our own internal ones', async () => {
  const bench = await EmbeddedBench.open('plant-1', 'plant-2', 'other', 'app-x-changelog', 'out')
  await bench.send('plant-1', ['a', 'one'])
  await bench.send('plant-2', ['a', 'two'])
  await bench.send('other', ['a', 'three'])
  await bench.send('app-x-changelog', ['a', 'four'])
  await bench.app(topology()).start()
  const values = (await bench.received('out', 2)).map((r) => String(r.value))
  expect(new Set(values)).toEqual(new Set(['one', 'two']))
  await bench.close()
})

describe('a pattern that matches nothing yet', () => {
  const strings = { key: string(), value: string() }

  it('leaves the application waiting, with its stores', async () => {
    const builder = new StreamsBuilder(strings)
    const plants = builder.stream<string, string>(/^plant-/)
    plants.groupByKey().count({ store: 'counts' }).toStream().mapValues(String).to('out')
    const bench = await EmbeddedBench.open('other', 'out')
    const first = bench.app(builder.build())
    await first.start()
    expect(first.state).toBe('RUNNING')
    await bench.createTopics(2, 'plant-1')
    const second = bench.app(builder.build(), { stateDir: `${bench.stateDir}/second` })
    await second.start()
    await bench.send('plant-1', ['a', 'one'], ['a', 'two'])
    const counts = (await bench.received('out', 1)).map((r) => String(r.value))
    expect(['1', '2']).toContain(counts[0])
    await bench.close()
  })

  it('is named where partitions follow from it', async () => {
    const builder = new StreamsBuilder(strings)
    builder
      .stream<string, string>(/^plant-/)
      .groupBy((value) => value)
      .count()
    const bench = await EmbeddedBench.open('other')
    const { message } = await bench.failure(builder.build())
    expect(message).toMatch(/cannot be found: no source topic leads to it; each pattern before it/)
    await bench.close()
  })
})

it('a topic that matches two patterns is refused, since each source would read it', async () => {
  const S = { key: string(), value: string() }
  const overlapping = new Topology()
    .addSource('plants', /^plant-/, S)
    .addSource('all', /^p/, S)
    .addSink('out', 'out', { parents: ['plants', 'all'], ...S })
  const names = new TopicNames('app', overlapping.freeze())
  const bench = await EmbeddedBench.open('plant-1')
  const prepared = prepareInternalTopics({
    topology: overlapping.freeze(),
    names,
    admin: bench.client.admin,
    replicationFactor: -1,
    topicConfig: {},
    logger: silentLogger,
  })
  const message = /topic plant-1 matches the patterns of plants and all/
  await expect(prepared).rejects.toThrow(message)
  const driver = new TopologyTestDriver(overlapping)
  expect(() => driver.createInputTopic('plant-1', S)).toThrow(message)
  await bench.close()
})

it('a topic that begins to match asks for another assignment, which keeps what was counted', async () => {
  const bench = await EmbeddedBench.open('plant-1', 'out')
  const frozen = topology().freeze()
  const clock = new VirtualClock()
  const app = bench.app(topology())
  await app.start()
  await bench.send('plant-1', ['a', 'one'])
  await bench.received('out', 1)

  let changes = 0
  const watch = new PatternWatch({
    topology: frozen,
    names: new TopicNames('app', frozen),
    admin: bench.client.admin,
    clock,
    logger: silentLogger,
    changed: () => changes++,
  })
  const looked = async (): Promise<void> => {
    clock.advance(30_000)
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  await looked()
  expect(changes).toBe(0)
  await bench.createTopics(2, 'plant-2')
  await looked()
  expect(changes).toBe(1)
  await looked()
  expect(changes).toBe(1)
  watch.stop()
  await bench.close()
})

it('a second instance that sees more topics makes the first read them too', async () => {
  const bench = await EmbeddedBench.open('plant-1', 'out')
  const first = bench.app(topology())
  await first.start()
  await bench.send('plant-1', ['a', 'one'])
  await bench.received('out', 1)
  await bench.createTopics(2, 'plant-2')
  const second = bench.app(topology(), { stateDir: `${bench.stateDir}/second` })
  await second.start()
  await bench.send('plant-1', ['a', 'two'], ['b', 'two'])
  await bench.send('plant-2', ['a', 'three'], ['b', 'three'])
  const values = (await bench.received('out', 5)).map((r) => String(r.value)).toSorted()
  expect(values).toEqual(['one', 'three', 'three', 'two', 'two'])
  await bench.close()
})
