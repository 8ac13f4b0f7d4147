// A stream grouped by key and window: the folds of a group, once per window.
import type { Windowed } from '../serde/windowed.js'
import type { Windowing } from './aggregate-steps.js'
import type { Acc, Del, Known } from './callbacks.js'
import type { Grouping } from './grouping.js'
import { KTable } from './ktable.js'
import type { Aggregate, Materialized } from './options.js'
import type {
  EmitStrategy,
  SessionWindowDefinition,
  SlidingWindowDefinition,
  TimeWindowDefinition,
} from './processors/operator-options.js'

/**
 * Time windows and sliding windows. `N` is null where null values reach the fold: time windows pass
 * them on, sliding windows drop them.
 */
export class TimeWindowedKStream<K, V, N extends null = never> {
  readonly #grouping: Grouping
  readonly #windowing: Windowing

  /** Made by `windowedBy`. */
  constructor(
    grouping: Grouping,
    windows: TimeWindowDefinition | SlidingWindowDefinition,
    emit: EmitStrategy = 'onWindowUpdate',
  ) {
    this.#grouping = grouping
    this.#windowing = { windows, emit }
  }

  /**
   * Whether results come with every update, or once, when the window closes.
   * @throws TypeError for an unknown strategy, and for closing windows that are unlimited
   *
   * @example
   * words
   *   .groupByKey()
   *   .windowedBy(tumbling({ sizeMs: 10, graceMs: 5 }))
   *   .emitStrategy('onWindowClose')
   *   .count()
   * // words: a=to@1, a=be@3, a=or@15
   * // → a[0-10]=2@3
   */
  emitStrategy(s: EmitStrategy): TimeWindowedKStream<K, V, N> {
    const windows = this.#windowing.windows as TimeWindowDefinition
    if (checkedStrategy(s) === 'onWindowClose' && windows.startMs !== undefined)
      throw new TypeError(
        "unlimited windows never close, so emitStrategy('onWindowClose') would emit nothing: take 'onWindowUpdate'",
      )
    return new TimeWindowedKStream(this.#grouping, windows, s)
  }

  /**
   * How many records each key has in each window.
   *
   * @example
   * words.groupByKey().windowedBy(hopping({ sizeMs: 10, advanceMs: 5, graceMs: 0 })).count()
   * // words: a=to@7
   * // → a[0-10]=1@7, a[5-15]=1@7
   */
  count(o: Materialized<K, number> = {}): KTable<Windowed<K>, number, never> {
    return new KTable(this.#grouping.count(o, this.#windowing))
  }

  /**
   * Folds values of one type; a reducer that returns null deletes.
   *
   * @example
   * words.groupByKey().windowedBy(tumbling({ sizeMs: 10, graceMs: 0 })).reduce((a, b) => a + b)
   * // words: a=to@1, a=be@2
   * // → a[0-10]=to@1, a[0-10]=tobe@2
   */
  reduce(
    reducer: (accumulator: V, value: V | N, key: K) => V,
    o?: Materialized<K, V>,
  ): KTable<Windowed<K>, V, N>
  reduce(
    reducer: (accumulator: V, value: V | N, key: K) => V | null,
    o?: Materialized<K, V>,
  ): KTable<Windowed<K>, V, null>
  reduce(
    reducer: (accumulator: V, value: V | N, key: K) => V | null,
    o: Materialized<K, V> = {},
  ): KTable<Windowed<K>, V, any> {
    return new KTable(this.#grouping.reduce(reducer, o, this.#windowing))
  }

  /**
   * Folds into any type, which follows from `value`, else from `initial`.
   *
   * @example
   * readings
   *   .groupByKey()
   *   .windowedBy(unlimited())
   *   .aggregate({ initial: () => 0, add: (most, { value }) => Math.max(most, value) })
   *   .toStream((most, window) => window.key)
   * // readings: s1={"sensor":"s1","value":2}
   * // → s1=2
   */
  aggregate<A>(o: Aggregate<A, K, V | N>): KTable<Windowed<K>, Acc<A>, Del<A>> {
    return new KTable(this.#grouping.aggregate(o, this.#windowing))
  }
}

/** Sessions: windows that grow and merge, so that a session that was absorbed is deleted. */
export class SessionWindowedKStream<K, V, N extends null = never> {
  readonly #grouping: Grouping
  readonly #windowing: Windowing

  /** Made by `windowedBy`. */
  constructor(
    grouping: Grouping,
    windows: SessionWindowDefinition,
    emit: EmitStrategy = 'onWindowUpdate',
  ) {
    this.#grouping = grouping
    this.#windowing = { windows, emit }
  }

  /**
   * Whether results come with every update, or once, when the session closes.
   *
   * @example
   * words
   *   .groupByKey()
   *   .windowedBy(session({ gapMs: 5, graceMs: 0 }))
   *   .emitStrategy('onWindowClose')
   *   .count()
   * // words: a=to@1, a=be@4, b=or@20
   * // → a[1-4]=2@4
   */
  emitStrategy(s: EmitStrategy): SessionWindowedKStream<K, V, N> {
    const windows = this.#windowing.windows as SessionWindowDefinition
    return new SessionWindowedKStream(this.#grouping, windows, checkedStrategy(s))
  }

  /**
   * How many records each session has.
   *
   * @example
   * words.groupByKey().windowedBy(session({ gapMs: 5, graceMs: 0 })).count()
   * // words: a=to@1, a=be@4
   * // → a[1-1]=1@1, a[1-1]=∅@1, a[1-4]=2@4
   */
  count(o: Materialized<K, number> = {}): KTable<Windowed<K, 'session'>, number, null> {
    return new KTable(this.#grouping.count(o, this.#windowing))
  }

  /**
   * Folds values of one type; sessions that meet are merged by the reducer too.
   *
   * @example
   * words.groupByKey().windowedBy(session({ gapMs: 5, graceMs: 0 })).reduce((a, b) => a + b)
   * // words: a=to@1
   * // → a[1-1]=to@1
   */
  reduce(
    reducer: (accumulator: V, value: V | N, key: K) => V | null,
    o: Materialized<K, V> = {},
  ): KTable<Windowed<K, 'session'>, V, null> {
    return new KTable(this.#grouping.reduce(reducer, o, this.#windowing))
  }

  /**
   * Folds into any type; `merge` joins the accumulators of sessions that meet.
   *
   * @example
   * readings
   *   .groupByKey()
   *   .windowedBy(session({ gapMs: 5, graceMs: 0 }))
   *   .aggregate({
   *     initial: () => 0,
   *     add: (sum, { value }) => sum + value,
   *     merge: (a, b) => a + b,
   *   })
   * // readings: s1={"sensor":"s1","value":2}@1
   * // → s1[1-1]=2@1
   */
  aggregate<A>(
    o: Aggregate<A, K, V | N> & {
      readonly merge: (a: Known<A>, b: Known<A>, key: K) => Known<A>
    },
  ): KTable<Windowed<K, 'session'>, Acc<A>, null> {
    if (typeof o.merge !== 'function')
      throw new TypeError(
        'sessions need `merge`: two of them become one when a record comes between',
      )
    return new KTable(this.#grouping.aggregate(o, { ...this.#windowing, merge: o.merge }))
  }
}

function checkedStrategy(s: EmitStrategy): EmitStrategy {
  if (s === 'onWindowUpdate' || s === 'onWindowClose') return s
  throw new TypeError(`emitStrategy takes 'onWindowUpdate' or 'onWindowClose', not ${String(s)}`)
}
