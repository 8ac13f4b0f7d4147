import { describe, expect, it } from 'vitest'
import {
  GlobalKTable,
  json,
  keyValueStore,
  long,
  lruStore,
  nullable,
  required,
  session,
  sessionStore,
  string,
  StreamsBuilder,
  timestampedWindowStore,
  TopologyError,
  tumbling,
  unlimited,
  versionedStore,
  windowStore,
  type KStream,
  type KTable,
} from '../../src/index.js'

const S = { key: string(), value: string() }
const strings = () => new StreamsBuilder(S)
const minute = tumbling({ sizeMs: 60_000, graceMs: 0 })

/** The names of nodes, in order of their numbers where they have one. */
const nodes = (builder: StreamsBuilder<any, any>): string[] =>
  [
    ...builder
      .build()
      .describe()
      .matchAll(/(?:Source|Processor|Sink): (\S+)/g),
  ]
    .map((match) => match[1]!)
    .toSorted((a, b) => a.slice(-10).localeCompare(b.slice(-10)))

describe('names and numbers', () => {
  it('count up in order of creation', () => {
    const builder = strings()
    builder.stream('in').groupByKey().count().toStream().mapValues(String).to('out')
    expect(nodes(builder)).toEqual([
      'KSTREAM-SOURCE-0000000000',
      'KSTREAM-AGGREGATE-0000000002',
      'KTABLE-TOSTREAM-0000000003',
      'KSTREAM-MAPVALUES-0000000004',
      'KSTREAM-SINK-0000000005',
    ])
  })

  it('are used up by given names too, so that naming one node renames no other', () => {
    const builder = strings()
    builder
      .stream('in', { name: 'mine' })
      .filter(() => true, { name: 'f' })
      .to('out')
    expect(nodes(builder)).toContain('KSTREAM-SINK-0000000002')
  })

  it('give a repartition three numbers and the name of the store, or of the grouping', () => {
    const unnamed = strings()
    unnamed
      .stream('in')
      .groupBy((v) => v)
      .count()
    expect(unnamed.build().describe()).toContain(
      'KSTREAM-AGGREGATE-STATE-STORE-0000000002-repartition',
    )
    const named = strings()
    named
      .stream('in')
      .groupBy((v) => v, { name: 'by-value' })
      .count()
    const text = named.build().describe()
    for (const part of ['filter', 'sink', 'source'])
      expect(text).toContain(`by-value-repartition-${part}`)
  })

  it('of branches follow from the split and their position', () => {
    const builder = strings()
    const { a, b, rest } = builder
      .stream('in')
      .split({ name: 'split' })
      .branch('a', (v) => v > 'm')
      .branch('b', () => true, { name: '-b' })
      .defaultBranch('rest')
    for (const [i, stream] of [a, b, rest].entries()) stream.to(`out${i}`)
    const text = builder.build().describe()
    for (const name of ['split1', 'split-b', 'split0']) expect(text).toContain(`Processor: ${name}`)
  })

  it('may not repeat', () => {
    const builder = strings()
    builder.stream('in').filter(() => true, { name: 'x' })
    builder.stream('in').filter(() => true, { name: 'x' })
    expect(() => builder.build()).toThrow(/a node named x exists already/)
  })

  it('are not empty, also where something is added to them', () => {
    const within = { beforeMs: 1, afterMs: 1, graceMs: 0 }
    const refused = (use: (s: KStream<any, any>, t: KTable<any, any>) => unknown) => {
      const builder = strings()
      expect(() => use(builder.stream('s'), builder.table('t'))).toThrow(
        /must be a text that is not/,
      )
    }
    refused((s) => s.repartition({ name: '' }))
    refused((s) => s.groupByKey({ name: '' }))
    refused((s) => s.join(s, (a) => a, { within, name: '' }))
    refused((s) => s.join(s, (a) => a, { within, store: '' }))
    refused((_s, t) => t.join(t, (a) => a, { name: '' }))
    refused((s) =>
      s
        .groupByKey()
        .cogroup({ initial: () => 0, add: (n) => n })
        .aggregate({ name: '' }),
    )
    expect(() => strings().stream('s').repartition({ name: 'a b' })).toThrow(
      /repartition 'a b' may/,
    )
  })

  it('of branches may not repeat either', () => {
    const split = strings()
      .stream('in')
      .split()
      .branch('a', () => true)
    expect(() => split.branch('a' as never, () => true)).toThrow(/branch 'a' already/)
  })

  it('are not added after the end of a split', () => {
    const split = strings().stream('in').split({ name: 'sp' })
    split.noDefaultBranch()
    expect(() => split.branch('late', () => true)).toThrow(
      'sp has ended: add branches before defaultBranch() or noDefaultBranch()',
    )
  })
})

