// What users call to build a store, and how a builder becomes a spec under a name.
import { checkedMs } from '../clock.js'
import { TopologyError } from '../errors.js'
import type { Serde } from '../serde/serde.js'
import { customSpec, type CustomStore, type CustomStoreOptions } from './custom-store.js'
import type { KeyValueStore, TimestampedKeyValueStore } from './key-value-store.js'
import type { SessionStore } from './session-store.js'
import { keyValueSpec, lruSpec, sessionSpec, versionedSpec, windowSpec } from './specs.js'
import type { StoreSpec } from './state-store.js'
import type { VersionedKeyValueStore } from './versioned-store.js'
import type { TimestampedWindowStore, WindowStore } from './window-store.js'

/** A store of type S, to be opened once per task. */
export interface StoreBuilder<S> {
  readonly '~store': S
}

/** A store that was added to a topology under a name; handing it on shares the store. */
export interface StateStore<S> extends StoreBuilder<S> {
  readonly name: string
}

/** Builders or handles by the name that `getStateStore` takes. */
export type Stores = Readonly<Record<string, StoreBuilder<any>>>

/** An engine of somebody else's making; not available in this version. */
export interface StoreEngine {
  readonly '~engine': true
}

/** Serdes and upkeep of a store. */
export interface StoreOptions<K, V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
  /** Default: the builder's, else `leveldb`. */
  readonly engine?: 'leveldb' | 'memory' | StoreEngine | undefined
  /** Off unless said. */
  readonly caching?: boolean | undefined
  /** Topic configs on top of the defaults; false: no changelog. */
  readonly logging?: false | Readonly<Record<string, string>> | undefined
}

/** Serdes and upkeep of a window store, with its window size and how long rows are kept. */
export interface WindowStoreOptions<K, V> extends StoreOptions<K, V> {
  readonly sizeMs: number
  readonly retentionMs: number
  /**
   * Keeps every put, also of one key and start. A read of one window then sees the last put of the whole
   * store, if it is of that window, and in memory nothing, as in Kafka Streams: read ranges.
   */
  readonly keepDuplicates?: boolean | undefined
}

type MakeSpec = (name: string, defaultEngine: 'leveldb' | 'memory') => StoreSpec

/** The only class of builders: the type S is for the compiler alone. */
class Builder<S> implements StoreBuilder<S> {
  declare readonly '~store': S
  readonly make: MakeSpec

  constructor(make: MakeSpec) {
    this.make = make
  }
}

/** The engine that options name. @throws TopologyError for one that is not there */
export function engineOf(
  engine: unknown,
  otherwise: 'leveldb' | 'memory' = 'leveldb',
): 'leveldb' | 'memory' {
  if (engine === undefined) return otherwise
  if (engine === 'leveldb' || engine === 'memory') return engine
  throw new TopologyError(
    typeof engine === 'object'
      ? "store engines of your own are not available in this version: use 'leveldb' or 'memory', or customStore({ … }) for a store of your own"
      : `unknown store engine ${JSON.stringify(engine)}: use 'leveldb' or 'memory'`,
  )
}

/**
 * The spec of a store under a name; `defaultEngine` serves where the builder names none.
 * @throws TopologyError when `builder` is not one of ours
 */
export const toSpec = (
  builder: StoreBuilder<unknown>,
  name: string,
  defaultEngine: 'leveldb' | 'memory' = 'leveldb',
): StoreSpec => {
  if (!(builder instanceof Builder))
    throw new TopologyError(
      `store ${name}: not a store builder; use keyValueStore({ … }) or another of its kind`,
    )
  return builder.make(name, defaultEngine)
}

/** Whether a value is a builder that `toSpec` takes. */
export const isStoreBuilder = (value: unknown): value is StoreBuilder<unknown> =>
  value instanceof Builder

function checkWindows(
  store: string,
  { sizeMs, retentionMs }: { readonly sizeMs: number; readonly retentionMs: number },
): void {
  checkedMs(sizeMs, `${store}: sizeMs`, 0)
  checkedMs(retentionMs, `${store}: retentionMs`, 0)
  if (retentionMs < sizeMs)
    throw new TypeError(
      `${store}: retentionMs ${retentionMs} is below sizeMs ${sizeMs}, so windows would be gone before they end; raise it`,
    )
}

