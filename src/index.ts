// The public API. `millrace/testing` has the test driver.
export { StreamsBuilder, type BuilderOptions } from './dsl/streams-builder.js'
export { KStream } from './dsl/kstream.js'
export { BranchedKStream } from './dsl/branched-kstream.js'
export { KTable } from './dsl/ktable.js'
export { GlobalKTable } from './dsl/global-ktable.js'
export { KGroupedStream } from './dsl/kgrouped-stream.js'
export { KGroupedTable } from './dsl/kgrouped-table.js'
export {
  CogroupedKStream,
  SessionWindowedCogroupedKStream,
  TimeWindowedCogroupedKStream,
} from './dsl/cogrouped-kstream.js'
export { SessionWindowedKStream, TimeWindowedKStream } from './dsl/windowed-kstream.js'
export type { EmitStrategy } from './dsl/processors/operator-options.js'
export { Change } from './dsl/change.js'
export type * from './dsl/options.js'
export type { AsyncCall, AsyncMapper, Folder, Mapper, NN, Outer2, Outer3 } from './dsl/callbacks.js'
export type { Optimization } from './dsl/graph/optimize.js'
export {
  hopping,
  hours,
  minutes,
  seconds,
  session,
  sliding,
  tumbling,
  unlimited,
  type JoinWindow,
  type SessionWindows,
  type SlidingWindows,
  type TimeWindows,
} from './dsl/windows.js'
/** All windows under one name, for completion. */
export * as windows from './dsl/window-kinds.js'

export {
  Topology,
  type KeeperContext,
  type KeeperOptions,
  type SinkOptions,
  type SourceOptions,
} from './topology/topology.js'
export { topic, type Topic, type TopicFor } from './topology/topic.js'
export type { Queryable, QueryableTable, StoreOf } from './topology/queryable.js'
export type { Processor, ProcessorContext } from './topology/processor.js'
export type { Partitioner, ProcessorWrapper } from './topology/topology-node.js'
export type { ForwardRecord, RecordMetadata, StreamRecord } from './topology/stream-record.js'
export {
  failOnInvalidTimestamp,
  logAndSkipOnInvalidTimestamp,
  usePartitionTimeOnInvalidTimestamp,
  wallclockTimestamp,
  type TimestampExtractor,
} from './topology/timestamp-extractor.js'

export * from './serde/serdes.js'
/** All serdes under one name, for completion. */
export * as serdes from './serde/serdes.js'
export type { Deserializer, Serde, SerdeFor, Serializer } from './serde/serde.js'
export { recordHeaders, type HeadersInit, type RecordHeaders } from './serde/record-headers.js'
export type { Windowed, WindowKind } from './serde/windowed.js'

export {
  customStore,
  keyValueStore,
  lruStore,
  sessionStore,
  timestampedKeyValueStore,
  timestampedWindowStore,
  versionedStore,
  windowStore,
  type StateStore,
  type StoreBuilder,
  type StoreEngine,
  type StoreOptions,
  type Stores,
  type WindowStoreOptions,
} from './state/stores.js'
export type { CustomStore, CustomStoreContext, CustomStoreOptions } from './state/custom-store.js'
export type {
  KeyValue,
  KeyValueStore,
  ReadOnlyKeyValueStore,
  ScanOrder,
  TimestampedKeyValueStore,
  ValueAndTimestamp,
} from './state/key-value-store.js'
export type { ReadOnlySessionStore, SessionStore } from './state/session-store.js'
export type { VersionedKeyValueStore, VersionedRecord } from './state/versioned-store.js'
export type {
  ReadOnlyWindowStore,
  TimeRange,
  TimestampedWindowStore,
  WindowStore,
} from './state/window-store.js'

export { closeOnSignals, KafkaStreams, type UntypedStore } from './runtime/kafka-streams.js'
export type { CommonConfig, StreamsConfig } from './runtime/streams-config.js'
export type { StateListener, StreamsState } from './runtime/streams-state.js'
export type { HandlerAnswer } from './runtime/error-handlers.js'
export type { Transport } from './kafka/transport.js'
export type { Logger } from './logger.js'
export { topicClient, type LogConfig } from './runtime/open-topics.js'
export type {
  RecordToSend,
  TopicClient,
  TopicRecord,
  TopicToCreate,
} from './runtime/topic-client.js'
export { embedded } from './embedded/embedded.js'
export * from './errors.js'