describe('sources', () => {
  it('of the same topics are one', () => {
    const builder = strings()
    builder.stream(['a', 'b']).to('x')
    builder.stream(['b', 'a']).to('y')
    const text = builder.build().describe()
    expect(text.match(/Source:/g)).toHaveLength(1)
    expect(text).toContain('KSTREAM-SINK-0000000003')
  })

  it('of the same topics read them alike', () => {
    const twice = (first: object, second: object) => () => {
      const builder = strings()
      builder.stream('a', first)
      builder.stream('a', second)
      builder.build()
    }
    const timed = () => ({ value: json(), timestamp: () => 5 })
    expect(twice({}, { value: json() })).toThrow(/same topics with different value serdes/)
    expect(twice({}, { value: nullable(string()) })).toThrow(/different value serdes/)
    expect(twice({ key: required(string()) }, {})).toThrow(/different key serdes/)
    expect(twice({}, { timestamp: () => 5 })).toThrow(/different timestamp/)
    expect(twice({ offsetReset: 'latest' }, {})).toThrow(/different offsetReset/)
    expect(twice(timed(), timed())).not.toThrow()
  })

  it('may not overlap', () => {
    const overlapping = strings()
    overlapping.stream(['a', 'b'])
    overlapping.stream(['b', 'c'])
    expect(() => overlapping.build()).toThrow(/topic b is read/)
    const table = strings()
    table.stream('a')
    table.table('a')
    expect(() => table.build()).toThrow(/topic a is read/)
  })
})

describe('stores', () => {
  const storesOf = (builder: StreamsBuilder<any, any>): string[] =>
    builder
      .build()
      .freeze()
      .subtopologies.flatMap(({ stores }) => stores.map(({ name }) => name))

  it('are made for a table only when something needs its rows', () => {
    const plain = strings()
    plain.table('t').toStream().to('out')
    expect(storesOf(plain)).toEqual([])
    const joined = strings()
    joined.stream('s').join(joined.table('t'), (a, b) => a + b)
    expect(storesOf(joined)).toEqual(['t-STATE-STORE-0000000001'])
  })

  it('are not made for a filter by serdes alone, though a number is used up', () => {
    const builder = strings()
    builder
      .table('t')
      .filter(() => true, S)
      .toStream()
      .to('out')
    const topology = builder.build()
    expect(topology.freeze().subtopologies[0]!.stores).toEqual([])
    expect(topology.describe()).toContain('KTABLE-FILTER-0000000004')
  })

  it('are versioned with historyMs, which needs a name', () => {
    const builder = strings()
    builder.table('t', { store: 'st', historyMs: 1000 })
    expect(builder.build().freeze().subtopologies[0]!.stores[0]!.kind).toBe('versioned')
    expect(() => strings().table('t', { historyMs: 1000 })).toThrow(/give `store`/)
  })

  it('hold windows for as long as they may change, unless more is asked for', () => {
    const retention = (retentionMs?: number): number | undefined => {
      const builder = strings()
      builder.stream('in').groupByKey().windowedBy(minute).count({ store: 'w', retentionMs })
      return builder.build().freeze().subtopologies[0]!.stores[0]!.retentionMs
    }
    expect(retention()).toBe(60_000)
    expect(retention(90_000)).toBe(90_000)
    expect(() => retention(1)).toThrow(/retentionMs 1 is too short/)
  })

  it('of a processor become part of the topology under their property', () => {
    const builder = strings()
    const shared = builder.addStateStore('shared', keyValueStore(S))
    const o = { stores: { own: keyValueStore(S), theirs: shared } }
    builder.stream('in').process(() => ({ process() {} }), o)
    expect(storesOf(builder).toSorted()).toEqual(['own', 'shared'])
  })
})

