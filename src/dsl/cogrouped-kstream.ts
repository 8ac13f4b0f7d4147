// Several grouped streams folded into one accumulator, each with its own function, on one store
// (semantics 11.6).
import type { Windowed } from '../serde/windowed.js'
import { foldNode, foldPlan, type Merge, type Windowing } from './aggregate-steps.js'
import type { Acc, Del, Folder } from './callbacks.js'
import { GraphNode } from './graph/graph-node.js'
import type { LogicalGraph } from './graph/logical-graph.js'
import type { SerdeRef } from './graph/serde-ref.js'
import type { Grouping } from './grouping.js'
import { groupingBehind, type KGroupedStream } from './kgrouped-stream.js'
import { KTable } from './ktable.js'
import { planStore, type AnyMaterialized } from './materialize.js'
import type { Materialized } from './options.js'
import type {
  Fold,
  SessionWindowDefinition,
  SlidingWindowDefinition,
  TimeWindowDefinition,
} from './processors/operator-options.js'
import { passThrough } from './processors/pass-through.js'
import { checkSameBuilder, copartitioned, type StreamState } from './stream-state.js'
import { OldValues, type TableState } from './table-state.js'
import type { SessionWindows, SlidingWindows, TimeWindows } from './windows.js'

interface CogroupInput {
  readonly grouping: Grouping
  readonly add: Folder<any, any, any>
}

export interface Cogrouping {
  readonly graph: LogicalGraph
  readonly initial: () => unknown
  readonly value: SerdeRef
  readonly inputs: readonly CogroupInput[]
}

/** Adds a fold per input, all on one store, and the node that brings them together. */
function foldTogether(
  { graph, initial, value, inputs }: Cogrouping,
  o: AnyMaterialized,
  windowing?: Windowing,
): TableState {
  const key = inputs.find(({ grouping }) => grouping.key !== undefined)?.grouping.key
  const plan = planStore(graph, 'COGROUPKSTREAM-AGGREGATE-', o, { key, value })
  const folded = foldPlan(graph, plan, windowing)
  const parents = new Map<Grouping, StreamState>()
  for (const { grouping } of inputs)
    parents.set(grouping, grouping.input(plan.name, plan.given !== undefined))
  const sources = copartitioned(graph, ...parents.values())
  const oldValues = new OldValues(() => true)
  const folds = inputs.map(({ grouping, add }, index) => {
    const name = graph.suffixedOr(o.name, `-cogroup-agg-${index}`, 'COGROUPKSTREAM-AGGREGATE-')
    const fold: Fold = { kind: 'aggregate', initial, add }
    return graph.add(parents.get(grouping)!.node, foldNode(name, fold, folded, oldValues))
  })
  const name = graph.suffixedOr(o.name, '-cogroup-merge', 'COGROUPKSTREAM-MERGE-')
  const node = graph.add(
    folds,
    new GraphNode(name, (out, above) => out.addProcessor(name, passThrough, above), {
      outputVersioned: plan.versioned,
    }),
  )
  return {
    graph,
    node,
    name,
    key: folded.key,
    value: plan.value,
    sources,
    storeName: plan.given,
    lookup: () => folded.lookup,
    oldValues,
  }
}

/** A windowed cogroup; it has no emit strategy, as in Kafka Streams. */
export class TimeWindowedCogroupedKStream<K, A> {
  readonly #cogrouping: Cogrouping
  readonly #windows: TimeWindowDefinition | SlidingWindowDefinition

  constructor(cogrouping: Cogrouping, windows: TimeWindowDefinition | SlidingWindowDefinition) {
    this.#cogrouping = cogrouping
    this.#windows = windows
  }

