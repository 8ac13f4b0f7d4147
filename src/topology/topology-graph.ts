// A topology while it is being built: nodes, stores and topics by name. `Topology` is its public
// face; the DSL writes here directly. Everything is checked as it is added, and frozen once.
import { TopologyError } from '../errors.js'
import type { StoreSpec } from '../state/state-store.js'
import { describeParts, type DescribedPart, type NodeNotes } from './describe.js'
import { checkedName } from './names.js'
import type { NodeProcessor, NodeSupplier, Processor } from './processor.js'
import { isProcessor } from './processor-adapter.js'
import { connectedParts } from './subtopologies.js'
import type {
  AsyncWait,
  FrozenTopology,
  GeneratedName,
  GlobalStoreNode,
  ProcessorNode,
  ProcessorWrapper,
  RepartitionTopic,
  SinkNode,
  SourceNode,
  Subtopology,
  TopologyNode,
} from './topology-node.js'

interface StoreEntry {
  readonly spec: StoreSpec
  /** What the store was built from: adding the same again is no second store. */
  readonly identity: unknown
}

/** A processor node whose stores may still grow. */
interface OpenProcessor extends ProcessorNode {
  readonly stores: string[]
}

type OpenNode = SourceNode | OpenProcessor | SinkNode

/** Nodes that hang together, and whether they keep a global store. */
interface Part extends DescribedPart {
  readonly stores: readonly StoreSpec[]
}

export class TopologyGraph {
  readonly #nodes = new Map<string, OpenNode>()
  readonly #topics = new Map<string, string>()
  readonly #stores = new Map<string, StoreEntry>()
  readonly #globals = new Map<string, Omit<GlobalStoreNode, 'processor'> & { processor: string }>()
  readonly #repartitionTopics = new Map<string, RepartitionTopic>()
  readonly #copartitioned: (readonly string[])[] = []
  readonly #aliases = new Map<string, string>()
  readonly #sourceChangelogs = new Map<string, string>()
  readonly #generated: GeneratedName[] = []
  readonly #asyncWaits: AsyncWait[] = []
  readonly #notes = new Map<string, readonly string[]>()
  readonly #wrap: ProcessorWrapper | undefined
  #queryable: ReadonlySet<string> | undefined
  #frozen: FrozenTopology | undefined

  constructor(wrap?: ProcessorWrapper) {
    this.#wrap = wrap
  }

  // ---------- nodes

  addSource(node: SourceNode): void {
    this.#checkNew(node.name)
    this.#checkTopics(node)
    this.#nodes.set(node.name, node)
  }