/** Rows by key, without timestamps. */
export function keyValueStore<K, V>(o: StoreOptions<K, V>): StoreBuilder<KeyValueStore<K, V>> {
  return new Builder((name, engine) =>
    keyValueSpec({ ...o, name, engine: engineOf(o.engine, engine), timestamped: false }),
  )
}

/** Rows by key with the time of their last update, as tables keep them. */
export function timestampedKeyValueStore<K, V>(
  o: StoreOptions<K, V>,
): StoreBuilder<TimestampedKeyValueStore<K, V>> {
  return new Builder((name, engine) =>
    keyValueSpec({
      ...o,
      name,
      engine: engineOf(o.engine, engine),
      timestamped: true,
      view: 'rows',
    }),
  )
}

/**
 * At most `maxEntries` rows in memory; the one not used for longest leaves first. With `caching` the
 * record cache goes on showing rows that left, as in Kafka Streams.
 * @throws TypeError when `maxEntries` is no whole number
 */
export function lruStore<K, V>(
  o: Omit<StoreOptions<K, V>, 'engine'> & { readonly maxEntries: number },
): StoreBuilder<KeyValueStore<K, V>> {
  if (!(Number.isSafeInteger(o.maxEntries) && o.maxEntries >= 0))
    throw new TypeError(`lruStore: maxEntries must be a whole number, not ${String(o.maxEntries)}`)
  return new Builder((name) => lruSpec({ ...o, name }))
}

/** The versions of each key over `historyMs`. @throws TypeError for times that are not whole milliseconds */
export function versionedStore<K, V>(
  o: Omit<StoreOptions<K, V>, 'caching'> & {
    readonly historyMs: number
    readonly segmentIntervalMs?: number | undefined
  },
): StoreBuilder<VersionedKeyValueStore<K, V>> {
  const { historyMs, segmentIntervalMs } = o
  checkedMs(historyMs, 'versionedStore: historyMs', 0)
  if (segmentIntervalMs !== undefined)
    checkedMs(segmentIntervalMs, 'versionedStore: segmentIntervalMs', 1)
  return new Builder((name, engine) =>
    versionedSpec({ ...o, name, engine: engineOf(o.engine, engine), view: 'rows' }),
  )
}

/**
 * Rows by key and window start, kept for `retentionMs`.
 * @throws TypeError for times that are not whole milliseconds, or a retention below the size
 */
export function windowStore<K, V>(o: WindowStoreOptions<K, V>): StoreBuilder<WindowStore<K, V>> {
  checkWindows('windowStore', o)
  return new Builder((name, engine) =>
    windowSpec({ ...o, name, engine: engineOf(o.engine, engine), timestamped: false }),
  )
}

/** The same with the time of the last update of each row. */
export function timestampedWindowStore<K, V>(
  o: WindowStoreOptions<K, V>,
): StoreBuilder<TimestampedWindowStore<K, V>> {
  checkWindows('timestampedWindowStore', o)
  return new Builder((name, engine) =>
    windowSpec({
      ...o,
      name,
      engine: engineOf(o.engine, engine),
      timestamped: true,
      view: 'rows',
    }),
  )
}

/** Sessions by key, kept for `retentionMs` after their end. @throws TypeError unless that is whole milliseconds */
export function sessionStore<K, V>(
  o: StoreOptions<K, V> & { readonly retentionMs: number },
): StoreBuilder<SessionStore<K, V>> {
  checkedMs(o.retentionMs, 'sessionStore: retentionMs', 0)
  return new Builder((name, engine) =>
    sessionSpec({ ...o, name, engine: engineOf(o.engine, engine) }),
  )
}

/**
 * A store of the user's own: `open` is called once per task, writes the changelog through `log`, and
 * registers with `onRestore` what applies changelog records.
 */
export function customStore<S extends CustomStore>(o: CustomStoreOptions<S>): StoreBuilder<S> {
  return new Builder((name) => customSpec(name, o))
}
