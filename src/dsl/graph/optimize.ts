// The rewritings of `topology.optimization` (semantics 16.8).
import { StreamJoinNode, TableSourceNode, type GraphNode } from './graph-node.js'
import { childAbove, type KeyChanges } from './key-changes.js'
import { RepartitionNode, type NameCounter } from './repartition-node.js'

/** A rewriting of the graph, by Kafka Streams' name. */
export type Optimization =
  'reuse.ktable.source.topics' | 'merge.repartition.topics' | 'single.store.self.join'

export const allOptimizations: readonly Optimization[] = [
  'reuse.ktable.source.topics',
  'merge.repartition.topics',
  'single.store.self.join',
]

/** What the rewritings need of a graph. */
export interface Rewritable extends NameCounter {
  readonly root: GraphNode
  readonly keyChanges: KeyChanges
  replaceSource(name: string, by: string): void
}

/** Rewrites the graph in place. */
export function optimize(graph: Rewritable, chosen: ReadonlySet<Optimization>): void {
  if (chosen.has('reuse.ktable.source.topics'))
    for (const node of graph.root.children)
      if (node instanceof TableSourceNode) node.reusesTopic = true
  if (chosen.has('merge.repartition.topics')) mergeRepartitions(graph)
  if (chosen.has('single.store.self.join'))
    for (const node of descendants(graph.root)) if (node instanceof StreamJoinNode) selfJoin(node)
}

/** The repartitions behind one change of key become one, right after it, named after the first. */
function mergeRepartitions(graph: Rewritable): void {
  graph.keyChanges.moveBelowMerges()
  for (const [changer, repartitions] of graph.keyChanges.repartitions) {
    const [first] = repartitions
    if (first === undefined) continue
    const options = [...repartitions].map((node) => node.options)
    const single = new RepartitionNode(graph, first.topic, {
      ...first.options,
      key: options.find((o) => o.key !== undefined)?.key,
      value: options.find((o) => o.value !== undefined)?.value,
    })
    single.priority = changer.priority
    for (const node of repartitions) {
      // Absent where two repartitions hang below one child, which moved with the first of them.
      const child = childAbove(node, changer)
      if (child !== undefined) {
        changer.removeChild(child)
        single.addChild(child)
      }
      replaceByParents(node)
      graph.replaceSource(node.name, single.name)
    }
    changer.addChild(single)
  }
  graph.keyChanges.repartitions.clear()
}

/** Takes a node out; its children hang from its parents. */
function replaceByParents(node: GraphNode): void {
  for (const child of [...node.children]) {
    node.removeChild(child)
    for (const parent of node.parents) parent.addChild(child)
  }
  for (const parent of [...node.parents]) parent.removeChild(node)
}

/** A join whose both sides are one stream needs one store only. */
function selfJoin(join: StreamJoinNode): void {
  const [parent] = join.parents
  if (parent === undefined || join.parents.size > 1) return
  const { left, right } = join
  if (!parent.children.has(left) || !parent.children.has(right)) return
  join.isSelfJoin = true
  parent.removeChild(right)
}

function descendants(root: GraphNode): Set<GraphNode> {
  const found = new Set<GraphNode>()
  const visit = (node: GraphNode): void => {
    for (const child of node.children)
      if (!found.has(child)) {
        found.add(child)
        visit(child)
      }
  }
  visit(root)
  return found
}
