// The graph behind a StreamsBuilder: one counter for names, nodes in order of creation, and the
// writing of it all into a topology (semantics 16). Given names still use up their indices, so that
// naming one node renames no other.
import { TopologyError } from '../../errors.js'
import type { Serde } from '../../serde/serde.js'
import { serdeName } from '../../serde/serde-traits.js'
import type { StoreEngine } from '../../state/stores.js'
import { checkedName } from '../../topology/names.js'
import type { TimestampExtractor } from '../../topology/timestamp-extractor.js'
import type { TopologyGraph } from '../../topology/topology-graph.js'
import type { SourceNode } from '../../topology/topology-node.js'
import { GraphNode, StreamSourceNode } from './graph-node.js'
import { optimize, type Optimization } from './optimize.js'
import { KeyChanges } from './key-changes.js'
import { RepartitionNode } from './repartition-node.js'
import type { SerdeRef } from './serde-ref.js'

export interface GraphDefaults {
  readonly key?: Serde<any> | undefined
  readonly value?: Serde<any> | undefined
  readonly timestamp?: TimestampExtractor | undefined
  readonly engine?: 'leveldb' | 'memory' | StoreEngine | undefined
  readonly optimizations: ReadonlySet<Optimization>
}

export class LogicalGraph {
  readonly defaults: GraphDefaults
  readonly root = new GraphNode('root', () => {})
  readonly keyChanges = new KeyChanges()
  readonly #copartitioned: (ReadonlySet<string> | readonly string[])[] = []
  readonly #aliases = new Map<string, string>()
  readonly #unnamedStores: string[] = []
  #nextIndex = 0
  #nextPriority = 0
  #isBuilt = false

  constructor(defaults: GraphDefaults) {
    this.defaults = defaults
  }

  // ---------- names

  newName(prefix: string): string {
    return prefix + String(this.#nextIndex++).padStart(10, '0')
  }

  newStoreName(prefix: string): string {
    return this.newName(`${prefix}STATE-STORE-`)
  }

  /** Of a store whose options give no name: it counts as generated, whether the store is kept or not. */
  unnamedStore(prefix: string): string {
    const name = this.newStoreName(prefix)
    this.#unnamedStores.push(name)
    return name
  }

  /** The given name, or a generated one; an index is used either way. */
  nameOr(given: string | undefined, prefix: string): string {
    const generated = this.newName(prefix)
    return given === undefined ? generated : checkedName(given, 'node name')
  }

  /** The given name with a suffix, or a generated one; an index is used either way. */
  suffixedOr(given: string | undefined, suffix: string, prefix: string): string {
    const generated = this.newName(prefix)
    if (given === undefined) return generated
    return checkedName(checkedName(given, 'node name') + suffix, 'node name')
  }

  // ---------- serdes

  /** The known key serde, else the builder's default. */
  key(ref: SerdeRef): SerdeRef {
    return ref ?? defaultRef(this.defaults.key)
  }

  value(ref: SerdeRef): SerdeRef {
    return ref ?? defaultRef(this.defaults.value)
  }

  // ---------- nodes

  /** Adds a node below its parents; adding it again moves it to the end of the order. */
  add<N extends GraphNode>(parents: GraphNode | readonly GraphNode[], node: N): N {
    if (this.#isBuilt)
      throw new TopologyError(
        `cannot add ${node.name}: build() has frozen the builder; add it before, or add to the topology by hand`,
        { node: node.name },
      )
    node.priority = this.#nextPriority++
    for (const parent of parents instanceof GraphNode ? [parents] : parents) parent.addChild(node)
    this.keyChanges.note(node)
    return node
  }

  /** The topics behind these source nodes must have equal numbers of partitions. */
  copartition(sources: ReadonlySet<string>): void {
    this.#copartitioned.push(sources)
  }

  /** One source node took the place of another. */
  replaceSource(name: string, by: string): void {
    this.#aliases.set(name, by)
  }

  /** Writes all nodes in order of creation, each after its parents. */
  build(out: TopologyGraph): void {
    if (!this.#isBuilt) {
      this.#mergeSources()
      optimize(this, this.defaults.optimizations)
      this.#relaxNullKeys()
      this.#isBuilt = true
    }
    for (const node of this.#inOrder()) node.write(out)
    for (const sources of this.#copartitioned) out.copartition(sources)
    for (const [name, by] of this.#aliases) out.alias(name, by)
    for (const name of this.#unnamedStores)
      if (!out.hasGeneratedName(name))
        out.addGeneratedName({ kind: 'store', name, remedy: '`store`' })
  }

  #inOrder(): GraphNode[] {
    const order: GraphNode[] = []
    const written = new Set<GraphNode>([this.root])
    const waiting = new Set<GraphNode>(this.root.children)
    while (waiting.size > 0) {
      let next: GraphNode | undefined
      for (const node of waiting)
        if ((next === undefined || node.priority < next.priority) && allIn(node.parents, written))
          next = node
      if (next === undefined) throw new TopologyError('the graph has a cycle')
      waiting.delete(next)
      written.add(next)
      order.push(next)
      for (const child of next.children) if (!written.has(child)) waiting.add(child)
    }
    return order
  }

  /** Two `stream()` calls of the same topics are one source, which the first one names. */
  #mergeSources(): void {
    const known = new Map<string, StreamSourceNode>()
    for (const node of [...this.root.children]) {
      if (!(node instanceof StreamSourceNode)) continue
      const first = known.get(node.topicsText)
      if (first === undefined) {
        known.set(node.topicsText, node)
        continue
      }
      const differs = sourceDifference(first.source, node.source)
      if (differs !== undefined)
        throw new TopologyError(
          `${first.name} and ${node.name} read the same topics with different ${differs}: give both the same`,
          { node: node.name },
        )
      this.root.removeChild(node)
      for (const child of [...node.children]) {
        node.removeChild(child)
        first.addChild(child)
      }
      this.replaceSource(node.name, first.name)
    }
  }

  /** Records without a key pass a repartition when a left or outer join is somewhere below it. */
  #relaxNullKeys(): void {
    const relaxed = new Map<GraphNode, boolean>()
    const visit = (node: GraphNode): boolean => {
      const known = relaxed.get(node)
      if (known !== undefined) return known
      let found = false
      for (const child of node.children)
        if (visit(child) || child.traits.relaxedNullKey === true) found = true
      relaxed.set(node, found)
      if (node instanceof RepartitionNode) node.keepsNullKeys = found
      return found
    }
    visit(this.root)
  }
}

/** What two sources of the same topics read differently; of serdes the names are compared, of extractors the texts. */
function sourceDifference(a: SourceNode, b: SourceNode): string | undefined {
  if (a.offsetReset !== b.offsetReset) return 'offsetReset'
  if (String(a.timestamp) !== String(b.timestamp)) return 'timestamp'
  if (serdeName(a.key) !== serdeName(b.key)) return 'key serdes'
  return serdeName(a.value) === serdeName(b.value) ? undefined : 'value serdes'
}

const defaultRef = (serde: Serde<any> | undefined): SerdeRef =>
  serde === undefined ? undefined : { serde, isDefault: true }

const allIn = <T>(items: ReadonlySet<T>, set: ReadonlySet<T>): boolean => {
  for (const item of items) if (!set.has(item)) return false
  return true
}
