// The stateless operators of streams: which node each adds, and what it changes of the stream
// (semantics 4, names in 16.2).
import type { Serde } from '../serde/serde.js'
import { serdeForNode } from '../serde/serde-traits.js'
import type { Stores } from '../state/stores.js'
import type { NodeSupplier } from '../topology/processor.js'
import { fixedKeyNode, userNode, type UserSupplier } from '../topology/processor-adapter.js'
import { checkedName } from '../topology/names.js'
import { isTopic } from '../topology/topic.js'
import { largeMessagesError } from '../topology/node-parts.js'
import { connectStores } from '../topology/topology-stores.js'
import type { Partitioner, SinkNode } from '../topology/topology-node.js'
import { GraphNode } from './graph/graph-node.js'
import { RepartitionNode } from './graph/repartition-node.js'
import { given, neededRef, refsNote, shared } from './graph/serde-ref.js'
import { engineFor, planStore, type AnyMaterialized } from './materialize.js'
import type { Grouped, Mapped, Named, ProcessOptions, Produced } from './options.js'
import { filter, type Predicate } from './processors/filter.js'
import { flatMap } from './processors/flat-map.js'
import {
  map,
  mapValues,
  pairElement,
  selectKey,
  valueElement,
  type AnyMapper,
} from './processors/map.js'
import { passThrough } from './processors/pass-through.js'
import { forEach, peek, print } from './processors/peek.js'
import {
  addStep,
  behind,
  checkSameBuilder,
  repartitioned,
  type StreamState,
} from './stream-state.js'
import type { TableState } from './table-state.js'
import { SourceTable } from './table-steps.js'

export type AnyMapped = Mapped<any, any>

export const filterStream = (
  state: StreamState,
  predicate: Predicate,
  keep: boolean,
  o: Named = {},
): StreamState =>
  addStep(state, state.graph.nameOr(o.name, 'KSTREAM-FILTER-'), filter(predicate, keep))

type MapStep = (state: StreamState, mapper: AnyMapper, o?: AnyMapped) => StreamState

/** A step with new keys, values or both: their serdes are what the options say. */
const mapperStep =
  (
    prefix: string,
    renews: { readonly key: boolean; readonly value: boolean },
    supplier: (mapper: AnyMapper) => NodeSupplier,
  ): MapStep =>
  (state, mapper, o = {}) =>
    addStep(
      state,
      state.graph.nameOr(o.name, prefix),
      supplier(mapper),
      {
        ...(renews.key && { key: given(o.key), rekeyed: true }),
        ...(renews.value && { value: given(o.value) }),
      },
      renews.key ? { keyChanging: true } : { valueChanging: true },
    )

const pairs = { key: true, value: true }
const values = { key: false, value: true }
const keys = { key: true, value: false }

export const mapStream = mapperStep('KSTREAM-MAP-', pairs, map)
export const mapStreamValues = mapperStep('KSTREAM-MAPVALUES-', values, mapValues)
export const flatMapStream = mapperStep('KSTREAM-FLATMAP-', pairs, (mapper) =>
  flatMap(mapper, pairElement),
)
export const flatMapStreamValues = mapperStep('KSTREAM-FLATMAPVALUES-', values, (mapper) =>
  flatMap(mapper, valueElement),
)
/** `selectKey`, and the first half of `groupBy`. */
export const selectStreamKey = mapperStep('KSTREAM-KEY-SELECT-', keys, selectKey)

export const peekStream = (state: StreamState, action: AnyMapper, o: Named = {}): StreamState =>
  addStep(state, state.graph.nameOr(o.name, 'KSTREAM-PEEK-'), peek(action))

export function forEachRecord(state: StreamState, action: AnyMapper, o: Named = {}): void {
  addStep(state, state.graph.nameOr(o.name, 'KSTREAM-FOREACH-'), forEach(action))
}

export function printStream(
  state: StreamState,
  o: Named & {
    readonly label?: string | undefined
    readonly format?: AnyMapper | undefined
  } = {},
): void {
  const name = state.graph.nameOr(o.name, 'KSTREAM-PRINTER-')
  addStep(state, name, print(o.label ?? state.name, o.format))
}

/** A serde stays only where both sides carry the same. */
export function mergeStreams(a: StreamState, b: StreamState, o: Named = {}): StreamState {
  const { graph } = a
  checkSameBuilder(graph, b)
  const name = graph.nameOr(o.name, 'KSTREAM-MERGE-')
  const node = new GraphNode(name, (out, parents) => out.addProcessor(name, passThrough, parents), {
    merges: true,
  })
  graph.add([a.node, b.node], node)
  return {
    graph,
    node,
    name,
    key: shared(a.key, b.key),
    value: shared(a.value, b.value),
    sources: new Set([...a.sources, ...b.sources]),
    rekeyed: a.rekeyed || b.rekeyed,
  }
}

