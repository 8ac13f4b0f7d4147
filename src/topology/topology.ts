// Topology: sources, processors, stores and sinks by name. The DSL builds one, and so can users by
// hand; once KafkaStreams or the test driver has it, it is frozen.
import { TopologyError } from '../errors.js'
import type { Serde, Serializer } from '../serde/serde.js'
import { serdeForNode } from '../serde/serde-traits.js'
import {
  engineOf,
  toSpec,
  type StateStore,
  type StoreBuilder,
  type StoreEngine,
  type Stores,
} from '../state/stores.js'
import { checkedName } from './names.js'
import { largeMessagesError, neededSerde, serdesNote, sourceNode } from './node-parts.js'
import { keeperNode, userNode, type Keeper, type UserSupplier } from './processor-adapter.js'
import type { Processor, ProcessorContext } from './processor.js'
import type { RecordMetadata, StreamRecord } from './stream-record.js'
import type { TimestampExtractor } from './timestamp-extractor.js'
import { TopologyGraph } from './topology-graph.js'
import type {
  FrozenTopology,
  Partitioner,
  ProcessorWrapper,
  SinkNode,
  SourceNode,
} from './topology-node.js'
import { connectStores, StoreHandle, unlogged } from './topology-stores.js'
import { isTopic, type Topic, type TopicFor } from './topic.js'

type NN<T> = Exclude<T, null>

/** How a source reads its topics. */
export interface SourceOptions<K, V> {
  readonly key?: Serde<K> | undefined
  readonly value?: Serde<V> | undefined
  /** Event time; the record's own unless given. */
  readonly timestamp?: TimestampExtractor<V, K> | undefined
  /** Where reading starts when no offset was ever committed. Default `earliest`. */
  readonly offsetReset?: 'earliest' | 'latest' | 'none' | undefined
}

/** How a sink writes its topic. */
export interface SinkOptions<K, V> {
  readonly key?: Serializer<NN<K>> | undefined
  readonly value?: Serializer<NN<V>> | undefined
  readonly partitioner?: Partitioner<K, V> | undefined
  readonly largeMessages?: object | undefined
}

/** How a store that a keeper fills reads its topic, and the names of its two nodes. */
export interface KeeperOptions<K, V> extends SourceOptions<K, V> {
  readonly name?: string | undefined
  readonly processorName?: string | undefined
}

/** What a keeper of a global or read-only store is given. */
export interface KeeperContext<S> {
  readonly store: S
  readonly recordMetadata: RecordMetadata | undefined
}

let graphOfTopology: (topology: Topology<any>) => TopologyGraph

/** The graph behind a topology, for the DSL. */
export const graphOf = (topology: Topology<any>): TopologyGraph => graphOfTopology(topology)

/**
 * A graph of named nodes. `S` lists the stores that may be queried.
 *
 * @example
 * new Topology()
 *   .addSource('readings', 'readings', { key: string(), value: json<Reading>() })
 *   .addProcessor('alarms', (context) => ({ process: (r) => context.forward(r) }), { parents: ['readings'] })
 *   .addSink('out', 'alarms', { parents: ['alarms'], key: string(), value: json() })
 */
