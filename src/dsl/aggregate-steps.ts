// Folds of grouped streams, windowed or not: which store they keep, which node they add, and the
// repartition in front (semantics 5, 11, 12).
import { checkedMs } from '../clock.js'
import { TopologyError } from '../errors.js'
import { sessionWindowed, timeWindowed } from '../serde/windowed-serdes.js'
import { sessionSpec, slidingSpec, windowSpec } from '../state/specs.js'
import type { StoreSpec } from '../state/state-store.js'
import type { NodeSupplier } from '../topology/processor.js'
import { GraphNode } from './graph/graph-node.js'
import type { SerdeRef } from './graph/serde-ref.js'
import { addPlanned, specOptions, tableSpec, type PlannedStore } from './materialize.js'
import { aggregate } from './processors/aggregate.js'
import type {
  EmitStrategy,
  Fold,
  SessionWindowDefinition,
  SlidingWindowDefinition,
  TimeWindowDefinition,
} from './processors/operator-options.js'
import { sessionAggregate } from './processors/session-aggregate.js'
import { slidingAggregate } from './processors/sliding-aggregate.js'
import {
  aggregateLookup,
  sessionLookup,
  versionedLookup,
  windowLookup,
  type TableLookup,
} from './processors/table-lookup.js'
import { windowAggregate } from './processors/window-aggregate.js'
import type { LogicalGraph } from './graph/logical-graph.js'
import { keptOldValues, type OldValues, type TableState } from './table-state.js'

/** How one fold runs over its input: everything but the input. */
export interface FoldPlan {
  readonly plan: PlannedStore
  readonly spec: (node: string) => StoreSpec
  readonly lookup: TableLookup
  readonly closeWaitMs: number | undefined
  /** The key of the result: windowed folds wrap it. */
  readonly key: SerdeRef
  readonly supplier: (fold: Fold, oldValues: OldValues) => NodeSupplier
}

export type Merge = (a: any, b: any, key: any) => unknown

/** Windows of any kind, with what goes with them. */
export interface Windowing {
  readonly windows: TimeWindowDefinition | SlidingWindowDefinition | SessionWindowDefinition
  readonly emit: EmitStrategy
  readonly merge?: Merge | undefined
}

/** A fold, per window where `w` has windows. @throws TopologyError when they do not go with the store's options */
export function foldPlan(
  graph: LogicalGraph,
  plan: PlannedStore,
  w: Windowing | undefined,
): FoldPlan {
  if (w === undefined) return plainFold(graph, plan)
  if (plan.versioned)
    throw new TopologyError(`store ${plan.name}: windows have no versions; leave historyMs out`)
  switch (w.windows.kind) {
    case 'time':
      return timeFold(graph, plan, w.windows, w.emit)
    case 'sliding':
      return slidingFold(graph, plan, w.windows, w.emit)
    case 'session':
      return sessionFold(graph, plan, w.windows, w.emit, w.merge)
  }
}

function plainFold(graph: LogicalGraph, plan: PlannedStore): FoldPlan {
  const { name, versioned } = plan
  return {
    plan,
    spec: (node) => tableSpec(graph, plan, node),
    lookup: versioned ? versionedLookup(name) : aggregateLookup(name),
    closeWaitMs: undefined,
    key: plan.key,
    supplier: (fold, oldValues) =>
      aggregate({ store: name, versioned, fold, sendsOldValues: oldValues.sent }),
  }
}

/** The retention that was asked for, when it is long enough. @throws TopologyError when it is not */
function retention(plan: PlannedStore, least: number): number {
  const { retentionMs } = plan.options
  if (retentionMs === undefined) return Math.min(least, Number.MAX_SAFE_INTEGER)
  checkedMs(retentionMs, 'retentionMs', 0)
  if (retentionMs < least && Number.isSafeInteger(least))
    throw new TopologyError(
      `store ${plan.name}: retentionMs ${retentionMs} is too short for its windows, which may change for ${least} ms; raise it or leave it out`,
    )
  return retentionMs
}

