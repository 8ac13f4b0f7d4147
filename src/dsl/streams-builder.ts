// StreamsBuilder: where pipelines begin. It collects a graph and writes it into a Topology.
import { TopologyError } from '../errors.js'
import type { Serde } from '../serde/serde.js'
import { isRequired } from '../serde/serde-traits.js'
import type { RequiredSerde } from '../serde/serdes.js'
import { toSpec, type StateStore, type StoreBuilder, type StoreEngine } from '../state/stores.js'
import type { Processor } from '../topology/processor.js'
import { keeperNode, type Keeper } from '../topology/processor-adapter.js'
import type { TimestampExtractor } from '../topology/timestamp-extractor.js'
import { queryableName, type Queryable } from '../topology/queryable.js'
import { isTopic, type Topic } from '../topology/topic.js'
import { sourceNode } from '../topology/node-parts.js'
import { graphOf, Topology, type KeeperContext } from '../topology/topology.js'
import { StoreHandle, unlogged } from '../topology/topology-stores.js'
import type { ProcessorWrapper } from '../topology/topology-node.js'
import type { NN } from './callbacks.js'
import { GlobalKTable } from './global-ktable.js'
import { GraphNode, StreamSourceNode, TableSourceNode } from './graph/graph-node.js'
import { LogicalGraph } from './graph/logical-graph.js'
import { allOptimizations, type Optimization } from './graph/optimize.js'
import { given, neededRef, refsNote } from './graph/serde-ref.js'
import { KStream } from './kstream.js'
import { KTable, tableBehind } from './ktable.js'
import { engineFor, planStore, tableSpec, type AnyMaterialized } from './materialize.js'
import type { Consumed, TableSource } from './options.js'
import { tableSource } from './processors/table-source.js'
import { SourceTable, storeLookup } from './table-steps.js'

type AnyConsumed = Consumed<any, any>
type AnyTopic = Topic<any, any> | string | readonly string[] | RegExp

/** What a builder assumes where nothing else is said. */
export interface BuilderOptions<DK, DV> {
  readonly key?: Serde<DK> | undefined
  readonly value?: Serde<DV> | undefined
  readonly timestamp?: TimestampExtractor | undefined
  /** Of stores that name none. Default `leveldb`. */
  readonly engine?: 'leveldb' | 'memory' | StoreEngine | undefined
  /** Which rewritings of the graph are allowed. Default none, as in Kafka Streams. */
  readonly optimization?: 'all' | 'none' | readonly Optimization[] | undefined
  /** Called once per processor node and task; what it returns runs in the node's place. */
  readonly wrapProcessor?: ProcessorWrapper | undefined
}

/**
 * Collects a pipeline.
 *
 * @example
 * const builder = new StreamsBuilder({ key: string(), value: json() })
 * builder.stream('in').filter((value) => value !== 'noise').to('out')
 * const topology = builder.build()
 */
export class StreamsBuilder<DK = unknown, DV = unknown> {
  readonly #graph: LogicalGraph
  readonly #wrapProcessor: ProcessorWrapper | undefined