describe('serdes', () => {
  it('travel until an operator changes the type', () => {
    const builder = new StreamsBuilder({ key: string(), value: json() })
    const numbers = builder.stream('in', { key: string(), value: long() })
    numbers.filter(() => true).to('kept')
    numbers.mapValues((n) => ({ n })).to('lost')
    numbers.mapValues((n) => n + 1, { value: long() }).to('given')
    const text = builder.build().describe({ serdes: true })
    const serdesOf = (topic: string): string =>
      new RegExp(`topic: ${topic}\\)\\s+(serdes: .*)`).exec(text)?.[1] ?? ''
    expect(serdesOf('kept')).toBe('serdes: key string(), value long()')
    expect(serdesOf('lost')).toBe('serdes: key string(), value json() (default)')
    expect(serdesOf('given')).toBe('serdes: key string(), value long()')
  })

  it('stay through a merge only where both sides have the same', () => {
    const value = long()
    const builder = new StreamsBuilder({ key: string(), value: json() })
    const a = builder.stream('a', { value })
    a.merge(builder.stream('b', { value })).to('same')
    a.mapValues(String).merge(builder.stream('c', { value }).mapValues(String)).to('other')
    const text = builder.build().describe({ serdes: true })
    expect(text).toMatch(/topic: same\)\s+serdes: key string\(\) \(default\), value long\(\)\n/)
    expect(text).toMatch(/topic: other\)\s+serdes: .*value json\(\) \(default\)/)
  })

  it('must be known where bytes are made, and the error says where and how', () => {
    const builder = new StreamsBuilder()
    builder
      .stream('in', { key: string(), value: string() })
      .mapValues((v) => v.length)
      .to('out')
    expect(() => builder.build()).toThrow(TopologyError)
    expect(() => builder.build()).toThrow(
      /KSTREAM-SINK-0000000002 has no value serde: give it `value`/,
    )
    expect(() => new StreamsBuilder().stream('in')).toThrow(/has no key serde/)
  })

  it('are shown for the topics and the store of a foreign-key join', () => {
    const builder = new StreamsBuilder({ key: string(), value: json() })
    const orders = builder.table('orders', { value: string() })
    const customers = builder.table('customers', { key: long(), value: long() })
    orders
      .join(customers, Number, (order, n) => order.length + n, { value: long() })
      .toStream()
      .to('out')
    const text = builder.build().describe({ serdes: true })
    const notes = (topic: string): string[] =>
      Array.from(
        text.matchAll(
          new RegExp(`topics?: \\[?\\S*${topic}\\S*-topic\\]?\\)\\s+(serdes: .*)`, 'g'),
        ),
        (match) => match[1] ?? '',
      )
    const subscription = 'serdes: key long(), value subscription(string())'
    expect(notes('REGISTRATION')).toEqual([subscription, subscription])
    expect(text).toMatch(
      /serdes of KTABLE-FK-JOIN-SUB\S+: key long\(\), value subscription\(string\(\)\)/,
    )
    const response = 'serdes: key string() (default), value response(long())'
    expect(notes('RESPONSE')).toEqual([response, response])
  })

  it('that promise keys are no defaults', () => {
    expect(() => new StreamsBuilder({ key: required(string()) })).toThrow(TypeError)
  })

  it('of sources decide which nulls pass', () => {
    const builder = strings()
    builder.stream('strict')
    builder.stream('loose', { value: nullable(string()) })
    builder.table('rows')
    const sources = builder
      .build()
      .freeze()
      .subtopologies.flatMap((part) => part.nodes.filter(({ kind }) => kind === 'source'))
    expect(sources).toMatchObject([
      { nullValue: 'refuse' },
      { nullValue: 'pass' },
      { nullValue: 'pass' },
    ])
  })
})

