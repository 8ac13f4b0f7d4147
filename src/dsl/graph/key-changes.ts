// Which repartitions follow which change of key: what `merge.repartition.topics` works on. Kept up
// to date as nodes are added, because it looks at the graph as it was at that moment.
import { GraphNode } from './graph-node.js'
import { RepartitionNode } from './repartition-node.js'

/** The first node at or above `start` that fits; of several parents the last one's answer counts. */
export function findAbove(
  start: GraphNode,
  fits: (node: GraphNode) => boolean,
): GraphNode | undefined {
  if (fits(start)) return start
  let found: GraphNode | undefined
  for (const parent of start.parents) {
    if (fits(parent)) return parent
    found = findAbove(parent, fits)
  }
  return found
}

/** The node at or above `start` that is a child of `parent`. */
export const childAbove = (start: GraphNode, parent: GraphNode): GraphNode | undefined =>
  findAbove(start, (node) => node.parents.has(parent))

export class KeyChanges {
  /** Key-changing nodes, and the mergeable repartitions that follow without a change of value between. */
  readonly repartitions = new Map<GraphNode, Set<RepartitionNode>>()
  readonly #merges: GraphNode[] = []

  note(node: GraphNode): void {
    if (node.traits.keyChanging === true) this.repartitions.set(node, new Set())
    else if (node instanceof RepartitionNode && node.options.mergeable) {
      const changer = findAbove(node, (n) => n.traits.keyChanging === true)
      const nearest = findAbove(
        node,
        (n) => n.traits.keyChanging === true || n.traits.valueChanging === true,
      )
      if (changer !== undefined && changer === nearest) this.repartitions.get(changer)?.add(node)
    } else if (node.traits.merges === true && !this.#merges.includes(node)) this.#merges.push(node)
  }

  /** A merge below several key changers takes their place: one repartition after it serves all. */
  moveBelowMerges(): void {
    const changersOf = new Map<GraphNode, GraphNode[]>()
    for (const merge of this.#merges) {
      const changers: GraphNode[] = []
      for (const [changer, repartitions] of this.repartitions)
        if (
          [...repartitions].every((node) => childAbove(node, merge) !== undefined) &&
          childAbove(merge, changer) !== undefined
        )
          changers.push(changer)
      changersOf.set(merge, changers)
    }
    const replaced = new Set<GraphNode>()
    for (const [merge, changers] of changersOf) {
      const moved = new Set<RepartitionNode>()
      for (const changer of changers) {
        for (const node of this.repartitions.get(changer) ?? []) moved.add(node)
        replaced.add(changer)
      }
      this.repartitions.set(merge, moved)
    }
    for (const changer of replaced) this.repartitions.delete(changer)
  }
}
