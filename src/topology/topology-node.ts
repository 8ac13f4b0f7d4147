// The frozen node kinds of a topology. Internal topics are named without the application id here;
// the runtime adds it.
import type { Deserializer, Serializer } from '../serde/serde.js'
import type { StoreSpec } from '../state/state-store.js'
import type { NodeSupplier, Processor } from './processor.js'
import type { StreamRecord } from './stream-record.js'
import type { TimestampExtractor } from './timestamp-extractor.js'

export interface SourceNode {
  readonly kind: 'source'
  readonly name: string
  readonly topics: readonly string[] | RegExp
  readonly key: Deserializer<unknown>
  readonly value: Deserializer<unknown>
  /** Null keys are refused, handled by the deserialization handler. */
  readonly nullKey: 'pass' | 'refuse'
  readonly nullValue: 'pass' | 'refuse'
  readonly timestamp: TimestampExtractor<any, any> | undefined
  readonly offsetReset: 'earliest' | 'latest' | 'none' | undefined
}

export interface ProcessorNode {
  readonly kind: 'processor'
  readonly name: string
  readonly parents: readonly string[]
  readonly stores: readonly string[]
  readonly supplier: NodeSupplier
}

/** Chooses a partition. `undefined`: the default; a list: one copy each; an empty list: dropped and counted. */
export type Partitioner<K, V> = (
  value: V,
  key: K,
  topic: string,
  partitions: number,
) => number | readonly number[] | undefined

export interface SinkNode {
  readonly kind: 'sink'
  readonly name: string
  readonly parents: readonly string[]
  readonly topic: string | ((value: any, key: any, record: StreamRecord<any, any>) => string)
  readonly key: Serializer<any>
  readonly value: Serializer<any>
  readonly partitioner: Partitioner<any, any> | undefined
}

export type TopologyNode = SourceNode | ProcessorNode | SinkNode

/** An internal topic that nodes write and read again. */
export interface RepartitionTopic {
  /** Without the application id. */
  readonly name: string
  /** Enforced when given by the user, else found from the sources upstream. */
  readonly partitions: number | undefined
}

export interface GlobalStoreNode {
  readonly store: StoreSpec
  readonly source: SourceNode
  readonly processor: ProcessorNode
  /** `copy`: rows are the topic's records as they are, so restoring is copying; `reprocess`: records run through the processor. */
  readonly restore: 'copy' | 'reprocess'
}

/** A connected part of the graph: what one task runs over one partition. */
export interface Subtopology {
  readonly id: number
  /** In order of addition, each after its parents. */
  readonly nodes: readonly TopologyNode[]
  /** In order of addition. */
  readonly stores: readonly StoreSpec[]
}

/**
 * Called once per processor node and task; what it returns runs in the node's place. Between table
 * operators `value` is a change, `{ newValue, oldValue, isLatest }`.
 */
export type ProcessorWrapper = (
  node: { readonly name: string; readonly stores: readonly string[] },
  processor: Processor<unknown, unknown>,
) => Processor<unknown, unknown>

/** An internal topic or store whose name was generated, for `ensureExplicitInternalResourceNaming`. */
export interface GeneratedName {
  /** `store`: one without a changelog, or one that is kept only where an operator asks for it. */
  readonly kind: 'changelog' | 'repartition' | 'store'
  /** Of the store, or of the repartition topic without the application id. */
  readonly name: string
  readonly node?: string
  /** Which option names it. */
  readonly remedy: string
}

/** How long an asynchronous node may hold a commit up, in the worst case. */
export interface AsyncWait {
  readonly node: string
  readonly longestMs: number
}

/** All that the runtime runs: plain frozen data. */
export interface FrozenTopology {
  readonly subtopologies: readonly Subtopology[]
  readonly globalStores: readonly GlobalStoreNode[]
  readonly repartitionTopics: readonly RepartitionTopic[]
  /** Groups of topics that must have the same number of partitions; internal ones adopt it. A pattern stands for all that match. */
  readonly copartitionGroups: readonly (readonly (string | RegExp)[])[]
  /** Stores whose changelog is a source topic (reused, or read-only): store → topic. */
  readonly sourceChangelogs: ReadonlyMap<string, string>
  /** The engine for stores that name none is resolved already; the wrapper is applied already. */
  readonly queryable: ReadonlySet<string> | undefined
  /** What was named by number: a topology that changes may change these names. */
  readonly generatedNames: readonly GeneratedName[]
  /** A transaction must outlive the longest of these. */
  readonly asyncWaits: readonly AsyncWait[]
}