function timeFold(
  graph: LogicalGraph,
  plan: PlannedStore,
  windows: TimeWindowDefinition,
  emit: EmitStrategy,
): FoldPlan {
  const { name: store } = plan
  const { sizeMs, graceMs } = windows
  const retentionMs = retention(plan, sizeMs + graceMs)
  return {
    plan,
    spec: (node) =>
      windowSpec({
        ...specOptions(graph, plan, node),
        caching: plan.options.caching ?? true,
        timestamped: true,
        sizeMs,
        retentionMs,
        timeFirst: emit === 'onWindowClose',
      }),
    lookup: windowLookup(store),
    closeWaitMs: graceMs,
    key: windowedKey(plan.key, sizeMs),
    supplier: (fold, oldValues) =>
      windowAggregate({ store, fold, windows, emit, sendsOldValues: oldValues.sent }),
  }
}

/** What a store that emits on close is like: no cache holds results back, rows lie in order of time. */
function emitOptions(plan: PlannedStore, emit: EmitStrategy) {
  const onClose = emit === 'onWindowClose'
  return { caching: !onClose && (plan.options.caching ?? true), timeFirst: onClose }
}

function slidingFold(
  graph: LogicalGraph,
  plan: PlannedStore,
  windows: SlidingWindowDefinition,
  emit: EmitStrategy,
): FoldPlan {
  const { name: store } = plan
  const { differenceMs, graceMs } = windows
  const retentionMs = retention(plan, 2 * differenceMs + graceMs)
  return {
    plan,
    spec: (node) =>
      slidingSpec({
        ...specOptions(graph, plan, node),
        ...emitOptions(plan, emit),
        sizeMs: differenceMs,
        retentionMs,
      }),
    lookup: windowLookup(store),
    closeWaitMs: graceMs,
    key: windowedKey(plan.key, differenceMs),
    supplier: (fold, oldValues) =>
      slidingAggregate({ store, fold, windows, emit, sendsOldValues: oldValues.sent }),
  }
}

function sessionFold(
  graph: LogicalGraph,
  plan: PlannedStore,
  windows: SessionWindowDefinition,
  emit: EmitStrategy,
  merge: Merge | undefined,
): FoldPlan {
  const { name: store } = plan
  const { gapMs, graceMs } = windows
  const retentionMs = retention(plan, gapMs + graceMs)
  const { key } = plan
  return {
    plan,
    spec: (node) =>
      sessionSpec({
        ...specOptions(graph, plan, node),
        ...emitOptions(plan, emit),
        retentionMs,
        spanMs: gapMs + graceMs,
      }),
    lookup: sessionLookup(store),
    closeWaitMs: gapMs + graceMs,
    key: key && { serde: sessionWindowed(key.serde), isDefault: key.isDefault },
    supplier: (fold, oldValues) =>
      sessionAggregate({ store, fold, merge, windows, emit, sendsOldValues: oldValues.sent }),
  }
}

const windowedKey = (key: SerdeRef, sizeMs: number): SerdeRef =>
  key && { serde: timeWindowed(key.serde, { sizeMs }), isDefault: key.isDefault }

/** Adds the node of a fold below its input. `sources` are those of the input. */
export function addFold(
  graph: LogicalGraph,
  parent: GraphNode,
  sources: ReadonlySet<string>,
  name: string,
  fold: Fold,
  o: FoldPlan,
): TableState {
  const oldValues = keptOldValues()
  const node = foldNode(name, fold, o, oldValues)
  graph.add(parent, node)
  return {
    graph,
    node,
    name,
    key: o.key,
    value: o.plan.value,
    sources,
    storeName: o.plan.given,
    lookup: () => o.lookup,
    oldValues,
  }
}

/** The node of a fold; several of a cogroup share one store. */
export const foldNode = (name: string, fold: Fold, o: FoldPlan, oldValues: OldValues): GraphNode =>
  new GraphNode(
    name,
    (out, parents) => {
      out.addProcessor(name, o.supplier(fold, oldValues), parents)
      // The same plan is the same store: the first node adds it, others are connected.
      if (out.hasStore(o.plan.name)) out.addStore(out.store(o.plan.name)!, o.plan, [name])
      else addPlanned(out, o.plan, o.spec(name), [name])
    },
    { outputVersioned: o.plan.versioned, closeWaitMs: o.closeWaitMs },
  )