describe('build()', () => {
  it('freezes the builder, while the topology may still be added to', () => {
    const builder = strings()
    const stream = builder.stream('in')
    const topology = builder.build()
    expect(() => stream.to('late')).toThrow(/build\(\) has frozen the builder/)
    topology.addSink('by-hand', 'out', { parents: ['KSTREAM-SOURCE-0000000000'], ...S })
    expect(topology.describe()).toContain('by-hand')
  })

  it('gives an equal topology when called again', () => {
    const builder = new StreamsBuilder({ ...S, optimization: 'all' })
    builder
      .stream('in')
      .selectKey((v) => v)
      .groupByKey()
      .count()
    expect(builder.build().describe()).toBe(builder.build().describe())
  })

  it('lists what may be queried, under the names of the stores', () => {
    const builder = strings()
    const counts = builder.stream('in').groupByKey().count({ store: 'counts' })
    const rows = builder.globalTable('rows', { store: 'rows' })
    expect(rows).toBeInstanceOf(GlobalKTable)
    expect(builder.build().freeze().queryable).toBeUndefined()
    expect([...builder.build({ counts, rows }).freeze().queryable!]).toEqual(['counts', 'rows'])
    expect(() => builder.build({ total: counts })).toThrow(/total is the store counts/)
  })

  it('refuses to list a table whose store has no name', () => {
    const builder = strings()
    const counts = builder.stream('in').groupByKey().count()
    expect(() => builder.build({ counts })).toThrow(/`store: 'counts'`/)
  })

  it('notes which internal names are generated, and what would name them', () => {
    const builder = strings()
    builder
      .stream('in')
      .selectKey((v) => v)
      .groupByKey()
      .count()
    const { generatedNames } = builder.build().freeze()
    expect(generatedNames.map(({ kind, remedy }) => [kind, remedy])).toEqual([
      ['repartition', '`name` of the grouping'],
      ['changelog', '`store`'],
    ])
    const named = strings()
    named
      .stream('in')
      .selectKey((v) => v)
      .groupByKey({ name: 'g' })
      .count({ store: 'c' })
    expect(named.build().freeze().generatedNames).toEqual([])
  })

  it('notes generated names of stores without a changelog, and of those that are not kept', () => {
    const builder = strings()
    const table = builder.table('t')
    table.filter(() => true, { caching: false })
    builder.globalTable('g')
    const stream = builder.stream('in')
    stream.groupByKey().count({ logging: false })
    const within = { beforeMs: 1, afterMs: 1, graceMs: 0 }
    stream.join(stream, (a, b) => a + b, { within, logging: false })
    const { generatedNames } = builder.build().freeze()
    expect(generatedNames.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'store KSTREAM-JOINTHIS-0000000014-store',
      'store KSTREAM-JOINOTHER-0000000015-store',
      'store t-STATE-STORE-0000000000',
      'store g-STATE-STORE-0000000005',
      'store KSTREAM-AGGREGATE-STATE-STORE-0000000010',
    ])
  })

  it('notes which topics must have equal numbers of partitions', () => {
    const builder = strings()
    builder
      .stream('s')
      .selectKey((v) => v)
      .join(builder.table('t'), (a, b) => a + b, { name: 'j' })
    expect(builder.build().freeze().copartitionGroups).toEqual([['j-repartition', 't']])
  })

  it('notes them for patterns too', () => {
    const builder = strings()
    builder.stream<string, string>(/^plant-/).join(builder.table('t'), (l) => l)
    const [group] = builder.build().freeze().copartitionGroups
    expect(group?.map(String)).toEqual(['/^plant-/', 't'])
  })

  it('notes them for merged repartitions and merged sources too', () => {
    const builder = new StreamsBuilder({ ...S, optimization: 'all' })
    builder.stream('in')
    const keyed = builder.stream('in').selectKey((v) => v)
    keyed.groupByKey({ name: 'first' }).count()
    keyed.join(builder.table('t'), (a, b) => a + b, { name: 'second' })
    builder.stream('in').join(builder.table('u'), (a, b) => a + b)
    expect(builder.build().freeze().copartitionGroups).toEqual([
      ['first-repartition', 't'],
      ['in', 'u'],
    ])
  })

  it('refuses what belongs to another builder', () => {
    const stream = strings().stream('in')
    expect(() => strings().stream('in').merge(stream)).toThrow(/another builder/)
    expect(() => stream.join(strings().table('t'), (a, b) => a + b)).toThrow(/another builder/)
    const global = strings().globalTable('g')
    const join = (): unknown =>
      stream.join(
        global,
        (v) => v,
        (a, b) => a + b,
      )
    expect(join).toThrow(TopologyError)
    expect(join).toThrow(/^KTABLE-SOURCE-\d+ belongs to another builder: build both with one/)
  })
})

