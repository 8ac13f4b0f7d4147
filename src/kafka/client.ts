// The port to a log of partitions with groups and transactions. Two implementations: Kafka (this
// folder) and the embedded log (`embedded/`); one contract suite runs against both. Offsets are
// numbers (exact to 2^53); a committed offset is the next one to read.
import { KafkaError, type KafkaErrorKind } from './kafka-error.js'
import type { RecordBatchBuilder, RecordReader } from './record-batch.js'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** A text that identifies a partition, for maps. */
export const partitionKey = (p: TopicPartition): string => `${p.topic}-${p.partition}`

/** One connection to a log; hands out the parts, which share its sockets and metadata. */
export interface Client {
  fetcher(options: FetcherOptions): Fetcher
  groupMember(options: GroupMemberOptions): GroupMember
  /** Idempotent and ordered: for at-least-once. */
  producer(options?: ProducerOptions): Producer
  transactionalProducer(options: TransactionalProducerOptions): TransactionalProducer
  readonly admin: Admin
  /** Closes every part it handed out and rejects what is in flight. */
  close(): Promise<void>
}

// ---------- fetching

export type Isolation = 'read_uncommitted' | 'read_committed'

export interface FetcherOptions {
  readonly isolation: Isolation
  /** Upper bound for one answer, default 52,428,800; a single larger batch is still returned. */
  readonly maxBytes?: number | undefined
  /** Upper bound for one partition in an answer, default 1,048,576. */
  readonly maxPartitionBytes?: number | undefined
  /** How long a broker may hold an empty answer, default 500. */
  readonly maxWaitMs?: number | undefined
}

/**
 * Reads assigned partitions in the background. It never joins a group and never resets by itself.
 * An answer that arrives after its partition was removed, re-added or sought away is not delivered.
 */
export interface Fetcher {
  /** Starts reading at `offset`. Adding a partition again seeks it. */
  add(partition: TopicPartition, offset: number): void
  remove(partition: TopicPartition): void
  /** A paused partition is not fetched; what is fetched already stays until `resume`. */
  pause(partition: TopicPartition): void
  resume(partition: TopicPartition): void
  /**
   * What has arrived, in order within a partition; `undefined` when nothing has.
   * @throws OffsetOutOfRangeError for a position outside the log: that partition then stands still until added anew.
   * @throws KafkaError when a partition cannot be read any more (authorization, deleted topic).
   */
  poll(): FetchedRecords | undefined
  /** Resolves when `poll` has something to give or to throw, after `timeoutMs`, or on `wake`. */
  wait(timeoutMs: number): Promise<void>
  wake(): void
  /** The offset after the last record that `poll` returned; control records and filtered ones count. */
  position(partition: TopicPartition): number | undefined
  /**
   * The partition's end as of the last answer: high watermark, or last stable offset when reading
   * committed; `undefined` before the first answer.
   */
  endOffset(partition: TopicPartition): number | undefined
  close(): Promise<void>
}

/** Records of one partition, in offset order, aborted and control records left out. */
export interface FetchedRecords {
  readonly topic: string
  readonly partition: number
  /** One reader a batch; may be empty when only control or aborted records were passed. */
  readonly batches: readonly RecordReader[]
  /** The position after all of it. */
  readonly nextOffset: number
  readonly byteLength: number
}

// ---------- groups

export interface GroupMetadata {
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly instanceId: string | undefined
}

export interface CommittedOffset {
  readonly offset: number
  readonly metadata: string
}

export interface PartitionOffset extends TopicPartition, CommittedOffset {}

export interface Subscription {
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly topics: readonly string[]
  readonly ownedPartitions: readonly TopicPartition[]
  readonly userData: Uint8Array
}

export interface Assignment {
  readonly partitions: readonly TopicPartition[]
  readonly userData: Uint8Array
}

export interface Assignor {
  /** The protocol name in the group, `millrace` for tasks. */
  readonly name: string
  /** What this member tells the leader, asked at each join. */
  userData(): Uint8Array
  /** Runs on the leader. A rejection fails the rebalance of this member. */
  assign(members: readonly Subscription[]): Promise<ReadonlyMap<string, Assignment>>
}

export interface GroupListener {
  /** Partitions that leave this member, while the old generation may still commit. Awaited before the rejoin. */
  onRevoked(partitions: readonly TopicPartition[]): Promise<void>
  /** The whole assignment of the new generation; `added` are the partitions that are new. Awaited. */
  onAssigned(assignment: Assignment, added: readonly TopicPartition[]): Promise<void>
  /** The membership is gone (fenced, session expired): nothing may be committed any more. Awaited, then the group is joined anew. */
  onLost(partitions: readonly TopicPartition[]): Promise<void>
  /**
   * A rebalance has begun: admission of new records may stop. Awaited before the group is joined
   * anew, so that a commit that is under way may finish with the old generation.
   */
  onRebalance?(): void | Promise<void>
  /** The log gave the member an id: what `formerMemberId` takes after a crash. Called before it joins. */
  onMemberId?(memberId: string): void
  /** The member cannot go on (authorization, the assignor rejected, inconsistent protocol). */
  onError(error: Error): void
}

