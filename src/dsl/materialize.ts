// From `Materialized` options to stores: their names, and what they are made of.
import { checkedMs } from '../clock.js'
import { TopologyError } from '../errors.js'
import type { Serde } from '../serde/serde.js'
import { keyValueSpec, versionedSpec } from '../state/specs.js'
import type { StoreSpec } from '../state/state-store.js'
import { engineOf } from '../state/stores.js'
import { checkedName } from '../topology/names.js'
import type { TopologyGraph } from '../topology/topology-graph.js'
import type { LogicalGraph } from './graph/logical-graph.js'
import { given, neededRef, refsNote, type SerdeRef } from './graph/serde-ref.js'
import type { Materialized } from './options.js'

/** Options as every operator that may keep rows takes them. */
export type AnyMaterialized = Materialized<any, any>

/** A store that an operator keeps, or may come to keep. */
export interface PlannedStore {
  readonly name: string
  /** The name, where the user gave it. */
  readonly given: string | undefined
  readonly options: AnyMaterialized
  readonly versioned: boolean
  readonly key: SerdeRef
  readonly value: SerdeRef
}

const materializing = [
  'store',
  'key',
  'value',
  'caching',
  'logging',
  'engine',
  'retentionMs',
  'historyMs',
] as const

/** Whether options ask for a store in Kafka Streams' sense; a `name` alone does not (semantics 16.3). */
export const isMaterialized = (o: AnyMaterialized): boolean =>
  materializing.some((field) => o[field] !== undefined)

/** Plans a store; without a given name an index is used for a generated one. */
export function planStore(
  graph: LogicalGraph,
  prefix: string,
  o: AnyMaterialized,
  serdes: { readonly key: SerdeRef; readonly value: SerdeRef },
  newName: (prefix: string) => string = (p) => graph.unnamedStore(p),
): PlannedStore {
  const store = o.store === undefined ? undefined : checkedName(o.store, 'store name')
  if (o.historyMs !== undefined) {
    checkedMs(o.historyMs, 'historyMs', 0)
    if (store === undefined)
      throw new TopologyError('a versioned store needs a name: give `store` beside `historyMs`')
  }
  return {
    name: store ?? newName(prefix),
    given: store,
    options: o,
    versioned: o.historyMs !== undefined,
    key: graph.key(given(o.key) ?? serdes.key),
    value: graph.value(given(o.value) ?? serdes.value),
  }
}

/** The engine that options name, or else the builder. @throws TopologyError for an unknown one */
export const engineFor = (
  graph: LogicalGraph,
  o: { readonly engine?: unknown },
): 'leveldb' | 'memory' => engineOf(o.engine ?? graph.defaults.engine)

/** What specs of all kinds take from a plan. */
export function specOptions(graph: LogicalGraph, plan: PlannedStore, node: string) {
  return {
    name: plan.name,
    key: neededRef(plan.key, node, 'key'),
    value: neededRef(plan.value, node, 'value'),
    engine: engineFor(graph, plan.options),
    logging: plan.options.logging ?? {},
    view: 'values' as const,
  } satisfies { key: Serde<any>; [option: string]: unknown }
}

/**
 * The store of a table with one row per key: timestamped, or versioned.
 * @throws TopologyError for a retention: rows stay until they are deleted
 */
export function tableSpec(graph: LogicalGraph, plan: PlannedStore, node: string): StoreSpec {
  if (plan.options.retentionMs !== undefined)
    throw new TopologyError(
      `store ${plan.name}: retentionMs is for windows and sessions, other rows stay until they are deleted; leave it out`,
      { node },
    )
  const options = specOptions(graph, plan, node)
  return plan.versioned
    ? versionedSpec({ ...options, historyMs: plan.options.historyMs! })
    : keyValueSpec({ ...options, caching: plan.options.caching ?? true, timestamped: true })
}

/** Adds a store to the topology, and says so where its name was generated. */
export function addPlanned(
  out: TopologyGraph,
  plan: PlannedStore,
  spec: StoreSpec,
  nodes: readonly string[],
): void {
  out.addStore(spec, plan, nodes)
  const node = nodes[0]!
  out.addNotes(node, [refsNote(plan, plan.name)])
  if (plan.given === undefined && spec.logging !== false)
    out.addGeneratedName({ kind: 'changelog', name: plan.name, node, remedy: '`store`' })
}