export class Topology<out S = {}> {
  /** For the compiler alone. */
  declare readonly '~stores': S
  readonly #graph: TopologyGraph
  readonly #engine: 'leveldb' | 'memory'
  readonly #defaults: {
    readonly key?: Serde<any> | undefined
    readonly value?: Serde<any> | undefined
  }

  static {
    graphOfTopology = (topology) => topology.#graph
  }

  constructor(
    o: {
      /** For stores that name none. Default `leveldb`. */
      readonly engine?: 'leveldb' | 'memory' | StoreEngine | undefined
      /** Called once per processor node and task; what it returns runs in the node's place. */
      readonly wrapProcessor?: ProcessorWrapper | undefined
      /** Serdes of sources and sinks that are given none. */
      readonly key?: Serde<any> | undefined
      readonly value?: Serde<any> | undefined
    } = {},
  ) {
    this.#graph = new TopologyGraph(o.wrapProcessor)
    this.#engine = engineOf(o.engine)
    this.#defaults = { key: o.key, value: o.value }
  }

  /**
   * Reads topics: one, several, or all that match a pattern, anywhere in their names unless it is anchored.
   * @throws TopologyError for a name or topic that is taken, or a missing serde
   */
  addSource<K, V>(
    name: string,
    topic: Topic<K, V> | string | readonly string[] | RegExp,
    o: SourceOptions<K, V> = {},
  ): this {
    this.#graph.addSource(this.#source(name, topic, o))
    return this
  }

  /**
   * Runs a processor. `stores` are added under their property names, or connected where they are handles.
   * @throws TopologyError for a name that is taken or a parent that is not there
   */
  addProcessor<K, V, S2 extends Stores = {}>(
    name: string,
    supplier: (context: ProcessorContext<any, any, S2>) => Processor<K, V>,
    o: { readonly parents: readonly string[]; readonly stores?: S2 | undefined },
  ): this {
    const names = new Map<string, string>()
    this.#graph.addProcessor(
      checkedName(name, 'node name'),
      userNode(supplier as UserSupplier, names),
      o.parents,
    )
    connectStores(this.#graph, name, o.stores ?? {}, this.#engine, names)
    return this
  }

  /**
   * Writes a topic, or the one that a function chooses per record.
   * @throws TopologyError for a name that is taken, a parent that is not there, or a missing serde
   */
  addSink<K, V>(
    name: string,
    topic:
      TopicFor<NN<K>, NN<V>> | string | ((value: V, key: K, record: StreamRecord<K, V>) => string),
    o: SinkOptions<K, V> & { readonly parents: readonly string[] },
  ): this {
    if (o.largeMessages !== undefined) throw largeMessagesError(name)
    const given = isTopic(topic) ? topic : undefined
    const key = o.key ?? given?.key ?? this.#defaults.key
    const value = o.value ?? given?.value ?? this.#defaults.value
    this.#graph.addSink({
      kind: 'sink',
      name,
      parents: [...o.parents],
      topic: (given?.name ?? topic) as SinkNode['topic'],
      key: serdeForNode(neededSerde(key, name, 'key')),
      value: serdeForNode(neededSerde(value, name, 'value')),
      partitioner: o.partitioner,
    })
    this.#graph.addNotes(name, [serdesNote({ key, value }, o)])
    return this
  }

  /**
   * Adds a store and connects it to processors.
   * @throws TopologyError for a name that is taken or a processor that is not there
   */
  addStateStore<T>(
    name: string,
    store: StoreBuilder<T>,
    processors: readonly string[] = [],
  ): StateStore<T> {
    this.#graph.addStore(toSpec(store, name, this.#engine), store, processors)
    return new StoreHandle<T>(name)
  }

  /** Gives a processor access to stores that were added before. @throws TopologyError for unknown names */
  connectProcessorAndStateStores(processor: string, stores: readonly string[]): this {
    for (const store of stores)
      if (!this.#graph.hasStore(store))
        throw new TopologyError(`cannot connect ${store} to ${processor}: add the store first`)
    this.#graph.connect(processor, stores)
    return this
  }

  /**
   * A store that every instance fills from all partitions of a topic, before anything else runs.
   * Records keep their own times: a timestamp extractor is not asked.
   */
  addGlobalStore<T, K, V>(
    name: string,
    store: StoreBuilder<T>,
    topic: Topic<K, V> | string,
    keeper: (context: KeeperContext<T>) => Processor<K | null, V | null>,
    o: KeeperOptions<K, V> = {},
  ): StateStore<T> {
    const { source, processor, spec } = this.#kept(name, store, topic, keeper as Keeper, o)
    this.#graph.addGlobalStore(spec, source, processor, 'reprocess')
    return new StoreHandle<T>(name)
  }

  /** A store per task that a keeper fills from a topic, which also restores it: it has no changelog of its own. */
  addReadOnlyStateStore<T, K, V>(
    name: string,
    store: StoreBuilder<T>,
    topic: Topic<K, V> | string,
    keeper: (context: KeeperContext<T>) => Processor<K | null, V | null>,
    o: KeeperOptions<K, V> = {},
  ): StateStore<T> {
    const { source, processor, spec } = this.#kept(name, store, topic, keeper as Keeper, o)
    if (source.topics instanceof RegExp || source.topics.length !== 1)
      throw new TopologyError(`read-only store ${name} is read from exactly one topic`)
    this.#graph.addSource(source)
    this.#graph.addProcessor(processor.name, processor.supplier, [source.name])
    this.#graph.addStore(spec, store, [processor.name])
    this.#graph.useSourceAsChangelog(name, source.topics[0]!)
    return new StoreHandle<T>(name)
  }

  /** The graph as text, as Kafka Streams prints it; with `serdes` each node's serdes too. */
  describe(o: { readonly serdes?: boolean | undefined } = {}): string {
    return this.#graph.describe(o.serdes === true)
  }

  /** What the runtime runs. Nothing can be added afterwards. @throws TopologyError when something is missing */
  freeze(): FrozenTopology {
    return this.#graph.freeze()
  }

  /** A store without a changelog of its own, and the nodes that fill it from a topic. */
  #kept(
    name: string,
    store: StoreBuilder<any>,
    topic: Topic<any, any> | string,
    keeper: Keeper,
    o: KeeperOptions<any, any>,
  ) {
    return {
      source: this.#source(o.name ?? `${name}-source`, topic, o, 'pass'),
      processor: {
        name: o.processorName ?? `${name}-processor`,
        supplier: keeperNode(keeper, name),
      },
      spec: unlogged(toSpec(store, name, this.#engine)),
    }
  }

  #source(
    name: string,
    topic: Topic<any, any> | string | readonly string[] | RegExp,
    o: SourceOptions<any, any>,
    nulls?: 'pass',
  ): SourceNode {
    const given = isTopic(topic) ? topic : undefined
    const serdes = { key: o.key ?? given?.key, value: o.value ?? given?.value }
    const key = serdes.key ?? this.#defaults.key
    const value = serdes.value ?? this.#defaults.value
    this.#graph.addNotes(name, [serdesNote({ key, value }, serdes)])
    return sourceNode({
      name,
      topics: given?.name ?? (topic as string | readonly string[] | RegExp),
      key: neededSerde(key, name, 'key'),
      value: neededSerde(value, name, 'value'),
      timestamp: o.timestamp,
      offsetReset: o.offsetReset,
      nulls,
    })
  }
}