describe('mistakes', () => {
  it('suppress until close needs windows', () => {
    const table = strings().table('t')
    expect(() => table.suppress({ until: 'windowCloses' } as never)).toThrow(
      /only windowed tables close/,
    )
  })

  it('a fold has a beginning', () => {
    const grouped = strings().stream('s').groupByKey()
    const table = strings()
      .table('t')
      .groupBy((value, key) => [key, value])
    const add = (a: unknown) => a
    const needs = /a fold needs `initial` and `add`/
    expect(() => grouped.aggregate({ add } as never)).toThrow(needs)
    expect(() => grouped.windowedBy(minute).aggregate({ add } as never)).toThrow(needs)
    expect(() => grouped.cogroup({ add } as never)).toThrow(needs)
    expect(() => table.aggregate({ add, subtract: add } as never)).toThrow(needs)
  })

  it('suppress takes no other word for what it does', () => {
    const suppress = (o: object) =>
      strings()
        .table('t')
        .suppress(o as never)
    expect(() => suppress({ until: 'windowClosed' })).toThrow(/until must be 'windowCloses'/)
    expect(() => suppress({ untilTimeLimitMs: 5, whenFull: 'drop' })).toThrow(
      /whenFull must be 'emitEarly' or 'shutDown', not drop/,
    )
  })

  it('unlimited windows never close', () => {
    const windows = strings().stream('s').groupByKey().windowedBy(unlimited())
    expect(() => windows.emitStrategy('onWindowClose')).toThrow(/unlimited windows never close/)
    expect(() => windows.emitStrategy('onWindowUpdate')).not.toThrow()
  })

  it('a grace period needs a versioned table that remembers as long', () => {
    const join = (historyMs?: number): void => {
      const builder = strings()
      const table = builder.table('t', { store: 'st', historyMs })
      builder.stream('s').join(table, (a, b) => a + b, { graceMs: 100 })
      builder.build()
    }
    expect(() => join()).toThrow(/graceMs needs a versioned table/)
    expect(() => join(50)).toThrow(/graceMs 100 is above the history of st/)
    expect(() => join(100)).not.toThrow()
  })

  it('versioned tables cannot be suppressed', () => {
    const table = strings().table('t', { store: 'st', historyMs: 100 })
    expect(() => table.suppress({ untilTimeLimitMs: 5 })).toThrow(/versioned/)
  })

  it('only windows have a retention', () => {
    const build = (use: (builder: StreamsBuilder<any, any>) => unknown) => () => {
      const builder = strings()
      use(builder)
      builder.build()
    }
    const refused = /store st: retentionMs is for windows and sessions/
    const o = { store: 'st', retentionMs: 1000 }
    expect(build((b) => b.table('t', o))).toThrow(refused)
    expect(build((b) => b.stream('s').groupByKey().count(o))).toThrow(refused)
    expect(build((b) => b.table('t').filter(() => true, o))).toThrow(refused)
    expect(build((b) => b.stream('s').groupByKey().windowedBy(unlimited()).count(o))).not.toThrow()
  })

  it('stores have units and bounds', () => {
    const window = (sizeMs: number, retentionMs: number) => () =>
      windowStore({ ...S, sizeMs, retentionMs })
    expect(window(-1, 5)).toThrow(/windowStore: sizeMs must be at least 0, not -1/)
    expect(window(10, NaN)).toThrow(/windowStore: retentionMs must be whole milliseconds/)
    expect(window(10, 5)).toThrow(/retentionMs 5 is below sizeMs 10/)
    expect(window(10, 10)).not.toThrow()
    expect(() => timestampedWindowStore({ ...S, sizeMs: 10 } as never)).toThrow(/retentionMs/)
    expect(() => sessionStore({ ...S, retentionMs: -1 })).toThrow(/sessionStore: retentionMs/)
    expect(() => versionedStore({ ...S, historyMs: 1.5 })).toThrow(/versionedStore: historyMs/)
    const segmented = () => versionedStore({ ...S, historyMs: 5, segmentIntervalMs: 0 })
    expect(segmented).toThrow(/segmentIntervalMs must be at least 1, not 0/)
    expect(() => lruStore({ ...S } as never)).toThrow(/lruStore: maxEntries/)
    expect(() => lruStore({ ...S, maxEntries: -1 })).toThrow(/maxEntries must be a whole number/)
  })

  it('windows have units and bounds', () => {
    expect(() => tumbling({ sizeMs: 0, graceMs: 0 })).toThrow(/sizeMs must be at least 1/)
    expect(() => tumbling({ sizeMs: 1 } as never)).toThrow(/graceMs must be whole milliseconds/)
    expect(() => session({ gapMs: 1.5, graceMs: 0 })).toThrow(/gapMs/)
    expect(() => unlimited({ startMs: -1 })).toThrow(/startMs/)
    const stream = strings().stream('s')
    const within = { beforeMs: 1, afterMs: -2, graceMs: 0 }
    expect(() => stream.join(stream, (a, b) => a + b, { within })).toThrow(/no interval/)
  })

  it('an unknown optimization or engine', () => {
    expect(() => new StreamsBuilder({ optimization: ['all'] as never })).toThrow(/unknown optim/)
    const comma = 'reuse.ktable.source.topics,merge.repartition.topics'
    expect(() => new StreamsBuilder({ optimization: comma as never })).toThrow(
      `unknown optimization '${comma}': take 'all', 'none', or a list of`,
    )
    const builder = new StreamsBuilder({ ...S, engine: 'rocks' as never })
    builder.table('t', { store: 'x' })
    expect(() => builder.build()).toThrow(/unknown store engine "rocks": use 'leveldb'/)
    const own = new StreamsBuilder({ ...S, engine: {} as never })
    own.table('t', { store: 'st' })
    expect(() => own.build()).toThrow(/engines of your own are not available in this version/)
  })

  it('a join with something else', () => {
    const stream = strings().stream('s')
    expect(() => (stream.join as any)({}, () => 1)).toThrow(TypeError)
  })

  it('largeMessages, until they are there', () => {
    const stream = strings().stream('s')
    const largeMessages = { store: { put: async () => {} } }
    expect(() => stream.to('out', { largeMessages })).toThrow(/largeMessages/)
  })
})

