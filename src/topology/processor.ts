// What a node of a topology does, for users (`Processor`) and inside (`NodeSupplier`).
import type { Clock } from '../clock.js'
import type { StoreBuilder, Stores } from '../state/stores.js'
import type { TaskStore } from '../state/state-store.js'
import type { FlowRecord, ForwardRecord, RecordMetadata, StreamRecord } from './stream-record.js'

/** Handles the records of one node in one task. A returned promise makes only its task wait. */
export interface Processor<in K, in V> {
  process: (record: StreamRecord<K, V>) => void | Promise<void>
  /** Called when its task closes. */
  close?: (() => void) | undefined
}

/** What a processor of users' own may touch. */
export interface ProcessorContext<K, V, out S> {
  /** A store that `stores` connects, typed by its builder or handle. @throws StateStoreError for another */
  readonly getStateStore: <N extends keyof S & string>(
    name: N,
  ) => S[N] extends StoreBuilder<infer T> ? T : never
  /** Hands a record to all children, or to the one named; return or await what it returns. */
  forward(record: ForwardRecord<K, V>, child?: string): void | Promise<void>
  /** Calls `punctuator` at each `intervalMs` of stream time or of the wall clock; missed ones are skipped. */
  schedule(
    o: { readonly intervalMs: number; readonly clock: 'stream' | 'wall' },
    punctuator: (timestampMs: number) => void | Promise<void>,
  ): { cancel(): void }
  /** Asks for a commit before it would be due. */
  commit(): void
  /** The highest timestamp that this task has seen. */
  readonly streamTimeMs: number
  /** The wall clock, in a test driver its virtual one. */
  readonly systemTimeMs: number
  /** Subtopology and partition, such as `0_3`. */
  readonly taskId: string
  readonly applicationId: string
  /** The folder of this application's state. */
  readonly stateDir: string
  /** Of the record being processed; inside a punctuator topic null, partition and offset -1. */
  readonly recordMetadata: RecordMetadata | undefined
  /** The configuration as it was given. */
  readonly config: Readonly<Record<string, unknown>>
  /** Counters and latencies of users' own, labelled with node and task. */
  readonly metrics: {
    counter(name: string): { add(n?: number): void }
    latency(name: string): { record(ms: number): void }
  }
}

/** A node's behaviour inside: the class of records is known, and the context has more to give. */
export interface NodeProcessor {
  process(record: FlowRecord<any, any>): void | Promise<void>
  /** Of a record's value it only asks whether it is null, and it forwards it to nobody. */
  readonly ignoresValues?: boolean
  /** When `process` returns, nobody holds on to the record: its object may become the next one. */
  readonly forgetsRecords?: boolean
  /** Called before a commit: afterwards nothing that this node began is left open. */
  settle?(): void | Promise<void>
  /** What is open is to be done again elsewhere: it ends at once, and whoever waits for it is told. */
  giveUp?(): void
  close?(): void
}

/** Called once per task, after its stores are restored. */
export type NodeSupplier = (context: NodeContext) => NodeProcessor

/** What the runtime gives to a node. Users' processors see it as a `ProcessorContext`. */
export interface NodeContext extends ProcessorContext<unknown, unknown, Stores> {
  readonly nodeName: string
  /** The node's processor-visible children; false when forwarding would reach nobody. */
  readonly hasChildren: boolean
  /** A connected or global store with all it can do inside. @throws StateStoreError when it is not connected. */
  store(name: string): TaskStore
  /** Forwards to all children in order of addition, each completed before the next. */
  forward(record: ForwardRecord<any, any>, child?: string): void | Promise<void>
  /**
   * Runs `action` under the context of an earlier record (its metadata, time and headers): for what
   * leaves caches and buffers later.
   */
  under(record: FlowRecord<any, any>, action: () => void | Promise<void>): void | Promise<void>
  /**
   * Holds on to the record in process, and gives what runs an action under it as `under` does: a dead
   * letter then still has the bytes that it was read from.
   */
  hold(record: FlowRecord<any, any>): (action: () => void | Promise<void>) => void | Promise<void>
  /** Whether some node of the task may change a record's headers in place: updates that wait go on with them then. */
  headersMayChange: boolean
  /** Of calls to the outside: their time-outs and the time between attempts. */
  readonly callClock: Clock
  /** Runs `action` between two records, soon: for what comes from outside the task. */
  later(action: () => void | Promise<void>): void
  /** Counts the current record as dropped at this node and logs it without flooding. */
  drop(reason: string): void
  /** Numbers kept with the committed offsets, such as the time of the last emit; by store name. */
  readonly committedTimes: {
    get(name: string): number | undefined
    set(name: string, ms: number): void
  }
  /** Whether a failing callback may be survived (processing handler other than `fail`). */
  readonly mayContinue: boolean
}
