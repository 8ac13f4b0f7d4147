import { describe, expect, it } from 'vitest'
import {
  json,
  keyValueStore,
  nullable,
  required,
  string,
  TopologyError,
  Topology,
  type Processor,
} from '../../src/index.js'
import { compareTaskIds, parseTaskId, taskIdText } from '../../src/topology/task-id.js'

const S = { key: string(), value: string() }
const pass = (): Processor<unknown, unknown> => ({ process() {} })

/** A source, a processor and a sink. */
const simple = (): Topology =>
  new Topology()
    .addSource('in', 'input', S)
    .addProcessor('p', pass, { parents: ['in'] })
    .addSink('out', 'output', { parents: ['p'], ...S })

describe('describe()', () => {
  it('prints the blanks and line breaks of Kafka Streams', () => {
    expect(simple().describe()).toBe(
      [
        'Topologies:',
        '   Sub-topology: 0',
        '    Source: in (topics: [input])',
        '      --> p',
        '    Processor: p (stores: [])',
        '      --> out',
        '      <-- in',
        '    Sink: out (topic: output)',
        '      <-- p',
        '',
        '',
      ].join('\n'),
    )
  })

  it('numbers the connected parts by their first nodes, and says which keep global stores', () => {
    const topology = simple()
    topology.addGlobalStore('rates', keyValueStore(S), 'rates-topic', () => pass(), S)
    topology.addSource('other', 'second', S).addSink('far', 'there', { parents: ['other'], ...S })
    const titles = topology
      .describe()
      .split('\n')
      .filter((line) => line.includes('Sub-topology'))
    expect(titles).toEqual([
      '   Sub-topology: 0',
      '  Sub-topology: 1 for global store (will not generate tasks)',
      '  Sub-topology: 2',
    ])
  })

  it('puts nodes that share a store into one part, though no edge connects them', () => {
    const topology = simple()
      .addSource('in2', 'input2', S)
      .addProcessor('p2', pass, { parents: ['in2'] })
    topology.addStateStore('shared', keyValueStore(S), ['p', 'p2'])
    expect(topology.freeze().subtopologies).toHaveLength(1)
    expect(topology.describe()).toContain('Processor: p2 (stores: [shared])')
  })

  it('prints larger trees first, then by name', () => {
    const topology = new Topology()
      .addSource('s', 'in', S)
      .addProcessor('b', pass, { parents: ['s'] })
      .addProcessor('a', pass, { parents: ['s'] })
      .addProcessor('under-b', pass, { parents: ['b'] })
    const names = [...topology.describe().matchAll(/(?:Source|Processor): (\S+)/g)].map((m) => m[1])
    expect(names).toEqual(['s', 'b', 'a', 'under-b'])
  })

  it('prints a parent that is named twice once, though records come from it twice', () => {
    const topology = new Topology()
      .addSource('s', 'in', S)
      .addProcessor('p', pass, { parents: ['s', 's'] })
    expect(topology.describe()).toContain('--> p\n')
    expect(topology.describe()).toContain('<-- s\n')
  })

  it('prints a topic chooser as an extractor', () => {
    const topology = new Topology()
      .addSource('s', /^plant-/, S)
      .addSink('k', () => 'x', { parents: ['s'], ...S })
    expect(topology.describe()).toContain('Sink: k (extractor class: <extractor>)')
    expect(topology.describe()).toContain('Source: s (topics: ^plant-)')
  })

  it('names the serdes when asked', () => {
    expect(simple().describe({ serdes: true })).toContain('serdes: key string(), value string()')
    expect(simple().describe()).not.toContain('serdes')
  })
})

