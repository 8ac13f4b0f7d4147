// What stands behind a KStream: a node of the graph, and what is known of its records.
import { TopologyError } from '../errors.js'
import type { NodeSupplier } from '../topology/processor.js'
import { GraphNode, type GraphNodeTraits } from './graph/graph-node.js'
import type { LogicalGraph } from './graph/logical-graph.js'
import { RepartitionNode } from './graph/repartition-node.js'
import type { SerdeRef } from './graph/serde-ref.js'

export interface StreamState {
  readonly graph: LogicalGraph
  readonly node: GraphNode
  readonly name: string
  readonly key: SerdeRef
  readonly value: SerdeRef
  /** The source nodes that it comes from, for co-partitioning. */
  readonly sources: ReadonlySet<string>
  /** The key may have changed: what needs data by key repartitions first. */
  readonly rekeyed: boolean
  /** Its repartition for unnamed joins, which several joins share (semantics 5.7). */
  joinRepartition?: RepartitionNode | undefined
}

/** What an operator changes of a stream. */
export interface StepChanges {
  readonly key?: SerdeRef
  readonly value?: SerdeRef
  readonly rekeyed?: boolean
}

/** Adds a processor node below a stream and returns the stream behind it. */
export function addStep(
  state: StreamState,
  name: string,
  supplier: NodeSupplier,
  changes: StepChanges = {},
  traits: GraphNodeTraits = {},
): StreamState {
  const node = state.graph.add(
    state.node,
    new GraphNode(name, (out, parents) => out.addProcessor(name, supplier, parents), traits),
  )
  return { ...state, ...changes, node, name, joinRepartition: undefined }
}

/** The stream behind a repartition topic named after `prefix`, which a join or fold needs. */
export function repartitioned(
  state: StreamState,
  prefix: string,
  o: { readonly key: SerdeRef; readonly value: SerdeRef; readonly remedy?: string | undefined },
): StreamState {
  const { graph } = state
  const node = new RepartitionNode(graph, prefix, {
    key: graph.key(o.key),
    value: graph.value(o.value),
    mergeable: true,
    remedy: o.remedy,
  })
  graph.add(state.node, node)
  return behind(state, node)
}

/** A stream's repartition for a join; unnamed ones share it. */
export function repartitionedForJoin(
  state: StreamState,
  prefix: string | undefined,
  o: { readonly key: SerdeRef; readonly value: SerdeRef },
): StreamState {
  const { graph } = state
  const topicPrefix = prefix ?? state.name
  const node = new RepartitionNode(graph, topicPrefix, {
    key: graph.key(o.key ?? state.key),
    value: graph.value(o.value ?? state.value),
    mergeable: true,
    remedy: prefix === undefined ? '`name` of the join' : undefined,
  })
  if (state.joinRepartition !== undefined && state.name === topicPrefix)
    return behind(state, state.joinRepartition)
  state.joinRepartition = graph.add(state.node, node)
  return behind(state, node)
}

/** The stream behind a repartition. */
export const behind = (state: StreamState, node: RepartitionNode): StreamState => ({
  ...state,
  node,
  name: node.name,
  key: node.options.key,
  value: node.options.value,
  sources: new Set([node.name]),
  rekeyed: false,
  joinRepartition: undefined,
})

/** Notes that two inputs must be co-partitioned; returns all their sources. */
export function copartitioned(
  graph: LogicalGraph,
  ...inputs: readonly { readonly sources: ReadonlySet<string> }[]
): ReadonlySet<string> {
  const sources = new Set(inputs.flatMap((input) => [...input.sources]))
  graph.copartition(sources)
  return sources
}

/** @throws TopologyError when two things come from two builders */
export function checkSameBuilder(
  graph: LogicalGraph,
  other: { readonly graph: LogicalGraph; readonly name: string },
): void {
  if (other.graph !== graph)
    throw new TopologyError(`${other.name} belongs to another builder: build both with one`)
}