export interface GroupMemberOptions {
  readonly groupId: string
  readonly instanceId?: string | undefined
  /**
   * The id of a dynamic member that is known to be dead, such as this process before it was killed:
   * it is taken out of the group before the first join, so that nobody waits for its session to end.
   */
  readonly formerMemberId?: string | undefined
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /** The subscription, asked at each join. */
  readonly topics: () => readonly string[]
  readonly assignor: Assignor
  readonly listener: GroupListener
}

/** Incremental cooperative member: partitions that stay keep being processed during a rebalance. */
export interface GroupMember {
  /** Begins to join in the background; the listener tells what follows. */
  start(): void
  /** Asks for another rebalance, for instance because a task became ready elsewhere. */
  rejoin(): void
  /** The identity for `sendOffsets`; `undefined` while not a member. */
  metadata(): GroupMetadata | undefined
  /** Whether a rebalance is under way. */
  readonly rebalancing: boolean
  /** Commits with the current generation. @throws KafkaError of kind `fenced` when it is not current any more. */
  commit(offsets: readonly PartitionOffset[]): Promise<void>
  /** Committed offsets, read as stable: waits while a transaction is pending on them. Missing ones are absent. */
  committed(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<string, CommittedOffset>>
  /** Dynamic members leave the group; static ones just stop. */
  close(): Promise<void>
}

// ---------- producing

export interface ProducerOptions {
  /** How long a batch is retried, default 120,000. */
  readonly deliveryTimeoutMs?: number | undefined
  readonly compression?: 'none' | 'gzip' | undefined
}

export interface TransactionalProducerOptions extends ProducerOptions {
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
}

export interface Producer {
  /** The number of partitions of a topic, from metadata. @throws KafkaError when the topic does not exist. */
  partitionCount(topic: string): Promise<number>
  /**
   * Hands a full batch over; it leaves at once, in order per partition. `acknowledged` gets the
   * offset of its first record. An error is kept and thrown by the next `flush` (or `send`).
   */
  send(
    partition: TopicPartition,
    batch: RecordBatchBuilder,
    acknowledged?: (baseOffset: number) => void,
  ): void
  /** Bytes handed over and not acknowledged. */
  readonly pendingBytes: number
  /** Resolves when `pendingBytes` is at most `bytes`, or something failed. */
  drained(bytes: number): Promise<void>
  /** Resolves when all is acknowledged. @throws KafkaError, the first of this producer. */
  flush(): Promise<void>
  close(): Promise<void>
}

/**
 * One transaction at a time: `init`, then `begin`, `send`…, `sendOffsets`, `commit` or `abort`.
 * After an error of kind `abortable` only `abort` is allowed; after `fenced` or `fatal` only `close`,
 * and so after `retriable` from `commit` or `abort`: how the transaction ended is not known then, a
 * successor's `init` settles it and the committed offsets tell.
 */
export interface TransactionalProducer extends Producer {
  /** Fences the predecessor with the same transactional id and ends its open transaction. */
  init(): Promise<void>
  begin(): void
  sendOffsets(offsets: readonly PartitionOffset[], group: GroupMetadata): Promise<void>
  /** Flushes and commits. Nothing is sent to the log for an empty transaction. */
  commit(): Promise<void>
  abort(): Promise<void>
}

// ---------- administration

export interface TopicDescription {
  readonly name: string
  /** Changes when a topic is deleted and made anew; `undefined` where the log does not tell. */
  readonly topicId: string | undefined
  readonly partitions: number
}

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  /** -1: the log's default. */
  readonly replicationFactor: number
  readonly configs: Readonly<Record<string, string>>
}

export interface Admin {
  listTopics(): Promise<readonly string[]>
  /** Topics that do not exist are absent. */
  describeTopics(names: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>>
  /** Creates topics and waits until they have leaders. One that exists already is left as it is. */
  createTopics(topics: readonly NewTopic[]): Promise<void>
  deleteTopics(names: readonly string[]): Promise<void>
  topicConfigs(name: string): Promise<Readonly<Record<string, string>>>
  /** `latest` is the high watermark, `stable` the last stable offset, a number the first offset at or after that time in ms. */
  offsets(
    partitions: readonly TopicPartition[],
    at: 'earliest' | 'latest' | 'stable' | number,
  ): Promise<ReadonlyMap<string, number>>
  /** Deletes the records below the offsets. */
  deleteRecords(before: readonly (TopicPartition & { readonly offset: number })[]): Promise<void>
  /** Committed offsets of any group; missing ones are absent. */
  committed(
    groupId: string,
    partitions: readonly TopicPartition[],
  ): Promise<ReadonlyMap<string, CommittedOffset>>
}

// ---------- errors

export { KafkaError, type KafkaErrorKind }

/** A fetch position lies outside the log. */
export class OffsetOutOfRangeError extends KafkaError {
  override readonly name = 'OffsetOutOfRangeError'

  constructor(
    readonly partition: TopicPartition,
    readonly offset: number,
  ) {
    super(
      `offset ${offset} of ${partition.topic}-${partition.partition} lies outside the log`,
      'fatal',
      1,
    )
  }
}