describe('optimization', () => {
  it('merges the repartitions behind one change of key, named after the first', () => {
    const build = (optimization: 'all' | 'none'): string => {
      const builder = new StreamsBuilder({ ...S, optimization })
      const keyed = builder.stream('in').selectKey((v) => v)
      keyed.groupByKey().count()
      keyed.groupByKey().reduce((a, b) => a + b)
      return builder.build().describe()
    }
    expect(build('none').match(/-repartition\)/g)).toHaveLength(2)
    const merged = build('all')
    expect(merged.match(/-repartition\)/g)).toHaveLength(1)
    expect(merged).toContain('KSTREAM-AGGREGATE-STATE-STORE-0000000002-repartition-filter')
  })

  it('moves no repartition above a processor that may change the key', () => {
    const builder = new StreamsBuilder({ ...S, optimization: 'all' })
    builder
      .stream('in')
      .selectKey((v) => v)
      .process((context) => ({ process: (r) => context.forward({ ...r, key: 'other' }) }))
      .groupByKey({ name: 'g' })
      .count()
    expect(builder.build().describe()).toMatch(
      /g-repartition-filter.*\n.*\n\s+<-- KSTREAM-PROCESSOR/,
    )
  })

  it('merges repartitions below one branch point', () => {
    const builder = new StreamsBuilder({ ...S, optimization: 'all' })
    const { a, b } = builder
      .stream('in')
      .selectKey((v) => v)
      .split()
      .branch('a', (v) => v > 'm')
      .branch('b', () => true)
      .noDefaultBranch()
    a.groupByKey().count()
    b.groupByKey().count()
    expect(
      builder
        .build()
        .describe()
        .match(/-repartition\)/g),
    ).toHaveLength(1)
  })

  it('restores a table from its topic instead of a changelog', () => {
    const builder = new StreamsBuilder({ ...S, optimization: ['reuse.ktable.source.topics'] })
    builder.table('t', { store: 'st' })
    const frozen = builder.build().freeze()
    expect([...frozen.sourceChangelogs]).toEqual([['st', 't']])
    expect(frozen.subtopologies[0]!.stores[0]!.logging).toBe(false)
  })

  it('keeps one store for the join of a stream with itself', () => {
    const builder = new StreamsBuilder({ ...S, optimization: ['single.store.self.join'] })
    const stream = builder.stream('in')
    stream.join(stream, (a, b) => a + b, { within: { beforeMs: 5, afterMs: 5, graceMs: 0 } })
    expect(builder.build().freeze().subtopologies[0]!.stores).toHaveLength(1)
  })
})