describe('mistakes are refused while they are made', () => {
  const refused = (build: () => unknown, message: RegExp): void => {
    expect(build).toThrow(TopologyError)
    expect(build).toThrow(message)
  }

  it('a name twice', () => refused(() => simple().addSource('p', 'x', S), /named p exists already/))

  it('names that no topic could have', () => {
    for (const name of ['', 'a b', 'ä', '.', '..', 'x'.repeat(250)])
      refused(() => new Topology().addSource(name, 'in', S), /name/)
  })

  it('topics that no log could have, or none', () => {
    for (const topic of ['', 'a b', 'ä', 'x'.repeat(250)]) {
      refused(() => new Topology().addSource('s', topic, S), /topic of s/)
      refused(() => new Topology().addSource('s', ['in', topic], S), /topic of s/)
      refused(() => simple().addSink('k', topic, { parents: ['p'], ...S }), /topic of k/)
    }
    refused(
      () => new Topology().addSource('s', undefined as never, S),
      /s needs at least one topic/,
    )
    refused(() => simple().addSink('k', undefined as never, { parents: ['p'], ...S }), /topic of k/)
  })

  it('an unknown start of reading', () => {
    const o = { ...S, offsetReset: 'first' as never }
    refused(
      () => new Topology().addSource('s', 'in', o),
      /'earliest', 'latest' or 'none', not first/,
    )
  })

  it('an unknown parent, no parent, a sink as parent', () => {
    refused(() => simple().addProcessor('q', pass, { parents: ['nobody'] }), /nobody/)
    refused(() => simple().addProcessor('q', pass, { parents: [] }), /at least one/)
    refused(() => simple().addProcessor('q', pass, { parents: ['out'] }), /sink out/)
  })

  it('nodes below those that fill a global store', () => {
    const topology = simple()
    const keeper = () => ({ process() {} })
    topology.addGlobalStore('g', keyValueStore(S), 'rates', keeper, S)
    for (const parent of ['g-source', 'g-processor'])
      refused(
        () => topology.addSink('k', 'o', { parents: [parent], ...S }),
        new RegExp(`follow ${parent}, which only fills the global store g`),
      )
  })

  it('a topic that two sources read', () => {
    refused(() => simple().addSource('again', ['x', 'input'], S), /input is read by in already/)
    refused(() => simple().addSource('again', /^inp/, S), /input is read by in already/)
    const pattern = new Topology().addSource('all', /^in/, S)
    refused(() => pattern.addSource('one', 'in-1', S), /in-1 is read by all already/)
  })

  it('two stores of one name, but not one builder twice', () => {
    const topology = simple().addProcessor('q', pass, { parents: ['in'] })
    const store = keyValueStore(S)
    topology.addStateStore('st', store, ['p'])
    topology.addStateStore('st', store, ['q'])
    refused(() => topology.addStateStore('st', keyValueStore(S)), /st is added twice/)
  })

  it('a store that was never added', () => {
    refused(() => simple().connectProcessorAndStateStores('p', ['st']), /add the store first/)
    refused(() => simple().addStateStore('st', keyValueStore(S), ['in']), /no processor/)
  })

  it('a store that several topics would fill', () => {
    const keeper = () => ({ process() {} })
    for (const topic of [['a', 'b'], /^a/] as never[]) {
      const add = (topology: Topology) =>
        topology.addReadOnlyStateStore('st', keyValueStore(S), topic, keeper, S)
      refused(() => add(new Topology()), /read-only store st is read from exactly one topic/)
    }
  })

  it('a missing serde, with the remedy', () =>
    refused(() => new Topology().addSource('in', 'input'), /in has no key serde: give it `key`/))

  it('largeMessages, until they are there', () => {
    const o = { parents: ['p'], ...S, largeMessages: { store: { put: async () => {} } } }
    refused(() => simple().addSink('k', 't', o), /largeMessages/)
  })

  it('a topology without a source', () => refused(() => new Topology().freeze(), /no source/))
})

describe('freeze()', () => {
  it('gives the same frozen data again, and refuses additions', () => {
    const topology = simple()
    const frozen = topology.freeze()
    expect(topology.freeze()).toBe(frozen)
    expect(Object.isFrozen(frozen)).toBe(true)
    expect(Object.isFrozen(frozen.subtopologies[0]!.nodes)).toBe(true)
    expect(() => topology.addSource('late', 'x', S)).toThrow(/frozen/)
    expect(() => topology.addStateStore('late', keyValueStore(S))).toThrow(/frozen/)
  })

  it('keeps nodes and stores in order of addition', () => {
    const topology = simple()
    topology.addStateStore('second', keyValueStore(S), ['p'])
    topology.addStateStore('first', keyValueStore(S), ['p'])
    const [part] = topology.freeze().subtopologies
    expect(part!.nodes.map(({ name }) => name)).toEqual(['in', 'p', 'out'])
    expect(part!.stores.map(({ name }) => name)).toEqual(['second', 'first'])
  })

  it('reads a topic once, however often a source lists it', () => {
    const [part] = new Topology().addSource('s', ['a', 'b', 'a'], S).freeze().subtopologies
    expect(part?.nodes[0]).toMatchObject({ topics: ['a', 'b'] })
  })

  it('lets nulls pass only where the serdes promise them', () => {
    const topology = new Topology()
      .addSource('strict', 'a', { key: required(string()), value: json() })
      .addSource('loose', 'b', { key: string(), value: nullable(json()) })
    const sources = topology.freeze().subtopologies.flatMap(({ nodes }) => nodes)
    expect(sources).toMatchObject([
      { nullKey: 'refuse', nullValue: 'refuse' },
      { nullKey: 'pass', nullValue: 'pass' },
    ])
  })

  it('keeps no changelog for global and read-only stores', () => {
    const topology = simple()
    topology.addGlobalStore('g', keyValueStore(S), 'g-topic', () => pass(), S)
    topology.addReadOnlyStateStore('r', keyValueStore(S), 'r-topic', () => pass(), {
      ...S,
      name: 'r-in',
      processorName: 'r-keeper',
    })
    const frozen = topology.freeze()
    expect(frozen.globalStores).toMatchObject([
      { store: { name: 'g', logging: false }, restore: 'reprocess' },
    ])
    expect(frozen.subtopologies[1]!.stores).toMatchObject([{ name: 'r', logging: false }])
    expect([...frozen.sourceChangelogs]).toEqual([['r', 'r-topic']])
    expect(frozen.subtopologies[1]!.nodes.map(({ name }) => name)).toEqual(['r-in', 'r-keeper'])
  })
})

describe('task ids', () => {
  it('are written as subtopology and partition', () => {
    expect(taskIdText({ subtopology: 1, partition: 12 })).toBe('1_12')
    expect(parseTaskId('1_12')).toEqual({ subtopology: 1, partition: 12 })
    expect(parseTaskId('1-12')).toBeUndefined()
  })

  it('sort by number', () => {
    const ids = ['10_0', '2_11', '2_2'].map((text) => parseTaskId(text)!)
    expect(ids.toSorted(compareTaskIds).map(taskIdText)).toEqual(['2_2', '2_11', '10_0'])
  })
})