/** Always a topic, whether or not the key changed. */
export function repartitionStream(
  state: StreamState,
  o: Grouped<any, any> & {
    readonly partitions?: number | undefined
    readonly partitioner?: Partitioner<any, any> | undefined
  } = {},
): StreamState {
  const { graph } = state
  if (o.partitions !== undefined && !(Number.isSafeInteger(o.partitions) && o.partitions > 0))
    throw new TypeError(`partitions must be a whole number above 0, not ${o.partitions}`)
  const prefix =
    o.name === undefined
      ? graph.newName('KSTREAM-REPARTITION-')
      : checkedName(o.name, 'name of repartition')
  const node = new RepartitionNode(graph, prefix, {
    key: graph.key(given(o.key) ?? state.key),
    value: graph.value(given(o.value) ?? state.value),
    mergeable: false,
    partitions: o.partitions,
    partitioner: o.partitioner,
    remedy: o.name === undefined ? '`name` of repartition' : undefined,
  })
  graph.add(state.node, node)
  return behind(state, node)
}

/** Writes the stream to a topic, or to the one that a function chooses. */
export function sinkStream(state: StreamState, topic: unknown, o: Produced<any, any> = {}): void {
  const { graph } = state
  const name = graph.nameOr(o.name, 'KSTREAM-SINK-')
  if (o.largeMessages !== undefined) throw largeMessagesError(name)
  const known = isTopic(topic) ? topic : undefined
  const key = graph.key(given(o.key ?? known?.key) ?? state.key)
  const value = graph.value(given(o.value ?? known?.value) ?? state.value)
  const write = (serde: Serde<any>): Serde<any> => serdeForNode(serde)
  graph.add(
    state.node,
    new GraphNode(name, (out, parents) => {
      out.addSink({
        kind: 'sink',
        name,
        parents,
        topic: (known?.name ?? topic) as SinkNode['topic'],
        key: write(neededRef(key, name, 'key')),
        value: write(neededRef(value, name, 'value')),
        partitioner: o.partitioner,
      })
      out.addNotes(name, [refsNote({ key, value })])
    }),
  )
}

/** `toTable`: behind a repartition when the key may have changed. */
export function streamToTable(state: StreamState, o: AnyMaterialized = {}): TableState {
  const { graph } = state
  const name = graph.nameOr(o.name, 'KSTREAM-TOTABLE-')
  const plan = planStore(graph, 'KSTREAM-TOTABLE-', o, { key: state.key, value: state.value })
  const input = state.rekeyed
    ? repartitioned(state, name, {
        key: plan.key,
        value: plan.value,
        remedy: o.name === undefined ? '`name` of toTable' : undefined,
      })
    : state
  const table = new SourceTable(name, plan)
  const node = new GraphNode(name, (out, parents) => table.write(out, parents, graph), {
    outputVersioned: table.outputVersioned,
  })
  graph.add(input.node, node)
  return {
    graph,
    node,
    name,
    key: given(o.key) ?? state.key,
    value: given(o.value) ?? state.value,
    sources: input.sources,
    storeName: plan.given,
    lookup: table.lookup,
    oldValues: table.oldValues,
  }
}

/** `process`, or `processValues` where the key is `fixed`. */
export function processStream(
  state: StreamState,
  supplier: UserSupplier,
  o: ProcessOptions<any, any, Stores> = {},
  fixed = false,
): StreamState {
  const { graph } = state
  const prefix = fixed ? 'KSTREAM-PROCESSVALUES-' : 'KSTREAM-PROCESSOR-'
  // Here, unlike everywhere else, a given name uses up no index.
  const name = o.name === undefined ? graph.newName(prefix) : checkedName(o.name, 'node name')
  const names = new Map<string, string>()
  const engine = engineFor(graph, {})
  const node = new GraphNode(
    name,
    (out, parents) => {
      const make = fixed ? fixedKeyNode : userNode
      out.addProcessor(name, make(supplier, names), parents)
      connectStores(out, name, o.stores ?? {}, engine, names)
    },
    // No repartition may move above a processor that changes keys; one that keeps them lets it pass.
    { valueChanging: !fixed },
  )
  graph.add(state.node, node)
  return {
    ...state,
    node,
    name,
    key: fixed ? state.key : given(o.key),
    value: given(o.value),
    rekeyed: state.rekeyed || !fixed,
    joinRepartition: undefined,
  }
}
