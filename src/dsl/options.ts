// Options of operators: readonly objects with optional fields, durations in `…Ms`. A key or value
// serde given here travels on with the stream.
import type { Serde, SerdeFor, Serializer } from '../serde/serde.js'
import type { JsonSerde } from '../serde/serdes.js'
import type { StoreEngine, Stores } from '../state/stores.js'
import type { TimestampExtractor } from '../topology/timestamp-extractor.js'
import type { Partitioner } from '../topology/topology-node.js'
import type { Folder, Known, NN } from './callbacks.js'
import type { JoinWindow } from './windows.js'

/** How a source reads. Without a serde the builder's default serves. */
export interface Consumed<K, V> {
  readonly key?: Serde<K> | undefined
  readonly value?: Serde<V> | undefined
  readonly name?: string | undefined
  /** Event time; the record's own unless given here or in the builder. */
  readonly timestamp?: TimestampExtractor<V, K> | undefined
  /** Where reading starts when no offset was ever committed. Default `earliest`. */
  readonly offsetReset?: 'earliest' | 'latest' | 'none' | undefined
}

/** The node's name, instead of a numbered one. */
export interface Named {
  readonly name?: string | undefined
}

/** Operators that change the key take the serde of what they return. */
export interface MappedKey<K> extends Named {
  readonly key?: SerdeFor<NN<K>> | undefined
}

/** Operators that change the value take the serde of what they return. */
export interface MappedValue<V> extends Named {
  readonly value?: SerdeFor<NN<V>> | undefined
}

/** Operators that change both. */
export interface Mapped<K, V> extends MappedKey<K>, MappedValue<V> {}

/** Where a table's rows are kept. */
export interface Materialized<K, V> {
  /** The store's name, which makes it queryable and its changelog stable. */
  readonly store?: string | undefined
  readonly key?: SerdeFor<K> | undefined
  readonly value?: SerdeFor<V> | undefined
  /** Whether updates wait for the next commit, so that several become one. Default true. */
  readonly caching?: boolean | undefined
  /** Topic configs of the changelog on top of the defaults; false: no changelog. */
  readonly logging?: false | Readonly<Record<string, string>> | undefined
  /** How long windows and sessions are kept; other stores take none. Default: as long as they may still change. */
  readonly retentionMs?: number | undefined
  /** Makes the store versioned (KIP-889); needs `store`. */
  readonly historyMs?: number | undefined
  readonly engine?: 'leveldb' | 'memory' | StoreEngine | undefined
  readonly name?: string | undefined
}

/** How a table reads its topic and keeps its rows. */
export type TableSource<K, V> = Omit<Consumed<K, V>, 'timestamp'> &
  Materialized<K, NN<V>> & { readonly timestamp?: TimestampExtractor<V | null, K> | undefined }

/** `name` names the node of `groupBy` and the repartition topic. */
export interface Grouped<K, V> {
  readonly key?: SerdeFor<K> | undefined
  readonly value?: SerdeFor<V> | undefined
  readonly name?: string | undefined
}

/** Where large values go; not available in this version. */
export interface BlobStore {
  put(name: string, bytes: Uint8Array): Promise<void>
}

/** How a sink writes. */
export interface Produced<K, V> {
  readonly key?: Serializer<NN<K>> | undefined
  readonly value?: Serializer<NN<V>> | undefined
  readonly name?: string | undefined
  readonly partitioner?: Partitioner<K, V> | undefined
  readonly largeMessages?:
    { readonly store: BlobStore; readonly thresholdBytes?: number | undefined } | undefined
}

/** Joins of a stream with a table. */
export interface Joined<K, V, V2> {
  readonly key?: SerdeFor<NN<K>> | undefined
  readonly value?: SerdeFor<NN<V>> | undefined
  readonly otherValue?: SerdeFor<NN<V2>> | undefined
  readonly name?: string | undefined
  /** How long records wait for a versioned table; its history must be at least as long. */
  readonly graceMs?: number | undefined
}

/** Joins of two streams. */
export interface StreamJoined<K, V, V2> {
  /** How far apart in time two records may be. */
  readonly within: JoinWindow
  readonly key?: SerdeFor<NN<K>> | undefined
  readonly value?: SerdeFor<NN<V>> | undefined
  readonly otherValue?: SerdeFor<NN<V2>> | undefined
  readonly name?: string | undefined
  /** What the names of both window stores begin with. */
  readonly store?: string | undefined
  readonly engine?: 'leveldb' | 'memory' | undefined
  /** Topic configs of the changelogs on top of the defaults; false: none, but see `stores`. */
  readonly logging?: false | Readonly<Record<string, string>> | undefined
  /**
   * Names of the two window stores as given suppliers have them; else they follow from `store`. Such stores
   * have a changelog whatever `logging` says, as in Kafka Streams.
   */
  readonly stores?: { readonly left: string; readonly right: string } | undefined
}

/** Asynchronous operators. */
export interface AsyncOptions extends Named {
  /** Calls at a time per task. Default 16. */
  readonly concurrency?: number | undefined
  /** Which results keep the order of their inputs: those of a key (the default), all, or none. */
  readonly order?: 'key' | 'partition' | 'none' | undefined
  /** After this a call is aborted and fails. Default 5,000. */
  readonly timeoutMs?: number | undefined
  /** `attempts` counts all calls, default 1; between them 100 ms, doubling up to 10 s. */
  readonly retry?: { readonly attempts: number } | undefined
}

/** Processors of users' own: their stores, and the serdes of what they forward. */
export interface ProcessOptions<K, V, S extends Stores> {
  /** A builder becomes a store of its property's name; a handle is connected. */
  readonly stores?: S | undefined
  readonly key?: Serde<K> | undefined
  readonly value?: Serde<V> | undefined
  readonly name?: string | undefined
}

/** A fold: the accumulator's type follows from `value`, else from `initial`. */
export interface Aggregate<A, K, V> extends Omit<Materialized<K, A>, 'value'> {
  /** The accumulator of a key before its first value. */
  readonly initial: () => A
  readonly add: Folder<Known<A>, K, V>
  /** The accumulator's serde; `nullable` where a fold may delete. */
  readonly value?: Serde<A> | JsonSerde | undefined
}

/** What a full buffer does: forward the oldest update before its time, or end the application. */
export type BufferFull = 'emitEarly' | 'shutDown'

/** Holds updates of a key back for a time. */
export interface UntilTimeLimit {
  readonly untilTimeLimitMs: number
  readonly maxRecords?: number | undefined
  readonly maxBytes?: number | undefined
  /** Default `emitEarly`. */
  readonly whenFull?: BufferFull | undefined
  readonly logging?: false | Readonly<Record<string, string>> | undefined
  readonly name?: string | undefined
}

/** Holds the updates of a window back until nothing can change it. */
export interface UntilWindowCloses {
  readonly until: 'windowCloses'
  readonly maxRecords?: number | undefined
  readonly maxBytes?: number | undefined
  readonly whenFull?: 'shutDown' | undefined
  readonly logging?: false | Readonly<Record<string, string>> | undefined
  readonly name?: string | undefined
}
