// The specs of all store kinds, for the builders of users and for the DSL's own stores.
import type { SerdeFor } from '../serde/serde.js'
import { GraceBuffer } from './grace-buffer.js'
import { KeyValueRows } from './key-value-rows.js'
import { LruRows } from './lru-rows.js'
import { OuterJoinRows } from './outer-join-rows.js'
import { WindowRows } from './window-rows.js'
import { JoinRows } from './join-rows.js'
import { SessionRows } from './session-rows.js'
import { SlidingRows } from './sliding-rows.js'
import type { StoreSpec } from './state-store.js'
import { SubscriptionRows } from './subscription-rows.js'
import { SuppressBuffer } from './suppress-buffer.js'
import { VersionedRows } from './versioned-rows.js'

/** What every kind takes. A value of `view: 'values'` is what queries of tables see; `rows` adds times. */
export interface SpecOptions<K, V> {
  readonly name: string
  readonly key: SerdeFor<K>
  readonly value: SerdeFor<V>
  readonly engine: 'leveldb' | 'memory'
  readonly caching?: boolean | undefined
  readonly logging?: false | Readonly<Record<string, string>> | undefined
  readonly view?: 'values' | 'rows' | undefined
}

/** What all specs have in common. */
const common = <K, V>(
  o: Omit<SpecOptions<K, V>, 'key' | 'value'>,
  kind: StoreSpec['kind'],
  changelog: StoreSpec['changelog'],
  retentionMs: number | undefined,
): Omit<StoreSpec, 'open'> => ({
  name: o.name,
  kind,
  engine: o.engine,
  caching: o.caching === true,
  logging: o.logging ?? {},
  changelog,
  retentionMs,
})

/** Opens as `KeyValueRows`. */
export const keyValueSpec = <K, V>(
  o: SpecOptions<K, V> & { readonly timestamped: boolean },
): StoreSpec => ({
  ...common(o, o.timestamped ? 'timestampedKeyValue' : 'keyValue', 'keyValue', undefined),
  open: (context) => new KeyValueRows(o, context),
})

export interface WindowSpecOptions<K, V> extends SpecOptions<K, V> {
  readonly timestamped: boolean
  readonly sizeMs: number
  readonly retentionMs: number
  readonly keepDuplicates?: boolean | undefined
  /** Rows lie by time first, for emit on close; one more millisecond is visible (semantics 19.6). */
  readonly timeFirst?: boolean | undefined
}

/** Opens as `WindowRows`, with duplicates as `JoinRows`. */
export const windowSpec = <K, V>(o: WindowSpecOptions<K, V>): StoreSpec => ({
  ...common(o, o.timestamped ? 'timestampedWindow' : 'window', 'window', o.retentionMs),
  open: (context) =>
    o.keepDuplicates === true
      ? new JoinRows({ ...o, caching: false, bucketMs: segmentMs(o.retentionMs) }, context)
      : new WindowRows(o, context),
})

/** As long as a segment of Kafka Streams: for stores of whose look-ups nothing is known. */
const segmentMs = (retentionMs: number): number => Math.max(Math.floor(retentionMs / 2), 60_000)

/** Opens as `SlidingRows`: a timestamped window store that finds the windows of a key at once. */
export const slidingSpec = <K, V>(
  o: Omit<WindowSpecOptions<K, V>, 'timestamped' | 'keepDuplicates'>,
): StoreSpec => ({
  ...common(o, 'timestampedWindow', 'window', o.retentionMs),
  open: (context) =>
    new SlidingRows(
      { ...o, timestamped: true, bucketMs: 2 * o.sizeMs + 1, slackMs: o.sizeMs },
      context,
    ),
})

/** Opens as `SessionRows`; `spanMs` is gap plus grace where known and sizes the buckets. */
export const sessionSpec = <K, V>(
  o: SpecOptions<K, V> & {
    readonly retentionMs: number
    readonly spanMs?: number | undefined
    readonly timeFirst?: boolean | undefined
  },
): StoreSpec => ({
  ...common(o, 'session', 'session', o.retentionMs),
  open: (context) =>
    new SessionRows(
      {
        ...o,
        // Sessions are in the exact form of expiry whatever their engine keys (semantics 19.6).
        timeFirst: false,
        lenient: o.timeFirst,
        timestamped: false,
        bucketMs: o.spanMs ?? segmentMs(o.retentionMs),
        slackMs: o.spanMs ?? 0,
      },
      context,
    ),
})

/** Of several records of a key, a row: it costs little more than one of a single record. */
const shortestMs = 5000

/** Opens as `JoinRows`: `sizeMs` is before + after, retention is size + grace. */
export const joinWindowSpec = <K, V>(
  o: Omit<SpecOptions<K, V>, 'caching' | 'view'> & {
    readonly sizeMs: number
    readonly retentionMs: number
  },
): StoreSpec => ({
  ...common(o, 'window', 'joinWindow', o.retentionMs),
  open: (context) =>
    new JoinRows({ ...o, timestamped: false, bucketMs: Math.max(o.sizeMs, shortestMs) }, context),
})

/** Opens as `OuterJoinRows`: unmatched records of both sides of a left or outer stream join. */
export const outerJoinSpec = <K, L, R>(
  o: Omit<SpecOptions<K, L>, 'caching' | 'view' | 'value'> & {
    readonly left: SerdeFor<L>
    readonly right: SerdeFor<R>
  },
): StoreSpec => ({
  ...common(o, 'keyValue', 'keyValue', undefined),
  open: (context) => new OuterJoinRows(o, context),
})

/** Opens as `VersionedRows`. */
export const versionedSpec = <K, V>(
  o: Omit<SpecOptions<K, V>, 'caching'> & {
    readonly historyMs: number
    readonly segmentIntervalMs?: number | undefined
  },
): StoreSpec => ({
  ...common(o, 'versioned', 'versioned', o.historyMs),
  open: (context) => new VersionedRows(o, context),
})

/** Opens as `LruRows`: in memory, at most `maxEntries` rows; a record cache shows more. */
export const lruSpec = <K, V>(
  o: Omit<SpecOptions<K, V>, 'engine'> & { readonly maxEntries: number },
): StoreSpec => ({
  ...common({ ...o, engine: 'memory' }, 'lru', 'keyValue', undefined),
  open: (context) => new LruRows(o, context),
})

/** Opens as `SuppressBuffer`. */
export const suppressBufferSpec = <K, V>(
  o: Omit<SpecOptions<K, V>, 'engine' | 'caching' | 'view'>,
): StoreSpec => ({
  ...common({ ...o, engine: 'memory' }, 'buffer', 'buffer', undefined),
  open: (context) => new SuppressBuffer(o.name, o.key, o.value, context),
})

/** Opens as `GraceBuffer`: stream records that wait for a versioned table. */
export const graceBufferSpec = <K, V>(
  o: Omit<SpecOptions<K, V>, 'engine' | 'caching' | 'view'>,
): StoreSpec => ({
  ...common({ ...o, engine: 'memory' }, 'buffer', 'buffer', undefined),
  open: (context) => new GraceBuffer(o.name, o.key, o.value, context),
})

/** Opens as `SubscriptionRows`: foreign-key subscriptions by (foreign key bytes, left key bytes). */
export const subscriptionSpec = (o: {
  readonly name: string
  readonly engine: 'leveldb' | 'memory'
  readonly logging?: false | Readonly<Record<string, string>> | undefined
}): StoreSpec => ({
  ...common(o, 'timestampedKeyValue', 'keyValue', undefined),
  open: (context) => new SubscriptionRows(o.name, context),
})