  addProcessor(
    name: string,
    supplier: NodeSupplier,
    parents: readonly string[],
    stores: readonly string[] = [],
  ): void {
    this.#checkNew(name)
    this.#checkParents(name, parents)
    this.#nodes.set(name, {
      kind: 'processor',
      name,
      parents: [...parents],
      stores: [],
      supplier: this.#wrap === undefined ? supplier : this.#wrapped(supplier, name, this.#wrap),
    })
    this.connect(name, stores)
  }

  addSink(node: SinkNode): void {
    this.#checkNew(node.name)
    this.#checkParents(node.name, node.parents)
    if (typeof node.topic !== 'function') checkedName(node.topic, `topic of ${node.name}`)
    this.#nodes.set(node.name, node)
  }

  /** Further lines for `describe({ serdes: true })`, such as a node's serdes. */
  addNotes(node: string, notes: readonly string[]): void {
    this.#notes.set(node, [...(this.#notes.get(node) ?? []), ...notes])
  }

  // ---------- stores

  /** Adds a store and connects it. The same `identity` again only connects. */
  addStore(spec: StoreSpec, identity: unknown, processors: readonly string[] = []): void {
    this.#checkOpen(`store ${spec.name}`)
    checkedName(spec.name, 'store name')
    const known = this.#stores.get(spec.name)
    if (this.#globals.has(spec.name) || (known !== undefined && known.identity !== identity))
      throw new TopologyError(
        `store ${spec.name} is added twice: give one of them another name, or hand on the store that addStateStore returned`,
      )
    if (known === undefined) this.#stores.set(spec.name, { spec, identity })
    for (const processor of processors) this.connect(processor, [spec.name])
  }

  /** Gives a processor access to stores; global ones need no connection. */
  connect(processor: string, stores: readonly string[]): void {
    this.#checkOpen(`connection of ${processor}`)
    const node = this.#nodes.get(processor)
    if (node?.kind !== 'processor')
      throw new TopologyError(`cannot connect stores to ${processor}: no processor has this name`)
    for (const store of stores)
      if (!node.stores.includes(store) && !this.#globals.has(store)) node.stores.push(store)
  }

  /** The store of that name, if it was added already. */
  store(name: string): StoreSpec | undefined {
    return this.#stores.get(name)?.spec ?? this.#globals.get(name)?.store
  }

  hasStore(name: string): boolean {
    return this.#stores.has(name) || this.#globals.has(name)
  }

  addGlobalStore(
    store: StoreSpec,
    source: SourceNode,
    processor: { readonly name: string; readonly supplier: NodeSupplier },
    restore: GlobalStoreNode['restore'],
  ): void {
    if (this.hasStore(store.name))
      throw new TopologyError(`store ${store.name} is added twice: give one of them another name`)
    if (source.topics instanceof RegExp || source.topics.length !== 1)
      throw new TopologyError(`global store ${store.name} is read from exactly one topic`)
    checkedName(store.name, 'store name')
    this.addSource(source)
    this.addProcessor(processor.name, processor.supplier, [source.name])
    ;(this.#nodes.get(processor.name) as OpenProcessor).stores.push(store.name)
    this.#globals.set(store.name, { store, source, processor: processor.name, restore })
  }

  /** The store's changelog is a source topic: it has no topic of its own. */
  useSourceAsChangelog(store: string, topic: string): void {
    this.#sourceChangelogs.set(store, topic)
  }

  // ---------- topics

  addRepartitionTopic(name: string, partitions?: number): void {
    this.#checkOpen(`topic ${name}`)
    checkedName(name, 'topic name')
    this.#repartitionTopics.set(name, { name, partitions })
  }

  /** The topics of these source nodes must have equal numbers of partitions. */
  copartition(sources: Iterable<string>): void {
    this.#copartitioned.push([...sources])
  }

  /** A source node that another one replaced. */
  alias(source: string, by: string): void {
    // A merged repartition may keep the name of its first source.
    if (source !== by) this.#aliases.set(source, by)
  }

  addGeneratedName(name: GeneratedName): void {
    this.#generated.push(name)
  }

  hasGeneratedName(name: string): boolean {
    return this.#generated.some((known) => known.name === name)
  }

  addAsyncWait(wait: AsyncWait): void {
    this.#asyncWaits.push(wait)
  }

  /** Which stores may be queried; unset: all. */
  set queryable(names: ReadonlySet<string> | undefined) {
    this.#queryable = names
  }

  // ---------- results

  describe(withNotes = false): string {
    const notes: NodeNotes = withNotes ? (node) => this.#notes.get(node.name) ?? [] : () => []
    return describeParts(this.#parts(), notes)
  }

  freeze(): FrozenTopology {
    return (this.#frozen ??= this.#freeze())
  }

  #freeze(): FrozenTopology {
    const parts = this.#parts()
    const subtopologies = parts
      .filter((part) => !part.global)
      .map(({ id, nodes, stores }): Subtopology => Object.freeze({ id, nodes, stores }))
    if (subtopologies.length === 0 && this.#globals.size === 0)
      throw new TopologyError(
        'the topology has no source: begin with stream(), table() or addSource()',
      )
    return Object.freeze<FrozenTopology>({
      subtopologies: Object.freeze(subtopologies),
      globalStores: Object.freeze(
        Array.from(this.#globals.values(), (global) =>
          Object.freeze({
            ...global,
            processor: frozenNode(this.#nodes.get(global.processor)!) as ProcessorNode,
          }),
        ),
      ),
      repartitionTopics: Object.freeze([...this.#repartitionTopics.values()]),
      copartitionGroups: Object.freeze(this.#copartitionGroups()),
      sourceChangelogs: new Map(this.#sourceChangelogs),
      queryable: this.#queryable,
      generatedNames: Object.freeze([...this.#generated]),
      asyncWaits: Object.freeze([...this.#asyncWaits]),
    })
  }

  #parts(): Part[] {
    const globalSources = new Set(Array.from(this.#globals.values(), (g) => g.source.name))
    const nodes = Array.from(this.#nodes.values(), (node) => this.#checkedStores(node))
    const connected = nodes.map((node) => ({
      node,
      name: node.name,
      parents: node.kind === 'source' ? [] : node.parents,
      stores: node.kind === 'processor' ? node.stores : [],
    }))
    return connectedParts(connected).map((part, id) => ({
      id,
      global: part.some(({ name }) => globalSources.has(name)),
      nodes: Object.freeze(part.map(({ node }) => frozenNode(node))),
      stores: Object.freeze(this.#storesOf(part)),
    }))
  }

  /** By the first node that uses each; those of one node in order of addition. */
  #storesOf(part: readonly { readonly stores: readonly string[] }[]): StoreSpec[] {
    const names = [...this.#stores.keys()]
    const used = new Set<string>()
    for (const { stores } of part)
      for (const name of stores.toSorted((a, b) => names.indexOf(a) - names.indexOf(b)))
        used.add(name)
    return Array.from(used).flatMap((name) => this.#stores.get(name)?.spec ?? [])
  }

  #checkedStores(node: OpenNode): OpenNode {
    if (node.kind !== 'processor') return node
    const missing = node.stores.find((name) => !this.hasStore(name))
    if (missing !== undefined)
      throw new TopologyError(
        `${node.name} uses the store ${missing}, which was never added: add it with addStateStore`,
        { node: node.name },
      )
    return node
  }

  #copartitionGroups(): FrozenTopology['copartitionGroups'][number][] {
    const topicsOf = (name: string): readonly (string | RegExp)[] => {
      let source = name
      for (let by = this.#aliases.get(source); by !== undefined; by = this.#aliases.get(source))
        source = by
      const node = this.#nodes.get(source)
      if (node?.kind !== 'source') return []
      return node.topics instanceof RegExp ? [node.topics] : node.topics
    }
    return this.#copartitioned
      .map((sources) => Object.freeze([...new Set(sources.flatMap(topicsOf))]))
      .filter(([first, ...others]) => others.length > 0 || first instanceof RegExp)
  }

  // ---------- checks

  #checkOpen(what: string): void {
    if (this.#frozen !== undefined)
      throw new TopologyError(
        `cannot add ${what}: the topology is frozen once KafkaStreams or the test driver has it`,
      )
  }

  #checkNew(name: string): void {
    this.#checkOpen(`node ${name}`)
    checkedName(name, 'node name')
    if (this.#nodes.has(name))
      throw new TopologyError(`a node named ${name} exists already: give this one another name`, {
        node: name,
      })
  }

  #checkParents(name: string, parents: readonly string[]): void {
    if (parents.length === 0)
      throw new TopologyError(`${name} has no parent: name at least one node in \`parents\``, {
        node: name,
      })
    for (const parent of parents) {
      const above = this.#nodes.get(parent)
      if (above === undefined)
        throw new TopologyError(
          `${name} names ${parent} as its parent, but no node of that name was added before it`,
          { node: name },
        )
      if (above.kind === 'sink')
        throw new TopologyError(`${name} cannot follow the sink ${parent}`, { node: name })
      for (const { source, processor, store } of this.#globals.values())
        if (parent === processor || parent === source.name)
          throw new TopologyError(
            `${name} cannot follow ${parent}, which only fills the global store ${store.name}`,
            { node: name },
          )
    }
  }

  #checkTopics({ name, topics }: SourceNode): void {
    if (topics instanceof RegExp) {
      for (const [topic, other] of this.#topics)
        if (topics.test(topic)) throw this.#readTwice(topic, other, name)
      return
    }
    if (topics.length === 0)
      throw new TopologyError(`source ${name} needs at least one topic`, { node: name })
    for (const topic of new Set(topics)) {
      checkedName(topic, `topic of ${name}`)
      const other = this.#topics.get(topic)
      if (other !== undefined) throw this.#readTwice(topic, other, name)
      for (const node of this.#nodes.values())
        if (node.kind === 'source' && node.topics instanceof RegExp && node.topics.test(topic))
          throw this.#readTwice(topic, node.name, name)
      this.#topics.set(topic, name)
    }
  }

  #readTwice(topic: string, first: string, second: string): TopologyError {
    return new TopologyError(
      `topic ${topic} is read by ${first} already, ${second} cannot read it too: use one stream or table of it, or toTable() and toStream()`,
      { node: second },
    )
  }

  #wrapped(supplier: NodeSupplier, name: string, wrap: ProcessorWrapper): NodeSupplier {
    return (context) => {
      const { stores } = this.#nodes.get(name) as OpenProcessor
      context.headersMayChange = true
      const inner = supplier(context)
      const node = { name, stores: [...stores] }
      const outer: unknown = wrap(node, inner as Processor<unknown, unknown>)
      if (!isProcessor(outer))
        throw new TopologyError(
          `wrapProcessor must return a processor for ${name}: the one that it is given, or another object with process(record)`,
          { node: name },
        )
      // A wrapper need not know all that the runtime calls.
      const wrapped: NodeProcessor = {
        process: (record) => outer.process(record),
        close: () => (outer.close === undefined ? inner.close?.() : outer.close()),
      }
      if (inner.settle !== undefined) wrapped.settle = () => inner.settle!()
      if (inner.giveUp !== undefined) wrapped.giveUp = () => inner.giveUp!()
      return wrapped
    }
  }
}

const frozenNode = (node: OpenNode): TopologyNode =>
  Object.freeze(
    node.kind === 'processor' ? { ...node, stores: Object.freeze([...node.stores]) } : { ...node },
  )