  /** @throws TypeError for defaults that cannot be defaults, such as `required` keys */
  constructor(defaults: BuilderOptions<DK, DV> = {}) {
    if (defaults.key !== undefined && isRequired(defaults.key))
      throw new TypeError(
        'required() is for sources: a default key serde cannot promise that keys exist',
      )
    this.#wrapProcessor = defaults.wrapProcessor
    this.#graph = new LogicalGraph({
      key: defaults.key,
      value: defaults.value,
      timestamp: defaults.timestamp,
      engine: defaults.engine,
      optimizations: chosenOptimizations(defaults.optimization),
    })
  }

  /**
   * A stream of the records of topics: of one, of several, or of all that match a pattern, anywhere in
   * their names unless it is anchored. Keys may be null, unless their serde is `required`; a null value
   * is refused, unless its serde is `nullable`.
   *
   * @example
   * builder.stream(['news', 'mail'], { value: string(), timestamp: (_text, _key, record) => record.timestampMs })
   * // news: a=one@5
   * // mail: a=two
   * // → a=one@5, a=two
   */
  stream<K, V>(
    topic: Topic<K, V> & { readonly key: RequiredSerde<K> },
    o?: Consumed<K, V>,
  ): KStream<K, V>
  stream<K, V = DV>(
    topic: string | readonly string[] | RegExp,
    o: Consumed<K, V> & { readonly key: RequiredSerde<K> },
  ): KStream<K, V>
  stream<K = DK, V = DV>(
    topic: Topic<K, V> | string | readonly string[] | RegExp,
    o?: Consumed<K, V>,
  ): KStream<K | null, V>
  stream(topic: AnyTopic, o: AnyConsumed = {}): KStream<any, any> {
    const graph = this.#graph
    const name = graph.nameOr(o.name, 'KSTREAM-SOURCE-')
    const { key, value, source, note } = this.#source(name, topic, o)
    const node = graph.add(graph.root, new StreamSourceNode(source, [note]))
    const sources = new Set([name])
    return new KStream({ graph, node, name, key, value, sources, rekeyed: false })
  }

  /**
   * A topic as a table: the latest value of each key; null values delete, null keys are dropped.
   *
   * @example
   * builder.table('balances', { value: json<number>(), store: 'balances' })
   * // balances: a=1, a=2, a=∅
   * // → a=1, a=2, a=∅
   */
  table<K = DK, V = DV>(topic: Topic<K, V> | string, o: TableSource<K, V> = {}): KTable<K, NN<V>> {
    const graph = this.#graph
    const { name, source, key, value, plan } = this.#tableParts(topic, o)
    const table = new SourceTable(name, plan)
    const node: TableSourceNode = new TableSourceNode(
      name,
      (out) => {
        out.addSource(source.source)
        out.addNotes(source.source.name, [source.note])
        table.write(out, [source.source.name], graph, { unlogged: node.reusesTopic })
        if (node.reusesTopic && table.isKept) out.useSourceAsChangelog(plan.name, topicName(topic))
      },
      { outputVersioned: table.outputVersioned },
    )
    graph.add(graph.root, node)
    return new KTable({
      graph,
      node,
      name,
      key,
      value,
      sources: new Set([source.source.name]),
      storeName: plan.given,
      lookup: table.lookup,
      oldValues: table.oldValues,
    })
  }

  /**
   * A topic as a table that every instance holds in full, for look-ups by any key. Rows have the times
   * of their records; a timestamp extractor is not asked.
   *
   * @example
   * words.join(
   *   builder.globalTable('meanings', { value: string() }),
   *   (word) => word,
   *   (word, meaning) => `${word} is ${meaning}`,
   * )
   * // meanings: tree=a plant
   * // words: a=tree
   * // → a=tree is a plant
   */
  globalTable<K = DK, V = DV>(
    topic: Topic<K, V> | string,
    o: TableSource<K, V> = {},
  ): GlobalKTable<K, NN<V>> {
    const graph = this.#graph
    const { name, source, plan } = this.#tableParts(topic, o)
    if (plan.versioned)
      throw new TopologyError(`${name}: global tables have no versions; leave historyMs out`)
    const kept = { ...plan, options: { ...plan.options, logging: false as const, caching: false } }
    const store = { name: plan.name, versioned: false }
    const supplier = tableSource({ store: () => store, sendsOldValues: () => false })
    const node = new GraphNode(name, (out) => {
      const spec = tableSpec(graph, kept, name)
      out.addGlobalStore(spec, source.source, { name, supplier }, 'copy')
      out.addNotes(source.source.name, [source.note])
      out.addNotes(name, [refsNote(plan, plan.name)])
    })
    graph.add(graph.root, node)
    return new GlobalKTable({ graph, name, storeName: plan.given, lookup: storeLookup(plan) })
  }

  /**
   * A store that every instance fills from a topic, by a processor of your own. Records keep their own
   * times: a timestamp extractor is not asked.
   */
  addGlobalStore<S, K = DK, V = DV>(
    name: string,
    store: StoreBuilder<S>,
    topic: Topic<K, V> | string,
    keeper: (context: KeeperContext<S>) => Processor<K | null, V | null>,
    o: Consumed<K, V> = {},
  ): StateStore<S> {
    const graph = this.#graph
    const sourceName = graph.suffixedOr(o.name, '-source', 'KSTREAM-SOURCE-')
    const processor = graph.nameOr(o.name, 'KTABLE-SOURCE-')
    const { source, note } = this.#source(sourceName, topic, o as AnyConsumed, 'pass')
    const spec = unlogged(toSpec(store, name, engineFor(graph, {})))
    const supplier = keeperNode(keeper as Keeper, name)
    const node = new GraphNode(processor, (out) => {
      out.addGlobalStore(spec, source, { name: processor, supplier }, 'reprocess')
      out.addNotes(sourceName, [note])
    })
    graph.add(graph.root, node)
    return new StoreHandle<S>(name)
  }

  /**
   * A store for processors, which name it in `stores`; the handle shares it between several.
   *
   * @example
   * words.process(
   *   (context) => {
   *     const last = context.getStateStore('last')
   *     return {
   *       process(record) {
   *         const key = record.key ?? ''
   *         const before = last.get(key) ?? 'nothing'
   *         last.put(key, record.value)
   *         return context.forward({ ...record, value: `${before} ${record.value}` })
   *       },
   *     }
   *   },
   *   { stores: { last: builder.addStateStore('last', keyValueStore({ key: string(), value: string() })) } },
   * )
   * // words: a=to, a=be
   * // → a=nothing to, a=to be
   */
  addStateStore<S>(name: string, store: StoreBuilder<S>): StateStore<S> {
    const graph = this.#graph
    const spec = toSpec(store, name, engineFor(graph, {}))
    graph.add(graph.root, new GraphNode(name, (out) => out.addStore(spec, store)))
    return new StoreHandle<S>(name)
  }

  /**
   * The topology. It freezes the builder; the topology itself may still be added to by hand.
   * `queryable` lists the stores that may be asked, each under its store's name; without it all may.
   * @throws TopologyError when a serde, a store or a name is missing or does not fit
   */
  build<S extends Readonly<Record<string, Queryable>> = {}>(queryable?: S): Topology<S> {
    const topology = new Topology<S>({
      engine: this.#graph.defaults.engine,
      wrapProcessor: this.#wrapProcessor,
      key: this.#graph.defaults.key,
      value: this.#graph.defaults.value,
    })
    const out = graphOf(topology)
    this.#graph.build(out)
    if (queryable !== undefined) out.queryable = queryableNames(queryable)
    return topology
  }

  #source(name: string, topic: AnyTopic, o: AnyConsumed, nulls?: 'pass') {
    const known = isTopic(topic) ? topic : undefined
    const key = this.#graph.key(given(o.key ?? known?.key))
    const value = this.#graph.value(given(o.value ?? known?.value))
    const source = sourceNode({
      name,
      topics: known?.name ?? (topic as string | readonly string[] | RegExp),
      key: neededRef(key, name, 'key'),
      value: neededRef(value, name, 'value'),
      timestamp: o.timestamp ?? this.#graph.defaults.timestamp,
      offsetReset: o.offsetReset,
      nulls,
    })
    return {
      key: given(o.key ?? known?.key),
      value: given(o.value ?? known?.value),
      source,
      note: refsNote({ key, value }),
    }
  }

  /** Names and store of a table, in the order in which indices are used. */
  #tableParts(topic: Topic<any, any> | string, o: TableSource<any, any>) {
    const graph = this.#graph
    const known = isTopic(topic) ? topic : undefined
    const refs = { key: given(o.key ?? known?.key), value: given(o.value ?? known?.value) }
    const plan = planStore(graph, `${topicName(topic)}-`, o as AnyMaterialized, refs)
    const sourceName = graph.suffixedOr(o.name, '-source', 'KSTREAM-SOURCE-')
    const name = graph.nameOr(o.name, 'KTABLE-SOURCE-')
    const source = this.#source(sourceName, topic, o as AnyConsumed, 'pass')
    return { name, source, plan, ...refs }
  }
}

