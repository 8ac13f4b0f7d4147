// Where a key changed before it matters: filter → sink → internal topic → source (semantics 5).
import { serdeForNode } from '../../serde/serde-traits.js'
import type { Serde } from '../../serde/serde.js'
import type { TopologyGraph } from '../../topology/topology-graph.js'
import type { Partitioner } from '../../topology/topology-node.js'
import { failOnInvalidTimestamp } from '../../topology/timestamp-extractor.js'
import { keyNotNull, passThrough } from '../processors/pass-through.js'
import { GraphNode } from './graph-node.js'
import { neededRef, refsNote, type SerdeRef } from './serde-ref.js'

export interface RepartitionOptions {
  readonly key: SerdeRef
  readonly value: SerdeRef
  /** Explicit ones are never merged with others. */
  readonly mergeable: boolean
  readonly partitions?: number | undefined
  readonly partitioner?: Partitioner<any, any> | undefined
  /** The option that names the topic, where its name is generated. */
  readonly remedy?: string | undefined
}

/** What numbers generated names. */
export interface NameCounter {
  newName(prefix: string): string
}

const suffix = '-repartition'
const generated = /^KSTREAM.*-[0-9]{10}$/

/** The names of a repartition's topic and nodes; three indices are used, whatever the names. */
function repartitionNames(counter: NameCounter, prefix: string) {
  const topic = prefix.endsWith(suffix) ? prefix : prefix + suffix
  const sink = counter.newName('KSTREAM-SINK-')
  const filter = counter.newName('KSTREAM-FILTER-')
  const source = counter.newName('KSTREAM-SOURCE-')
  return generated.test(prefix)
    ? { topic, sink, filter, source }
    : { topic, sink: `${topic}-sink`, filter: `${topic}-filter`, source: `${topic}-source` }
}

export class RepartitionNode extends GraphNode {
  readonly topic: string
  readonly options: RepartitionOptions
  /** Records without a key pass, because a left or outer join below wants them. */
  keepsNullKeys = false

  /** `prefix` names the topic, without `-repartition`. */
  constructor(counter: NameCounter, prefix: string, options: RepartitionOptions) {
    const names = repartitionNames(counter, prefix)
    super(names.source, (out, parents) => this.#writeTo(out, parents, names))
    this.topic = names.topic
    this.options = options
  }

  #writeTo(
    out: TopologyGraph,
    parents: readonly string[],
    names: ReturnType<typeof repartitionNames>,
  ): void {
    const { topic, sink, filter, source } = names
    const { partitions, partitioner, remedy } = this.options
    const key = neededRef(this.options.key, sink, 'key')
    const value = neededRef(this.options.value, sink, 'value')
    out.addProcessor(filter, this.keepsNullKeys ? passThrough : keyNotNull, parents)
    const note = refsNote(this.options)
    const nodes = { sink, source, parents: [filter] }
    addInternalTopic(out, { topic, partitions, ...nodes, key, value, partitioner, note })
    if (remedy !== undefined)
      out.addGeneratedName({ kind: 'repartition', name: topic, node: filter, remedy })
  }
}

/** A topic, the sink that writes it and the source that reads it back. */
export function addInternalTopic(
  out: TopologyGraph,
  o: {
    readonly topic: string
    readonly partitions?: number | undefined
    readonly sink: string
    readonly source: string
    readonly parents: readonly string[]
    readonly key: Serde<any>
    readonly value: Serde<any>
    readonly partitioner?: Partitioner<any, any> | undefined
    /** Its serdes, for `describe({ serdes: true })`. */
    readonly note: string
  },
): void {
  out.addRepartitionTopic(o.topic, o.partitions)
  out.addSink({
    kind: 'sink',
    name: o.sink,
    parents: o.parents,
    topic: o.topic,
    key: serdeForNode(o.key),
    value: serdeForNode(o.value),
    partitioner: o.partitioner,
  })
  out.addSource({
    kind: 'source',
    name: o.source,
    topics: [o.topic],
    key: o.key,
    value: o.value,
    nullKey: 'pass',
    nullValue: 'pass',
    timestamp: failOnInvalidTimestamp,
    offsetReset: undefined,
  })
  out.addNotes(o.sink, [o.note])
  out.addNotes(o.source, [o.note])
}
