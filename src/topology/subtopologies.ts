// The connected parts of a graph: nodes hang together by edges and by shared stores, never by topics.

/** What the search needs of a node. */
export interface ConnectedNode {
  readonly name: string
  readonly parents: readonly string[]
  readonly stores: readonly string[]
}

/**
 * The parts in the order in which the first node of each was added; within a part nodes stay in
 * order of addition.
 */
export function connectedParts<N extends ConnectedNode>(nodes: readonly N[]): N[][] {
  const parent = new Map<string, string>()
  const find = (id: string): string => {
    let root = id
    for (let next = parent.get(root); next !== undefined && next !== root; next = parent.get(root))
      root = next
    parent.set(id, root)
    return root
  }
  const unite = (a: string, b: string): void => {
    parent.set(find(b), find(a))
  }
  for (const node of nodes) {
    find(`node ${node.name}`)
    for (const above of node.parents) unite(`node ${above}`, `node ${node.name}`)
    for (const store of node.stores) unite(`store ${store}`, `node ${node.name}`)
  }
  const parts = new Map<string, N[]>()
  for (const node of nodes) {
    const root = find(`node ${node.name}`)
    const part = parts.get(root)
    if (part === undefined) parts.set(root, [node])
    else part.push(node)
  }
  return [...parts.values()]
}