const topicName = (topic: Topic<any, any> | string): string => {
  const name = typeof topic === 'string' ? topic : topic?.name
  if (typeof name === 'string' && name !== '') return name
  throw new TypeError('a table is made of one topic, given by name')
}

function chosenOptimizations(
  chosen: 'all' | 'none' | readonly Optimization[] | undefined,
): ReadonlySet<Optimization> {
  if (chosen === undefined || chosen === 'none') return new Set()
  if (chosen === 'all') return new Set(allOptimizations)
  for (const one of typeof chosen === 'string' ? [chosen as string] : chosen)
    if (!(allOptimizations as readonly string[]).includes(one))
      throw new TypeError(
        `unknown optimization '${String(one)}': take 'all', 'none', or a list of ${allOptimizations.join(', ')}`,
      )
  return new Set(chosen)
}

/** @throws TopologyError for a property that is not its store's name */
function queryableNames(queryable: Readonly<Record<string, Queryable>>): ReadonlySet<string> {
  for (const [property, store] of Object.entries(queryable)) {
    const name = queryableName(store)
    if (name === undefined)
      throw new TopologyError(
        `build(): ${property} has no store that can be asked; give ${
          store instanceof KTable ? tableBehind(store).name : 'it'
        } \`store: '${property}'\``,
      )
    if (name !== property)
      throw new TopologyError(`build(): ${property} is the store ${name}; list it as \`${name}\``)
  }
  return new Set(Object.keys(queryable))
}
