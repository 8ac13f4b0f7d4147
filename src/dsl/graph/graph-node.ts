// The nodes of the logical graph: what the fluent types add, before names and topics are settled
// into a topology. A node writes itself once its parents are written.
import type { TopologyGraph } from '../../topology/topology-graph.js'
import type { SourceNode } from '../../topology/topology-node.js'

/** Adds what a node stands for; `parents` are the names of the nodes above, as they are now. */
export type WriteNode = (out: TopologyGraph, parents: readonly string[]) => void

/** What the rewriting of the graph has to know of a node. */
export interface GraphNodeTraits {
  readonly keyChanging?: boolean
  readonly valueChanging?: boolean
  readonly merges?: boolean
  /** A left or outer join whose stream side keeps records without a key (semantics 5.6). */
  readonly relaxedNullKey?: boolean
  /** Whether the rows that it forwards are versioned; unset: as its parent's. */
  readonly outputVersioned?: boolean | undefined
  /** How long a window behind this node waits for late records after its end. */
  readonly closeWaitMs?: number | undefined
}

export class GraphNode {
  /** The name that children name as their parent. */
  readonly name: string
  readonly traits: GraphNodeTraits
  readonly parents = new Set<GraphNode>()
  readonly children = new Set<GraphNode>()
  /** Nodes are written in this order, each after its parents. */
  priority = -1
  readonly #write: WriteNode

  constructor(name: string, write: WriteNode, traits: GraphNodeTraits = {}) {
    this.name = name
    this.#write = write
    this.traits = traits
  }

  addChild(child: GraphNode): void {
    this.children.add(child)
    child.parents.add(this)
  }

  removeChild(child: GraphNode): void {
    this.children.delete(child)
    child.parents.delete(this)
  }

  write(out: TopologyGraph): void {
    this.#write(
      out,
      Array.from(this.parents, (parent) => parent.name),
    )
  }

  /** Whether what arrives here is versioned: the nearest node above that decides it. */
  get versionedInput(): boolean {
    const [parent] = this.parents
    return parent === undefined ? false : parent.versionedOutput
  }

  get versionedOutput(): boolean {
    return this.traits.outputVersioned ?? this.versionedInput
  }
}

/** A `stream()`; two of the same topics become one. */
export class StreamSourceNode extends GraphNode {
  readonly source: SourceNode

  constructor(source: SourceNode, notes: readonly string[]) {
    super(source.name, (out) => {
      out.addSource(source)
      out.addNotes(source.name, notes)
    })
    this.source = source
  }

  /** Equal for sources that read the same. */
  get topicsText(): string {
    const { topics } = this.source
    return topics instanceof RegExp ? String(topics) : JSON.stringify(topics.toSorted())
  }
}

/** A `table()`: its source, its table node and its store. */
export class TableSourceNode extends GraphNode {
  /** The source topic serves as changelog. */
  reusesTopic = false
}

/** The two writers of a stream-stream join's stores, which the self-join rewriting tells apart. */
export class JoinWindowNode extends GraphNode {}

/** A stream-stream join, which may turn out to be a self join on one store. */
export class StreamJoinNode extends GraphNode {
  readonly left: JoinWindowNode
  readonly right: JoinWindowNode
  isSelfJoin = false

  constructor(
    name: string,
    sides: { readonly left: JoinWindowNode; readonly right: JoinWindowNode },
    write: (out: TopologyGraph, isSelfJoin: boolean) => void,
    traits: GraphNodeTraits,
  ) {
    super(name, (out) => write(out, this.isSelfJoin), traits)
    this.left = sides.left
    this.right = sides.right
  }
}