describe('wrapProcessor', () => {
  it('is called for every processor node with its stores', async () => {
    const seen: { name: string; stores: readonly string[] }[] = []
    const builder = new StreamsBuilder({
      ...S,
      wrapProcessor: (node, processor) => {
        seen.push(node)
        return processor
      },
    })
    builder.stream('in').groupByKey().count({ store: 'c' })
    const { TopologyTestDriver } = await import('../../src/testing/index.js')
    await using driver = new TopologyTestDriver(builder.build())
    await driver.createInputTopic('in', S).pipeInput('a', 'x')
    expect(seen).toEqual([{ name: 'KSTREAM-AGGREGATE-0000000001', stores: ['c'] }])
  })

  it.each([undefined, {}, Promise.resolve({ process() {} })])(
    'is told when it returns no processor, also where failing records are passed over',
    async (made) => {
      const builder = new StreamsBuilder({ ...S, wrapProcessor: () => made as never })
      builder.stream('in').filter(() => true, { name: 'f' })
      const { TopologyTestDriver } = await import('../../src/testing/index.js')
      await using driver = new TopologyTestDriver(builder.build(), {
        config: { processingHandler: 'continue' },
      })
      const piped = driver.createInputTopic('in', S).pipeInput('a', 'x')
      await expect(piped).rejects.toThrow(/wrapProcessor must return a processor for f/)
    },
  )
})