  /** Ends the cogroup in one table of windows. */
  aggregate(o: Omit<Materialized<K, A>, 'value'> = {}): KTable<Windowed<K>, Acc<A>, Del<A>> {
    const windowing: Windowing = { windows: this.#windows, emit: 'onWindowUpdate' }
    return new KTable(foldTogether(this.#cogrouping, o, windowing))
  }
}

/** A cogroup over sessions. */
export class SessionWindowedCogroupedKStream<K, A> {
  readonly #cogrouping: Cogrouping
  readonly #windows: SessionWindowDefinition

  constructor(cogrouping: Cogrouping, windows: SessionWindowDefinition) {
    this.#cogrouping = cogrouping
    this.#windows = windows
  }

  /**
   * `merge` joins the accumulators of sessions that meet.
   *
   * @example
   * words
   *   .groupByKey()
   *   .cogroup({ initial: () => 0, add: (n) => n + 1 })
   *   .windowedBy(session({ gapMs: 5, graceMs: 0 }))
   *   .aggregate({ merge: (a, b) => a + b })
   * // words: a=to@3
   * // → a[3-3]=1@3
   */
  aggregate(
    o: Omit<Materialized<K, A>, 'value'> & {
      readonly merge: (a: A, b: A, key: K) => A
    },
  ): KTable<Windowed<K, 'session'>, Acc<A>, null> {
    const windowing: Windowing = {
      windows: this.#windows,
      emit: 'onWindowUpdate',
      merge: o.merge as Merge,
    }
    return new KTable(foldTogether(this.#cogrouping, o, windowing))
  }
}

/**
 * Grouped streams that share one accumulator.
 *
 * @example
 * temperatures
 *   .cogroup({ initial: () => ({ max: 0, errors: 0 }), add: (a, t) => ({ ...a, max: Math.max(a.max, t.celsius) }) })
 *   .cogroup(motors, (a) => ({ ...a, errors: a.errors + 1 }))
 *   .aggregate({ store: 'health' })
 */
export class CogroupedKStream<K, A> {
  readonly #cogrouping: Cogrouping

  /** Made by `cogroup`. */
  constructor(cogrouping: Cogrouping) {
    this.#cogrouping = cogrouping
  }

  /**
   * Adds a grouped stream with its own function.
   *
   * @example
   * words
   *   .groupByKey()
   *   .cogroup({ initial: () => 0, add: (n) => n + 1 })
   *   .cogroup(letters.groupByKey(), (n) => n + 10)
   *   .aggregate({ store: 'points' })
   * // words: a=to
   * // letters: a=x
   * // → a=1, a=11
   */
  cogroup<V>(grouped: KGroupedStream<K, V, null>, add: Folder<A, K, V>): CogroupedKStream<K, A> {
    const grouping = groupingBehind(grouped)
    checkSameBuilder(this.#cogrouping.graph, grouping.stream)
    const others = this.#cogrouping.inputs.filter((input) => input.grouping !== grouping)
    const inputs = [...others, { grouping, add: add as Folder<any, any, any> }]
    return new CogroupedKStream({ ...this.#cogrouping, inputs })
  }

  /** Ends the cogroup in one table. Repartitioned inputs need named groupings. */
  aggregate(o: Omit<Materialized<K, A>, 'value'> = {}): KTable<K, Acc<A>, Del<A>> {
    return new KTable(foldTogether(this.#cogrouping, o))
  }

  /**
   * Groups by window too.
   *
   * @example
   * words
   *   .groupByKey()
   *   .cogroup({ initial: () => 0, add: (n) => n + 1 })
   *   .windowedBy(tumbling({ sizeMs: 10, graceMs: 0 }))
   *   .aggregate()
   * // words: a=to@3
   * // → a[0-10]=1@3
   */
  windowedBy(w: TimeWindows | SlidingWindows): TimeWindowedCogroupedKStream<K, A>
  windowedBy(w: SessionWindows): SessionWindowedCogroupedKStream<K, A>
  windowedBy(
    w: TimeWindows | SlidingWindows | SessionWindows,
  ): TimeWindowedCogroupedKStream<K, A> | SessionWindowedCogroupedKStream<K, A> {
    return w.kind === 'session'
      ? new SessionWindowedCogroupedKStream(this.#cogrouping, w as SessionWindowDefinition)
      : new TimeWindowedCogroupedKStream(
          this.#cogrouping,
          w as TimeWindowDefinition | SlidingWindowDefinition,
        )
  }
}
