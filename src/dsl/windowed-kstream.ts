// A stream grouped by key and window: the folds of a group, once per window.
import type { Windowed } from '../serde/windowed.js'
import type { Windowing } from './aggregate-steps.js'
import type { Acc, Del } from './callbacks.js'
import type { Grouping } from './kgrouped-stream.js'
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

  /** Whether results come with every update, or once, when the window closes. */
  emitStrategy(s: EmitStrategy): TimeWindowedKStream<K, V, N> {
    const windows = this.#windowing.windows as TimeWindowDefinition
    return new TimeWindowedKStream(this.#grouping, windows, checkedStrategy(s))
  }

  /** How many records each key has in each window. */
  count(o: Materialized<K, number> = {}): KTable<Windowed<K>, number, never> {
    return new KTable(this.#grouping.count(o, this.#windowing))
  }

  /** Folds values of one type; a reducer that returns null deletes. */
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

  /** Folds into any type, which follows from `value`, else from `initial`. */
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

  /** Whether results come with every update, or once, when the session closes. */
  emitStrategy(s: EmitStrategy): SessionWindowedKStream<K, V, N> {
    const windows = this.#windowing.windows as SessionWindowDefinition
    return new SessionWindowedKStream(this.#grouping, windows, checkedStrategy(s))
  }

  /** How many records each session has. */
  count(o: Materialized<K, number> = {}): KTable<Windowed<K, 'session'>, number, null> {
    return new KTable(this.#grouping.count(o, this.#windowing))
  }

  /** Folds values of one type; sessions that meet are merged by the reducer too. */
  reduce(
    reducer: (accumulator: V, value: V | N, key: K) => V | null,
    o: Materialized<K, V> = {},
  ): KTable<Windowed<K, 'session'>, V, null> {
    return new KTable(this.#grouping.reduce(reducer, o, this.#windowing))
  }

  /** Folds into any type; `merge` joins the accumulators of sessions that meet. */
  aggregate<A>(
    o: Aggregate<A, K, V | N> & {
      readonly merge: (a: NoInfer<A>, b: NoInfer<A>, key: K) => NoInfer<A>
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
