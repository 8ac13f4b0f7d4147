// What stands behind a KGroupedStream: its stream, the repartition in front of its folds, and the
// folds themselves, windowed or not (semantics 5, 11).
import { long } from '../serde/number-serdes.js'
import { checkedName } from '../topology/names.js'
import { addFold, foldPlan, type Windowing } from './aggregate-steps.js'
import type { RepartitionNode } from './graph/repartition-node.js'
import { given, type SerdeRef } from './graph/serde-ref.js'
import { isMaterialized, planStore, type AnyMaterialized } from './materialize.js'
import type { Aggregate, Grouped } from './options.js'
import type { Fold } from './processors/operator-options.js'
import { repartitioned, type StreamState } from './stream-state.js'
import type { TableState } from './table-state.js'

/** @throws TypeError for a fold that lacks a callback: without `initial` it would be a reducer */
export function checkFold(o: { readonly initial: unknown; readonly add: unknown }): void {
  if (typeof o.initial !== 'function' || typeof o.add !== 'function')
    throw new TypeError(
      'a fold needs `initial` and `add`: an accumulator, and how values change it',
    )
}

/** What stands behind a grouping: the stream, and the repartition that its folds may share. */
export class Grouping {
  readonly stream: StreamState
  readonly name: string | undefined
  readonly key: SerdeRef
  readonly value: SerdeRef
  #repartition: StreamState | undefined

  constructor(stream: StreamState, o: Grouped<any, any>) {
    this.stream = stream
    this.name = o.name === undefined ? undefined : checkedName(o.name, 'name of the grouping')
    this.key = given(o.key) ?? stream.key
    this.value = given(o.value) ?? stream.value
  }

  /** The input of a fold: behind a repartition when the key may have changed. Named ones are shared. */
  input(storeName: string, storeIsNamed: boolean): StreamState {
    const { stream } = this
    if (!stream.rekeyed) return stream
    const serdes = { key: this.key, value: this.value }
    if (this.name === undefined)
      return repartitioned(stream, storeName, {
        ...serdes,
        remedy: storeIsNamed ? undefined : '`name` of the grouping',
      })
    if (this.#repartition === undefined) {
      this.#repartition = repartitioned(stream, this.name, serdes)
      return this.#repartition
    }
    // The node is added again, which moves it to the end of the order; its indices are used again too.
    for (const prefix of ['KSTREAM-SINK-', 'KSTREAM-FILTER-', 'KSTREAM-SOURCE-'])
      stream.graph.newName(prefix)
    stream.graph.add(stream.node, this.#repartition.node as RepartitionNode)
    return this.#repartition
  }

  /** Folds the group into a table. `prefix` names the node and, where none is given, the store. */
  fold(
    prefix: { readonly store: string; readonly node: string },
    fold: Fold,
    o: AnyMaterialized,
    value: SerdeRef,
    windowing?: Windowing,
  ): TableState {
    const { graph } = this.stream
    const plan = planStore(graph, prefix.store, o, { key: this.key, value })
    const folded = foldPlan(graph, plan, windowing)
    const name = graph.nameOr(o.name, prefix.node)
    const input = this.input(plan.name, plan.given !== undefined)
    return addFold(graph, input.node, input.sources, name, fold, folded)
  }

  count(o: AnyMaterialized, windowing?: Windowing): TableState {
    // Options of a store that do not name it use up one index more; only sliding windows do not.
    if (isMaterialized(o) && o.store === undefined && windowing?.windows.kind !== 'sliding')
      this.stream.graph.newStoreName('KSTREAM-AGGREGATE-')
    return this.fold(aggregating, { kind: 'count' }, o, given(long()), windowing)
  }

  reduce(
    reduce: (a: any, value: any, key: any) => unknown,
    o: AnyMaterialized,
    windowing?: Windowing,
  ): TableState {
    return this.fold(reducing, { kind: 'reduce', reduce }, o, this.value, windowing)
  }

  aggregate(o: Aggregate<any, any, any>, windowing?: Windowing): TableState {
    checkFold(o)
    const fold: Fold = { kind: 'aggregate', initial: o.initial, add: o.add }
    return this.fold(aggregating, fold, o as AnyMaterialized, undefined, windowing)
  }
}

const aggregating = { store: 'KSTREAM-AGGREGATE-', node: 'KSTREAM-AGGREGATE-' }
const reducing = { store: 'KSTREAM-REDUCE-', node: 'KSTREAM-REDUCE-' }
