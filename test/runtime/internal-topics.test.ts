// How many partitions internal topics get, how they are configured, and what does not fit.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StreamsBuilder } from '../../src/dsl/streams-builder.js'
import { silentLogger } from '../../src/logger.js'
import {
  changelogConfig,
  prepareInternalTopics,
  resolvePartitions,
} from '../../src/runtime/internal-topics.js'
import { TopicNames } from '../../src/runtime/task-environment.js'
import { string } from '../../src/serde/serdes.js'
import type { StoreSpec } from '../../src/state/state-store.js'
import type { FrozenTopology } from '../../src/topology/topology-node.js'
import { Topology } from '../../src/topology/topology.js'
import { EmbeddedBench } from './embedded-bench.js'

const strings = { key: string(), value: string() }

/** a → mid1 → mid2, and b; `groups` are co-partitioned. */
function chain(
  groups: FrozenTopology['copartitionGroups'],
  enforced: Readonly<Record<string, number>> = {},
): FrozenTopology {
  const frozen = new Topology()
    .addSource('a', 'a', strings)
    .addSink('to1', 'mid1', { parents: ['a'], ...strings })
    .addSource('1', 'mid1', strings)
    .addSink('to2', 'mid2', { parents: ['1'], ...strings })
    .addSource('2', 'mid2', strings)
    .addSource('b', 'b', strings)
    .freeze()
  const repartitionTopics = ['mid1', 'mid2'].map((name) => ({ name, partitions: enforced[name] }))
  return { ...frozen, repartitionTopics, copartitionGroups: groups }
}

const resolve = (topology: FrozenTopology, a = 6, b = 3): Record<string, number> => {
  const names = new TopicNames('app', topology)
  const counts = resolvePartitions(
    topology,
    names,
    new Map([
      ['a', a],
      ['b', b],
    ]),
  )
  return Object.fromEntries(counts)
}

describe('partition counts', () => {
  it('follow the sources upstream, over several hops', () => {
    expect(resolve(chain([]))).toEqual({ a: 6, b: 3, 'app-mid1': 6, 'app-mid2': 6 })
  })

  it('adopt that of an external topic in the same group', () => {
    expect(resolve(chain([['mid2', 'b']]))).toMatchObject({ 'app-mid1': 6, 'app-mid2': 3 })
  })

  it('keep what the user enforced', () => {
    expect(resolve(chain([], { mid1: 2 }))).toMatchObject({ 'app-mid1': 2, 'app-mid2': 2 })
  })

  it('of external topics in one group must agree', () => {
    expect(() => resolve(chain([['a', 'b']]))).toThrow(
      /Topics not co-partitioned: \[\{a=6, b=3\}\]/,
    )
  })

  it('of topics that match a pattern must agree with them', () => {
    expect(() => resolve(chain([[/^a$/, 'b']]))).toThrow(/not co-partitioned: \[\{a=6, b=3\}\]/)
    expect(() => resolve(chain([[/^(a|b)$/]]))).toThrow(/not co-partitioned: \[\{a=6, b=3\}\]/)
    expect(resolve(chain([[/^b$/, 'mid2']]))).toMatchObject({ 'app-mid2': 3 })
    expect(resolve(chain([[/^none/, 'b']]))).toMatchObject({ b: 3 })
  })

  it('that are enforced must fit the external ones', () => {
    expect(() => resolve(chain([['mid1', 'b']], { mid1: 2 }))).toThrow(
      /Number of partitions \[2\] of repartition topic \[app-mid1\] doesn't match number of partitions \[3\]/,
    )
    expect(() => resolve(chain([['mid1', 'mid2']], { mid1: 2, mid2: 4 }))).toThrow(
      /do not have the same number of partitions/,
    )
  })
})

describe('changelog configs', () => {
  const spec = (changelog: StoreSpec['changelog'], some: Partial<StoreSpec> = {}): StoreSpec => ({
    name: 's',
    kind: 'keyValue',
    engine: 'memory',
    caching: false,
    logging: {},
    changelog,
    retentionMs: 1000,
    open: () => {
      throw new Error('not opened here')
    },
    ...some,
  })

  it('are those of Kafka Streams by kind', () => {
    const retention = { 'retention.ms': '86401000' }
    expect(changelogConfig(spec('keyValue'))).toEqual({ 'cleanup.policy': 'compact' })
    expect(changelogConfig(spec('buffer'))).toEqual({ 'cleanup.policy': 'compact' })
    expect(changelogConfig(spec('window'))).toEqual({
      'cleanup.policy': 'compact,delete',
      ...retention,
    })
    expect(changelogConfig(spec('joinWindow'))).toEqual({
      'cleanup.policy': 'delete',
      ...retention,
    })
    expect(changelogConfig(spec('versioned'))).toEqual({
      'cleanup.policy': 'compact',
      'min.compaction.lag.ms': '86401000',
    })
  })

  it('given per store win', () => {
    const logging = { 'cleanup.policy': 'delete', 'segment.bytes': '1' }
    expect(changelogConfig(spec('keyValue', { logging }))).toEqual(logging)
  })
})

describe('internal topics of a program', () => {
  let bench: EmbeddedBench
  beforeEach(async () => void (bench = await EmbeddedBench.open('in')))
  afterEach(() => bench.close())

  const prepare = (topology: FrozenTopology): Promise<ReadonlyMap<string, number>> =>
    prepareInternalTopics({
      topology,
      names: new TopicNames('app', topology),
      admin: bench.client.admin,
      replicationFactor: -1,
      topicConfig: { 'min.insync.replicas': '2' },
      logger: silentLogger,
    })

  const counted = (): FrozenTopology => {
    const builder = new StreamsBuilder(strings)
    builder
      .stream('in')
      .groupBy((value) => value)
      .count({ store: 'counts' })
    return builder.build().freeze()
  }

  it('are created once, with their configs', async () => {
    await prepare(counted())
    await prepare(counted())
    const names = await bench.client.admin.listTopics()
    expect(names.toSorted()).toEqual(['app-counts-changelog', 'app-counts-repartition', 'in'])
    expect(await bench.client.admin.topicConfigs('app-counts-repartition')).toMatchObject({
      'cleanup.policy': 'delete',
      'segment.bytes': '52428800',
      'retention.ms': '-1',
      'message.timestamp.type': 'CreateTime',
      'min.insync.replicas': '2',
    })
  })

  it('refuse to be used with another number of partitions', async () => {
    await bench.createTopics(5, 'app-counts-repartition')
    await expect(prepare(counted())).rejects.toThrow(/invalid partitions: expected: 2; actual: 5/)
  })
})
