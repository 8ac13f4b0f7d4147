// What the stateful operators are told by the graph. What is a function here is decided only when
// the topology is complete, so operators call it when a task makes them.
import type { Serde } from '../../serde/serde.js'
import type { TableLookup } from './table-lookup.js'

/** Every table operator: whether downstream reads `oldValue`. Call it in the node supplier. */
export interface SendsOldValues {
  readonly sendsOldValues: () => boolean
}

/** How an aggregation folds. Callbacks get the accumulator first; `null` deletes. */
export type Fold =
  | { readonly kind: 'count' }
  | { readonly kind: 'reduce'; readonly reduce: (a: any, value: any, key: any) => unknown }
  | {
      readonly kind: 'aggregate'
      readonly initial: () => unknown
      readonly add: (a: any, value: any, key: any) => unknown
    }

/** Folds of a grouped stream; a cogroup has one such node per input, on one store. */
export interface AggregateOptions extends SendsOldValues {
  /** A timestamped `KeyValueRows`, or `VersionedRows` where `versioned`. */
  readonly store: string
  readonly versioned: boolean
  readonly fold: Fold
}

/** Folds of a grouped table; records hold a `Change` of the values to add and to subtract. */
export interface TableAggregateOptions extends SendsOldValues {
  readonly store: string
  readonly versioned: boolean
  readonly fold:
    | { readonly kind: 'count' }
    | {
        readonly kind: 'reduce'
        readonly add: (a: any, value: any, key: any) => unknown
        readonly subtract: (a: any, value: any, key: any) => unknown
      }
    | {
        readonly kind: 'aggregate'
        readonly initial: () => unknown
        readonly add: (a: any, value: any, key: any) => unknown
        readonly subtract: (a: any, value: any, key: any) => unknown
      }
}

/** When windowed folds give results: with every update, or once, when the window closes. */
export type EmitStrategy = 'onWindowUpdate' | 'onWindowClose'

/** Tumbling, hopping and unlimited windows; the store is a timestamped `WindowRows`. */
export interface TimeWindowAggregateOptions extends SendsOldValues {
  readonly store: string
  readonly fold: Fold
  readonly windows: TimeWindowDefinition
  readonly emit: EmitStrategy
}

/** Unlimited windows have `sizeMs` Infinity and begin at `startMs`; other windows have `startMs` undefined. */
export interface TimeWindowDefinition {
  readonly kind: 'time'
  readonly sizeMs: number
  readonly advanceMs: number
  readonly graceMs: number
  readonly startMs: number | undefined
}

/** The store is a `SlidingRows`. */
export interface SlidingWindowAggregateOptions extends SendsOldValues {
  readonly store: string
  readonly fold: Fold
  readonly windows: SlidingWindowDefinition
  readonly emit: EmitStrategy
}

export interface SlidingWindowDefinition {
  readonly kind: 'sliding'
  readonly differenceMs: number
  readonly graceMs: number
}

/** The store is a `SessionRows`. `merge` is absent for count (adds) and reduce (the reducer merges). */
export interface SessionWindowAggregateOptions extends SendsOldValues {
  readonly store: string
  readonly fold: Fold
  readonly merge: ((a: any, b: any, key: any) => unknown) | undefined
  readonly windows: SessionWindowDefinition
  readonly emit: EmitStrategy
}

export interface SessionWindowDefinition {
  readonly kind: 'session'
  readonly gapMs: number
  readonly graceMs: number
}

export type JoinKind = 'inner' | 'left' | 'outer'
export type ValueJoin = (left: any, right: any, key: any) => unknown

/** Interval of a stream-stream join from the left side's view: left − before ≤ right ≤ left + after. */
export interface JoinInterval {
  readonly beforeMs: number
  readonly afterMs: number
  readonly graceMs: number
}

/**
 * One side of a stream-stream join, behind its `WINDOWED` node. Both sides of a task share the
 * operator's stream time, through `outerStore` where there is one.
 */
export interface StreamStreamJoinOptions {
  readonly side: 'left' | 'right'
  readonly kind: JoinKind
  readonly join: ValueJoin
  readonly within: JoinInterval
  /** `JoinRows` of the other side. */
  readonly otherStore: string
  /** `OuterJoinRows` of left and outer joins. */
  readonly outerStore: string | undefined
}

/** The optimised self join: one node behind one `WINDOWED` node, both on `store`. */
export interface SelfJoinOptions {
  readonly join: ValueJoin
  readonly within: JoinInterval
  readonly store: string
  /** size + grace, for the expiry of the self pair (semantics 10.11). */
  readonly retentionMs: number
}

/** A stream-table join whose records wait in `buffer`, a `GraceBuffer`. */
export interface GraceJoinOptions {
  readonly left: boolean
  readonly join: ValueJoin
  readonly table: TableLookup
  readonly buffer: string
  readonly graceMs: number
}

/** One side of a table-table join: driven by `side`, reads the other table. */
export interface TableTableJoinOptions extends SendsOldValues {
  readonly side: 'left' | 'right'
  readonly kind: JoinKind
  readonly join: ValueJoin
  readonly other: TableLookup
  /** Whether this side's input is versioned: out-of-order updates are then skipped and counted. */
  readonly versioned: () => boolean
}

/** The `MERGE` node of a table-table join; keeps the result where it has a store. */
export interface TableJoinMergeOptions extends SendsOldValues {
  readonly store: { readonly name: string; readonly versioned: boolean } | undefined
}

/** How a foreign-key join turns keys and values into bytes. */
export interface ForeignKeySerdes {
  /** The subscription topic, undecorated: what serdes are told is named after it. */
  readonly topic: string
  readonly leftKey: Serde<any>
  readonly leftValue: Serde<any>
  readonly foreignKey: Serde<any>
}

/** Left side (semantics 8.4): forwards subscriptions keyed by foreign key to a sink. */
export interface SubscriptionSendOptions {
  readonly left: boolean
  readonly foreignKey: (value: any, key: any) => unknown
  readonly serdes: ForeignKeySerdes
  readonly versioned: () => boolean
}

/** Right side (8.5 b): keeps subscriptions in `store`, a `SubscriptionRows`, and forwards them. */
export interface SubscriptionReceiveOptions {
  readonly store: string
  readonly serdes: ForeignKeySerdes
}

/** Right side (8.5 c): answers a subscription with the right row. */
export interface SubscriptionJoinOptions {
  readonly right: TableLookup
}

/** Right side (8.6): answers all subscriptions of a right row that changed. */
export interface ForeignTableJoinOptions {
  readonly store: string
  readonly serdes: ForeignKeySerdes
  readonly versioned: () => boolean
}

/** Left side (8.7): joins an answer with the current left row if it still fits. */
export interface ResponseJoinOptions {
  readonly left: boolean
  readonly join: ValueJoin
  readonly table: TableLookup
  readonly serdes: ForeignKeySerdes
}

/** `store` is a `SuppressBuffer`; `waitMs` is the limit, or grace (sessions: and gap). */
export interface SuppressOptions {
  readonly store: string
  readonly until: 'timeLimit' | 'windowCloses'
  readonly waitMs: number
  readonly maxRecords: number
  readonly maxBytes: number
  readonly whenFull: 'emitEarly' | 'shutDown'
}

/** With defaults applied. */
export interface AsyncCallOptions {
  readonly concurrency: number
  readonly order: 'key' | 'partition' | 'none'
  readonly timeoutMs: number
  readonly attempts: number
}
