// The text of `Topology.describe()`, blanks included, as Kafka Streams prints it (semantics 18).
// Where the reference leaves an order open, this is the order of addition.
import type { SinkNode, SourceNode, TopologyNode } from './topology-node.js'

/** A part of the graph, numbered; global stores are parts that generate no tasks. */
export interface DescribedPart {
  readonly id: number
  readonly global: boolean
  readonly nodes: readonly TopologyNode[]
}

/** More about a node, printed below its first line; empty when nothing is known. */
export type NodeNotes = (node: TopologyNode) => readonly string[]

const parentsOf = (node: TopologyNode): readonly string[] =>
  node.kind === 'source' ? [] : node.parents

const topicsText = ({ topics }: SourceNode): string =>
  topics instanceof RegExp ? topics.source : `[${topics.join(', ')}]`

const sinkText = ({ topic }: SinkNode): string =>
  typeof topic === 'string' ? `topic: ${topic}` : 'extractor class: <extractor>'

function firstLine(node: TopologyNode): string {
  if (node.kind === 'source') return `Source: ${node.name} (topics: ${topicsText(node)})`
  if (node.kind === 'sink') return `Sink: ${node.name} (${sinkText(node)})`
  return `Processor: ${node.name} (stores: [${node.stores.join(', ')}])`
}

/** Successors of each node, in order of addition. */
function successors(nodes: readonly TopologyNode[]): Map<string, string[]> {
  const below = new Map<string, string[]>(nodes.map((node) => [node.name, []]))
  for (const node of nodes)
    for (const parent of new Set(parentsOf(node))) below.get(parent)?.push(node.name)
  return below
}

/** Larger trees first, then by name; a node reachable twice counts twice. */
function inOrder(
  nodes: readonly TopologyNode[],
  below: ReadonlyMap<string, readonly string[]>,
): TopologyNode[] {
  const sizes = new Map<string, number>()
  const size = (name: string): number => {
    const known = sizes.get(name)
    if (known !== undefined) return known
    let sum = 1
    for (const child of below.get(name) ?? []) sum += size(child)
    sizes.set(name, sum)
    return sum
  }
  return nodes.toSorted(
    (a, b) => size(b.name) - size(a.name) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  )
}

const names = (list: readonly string[]): string => (list.length === 0 ? 'none' : list.join(', '))

function partText(part: DescribedPart, notes: NodeNotes): string {
  const below = successors(part.nodes)
  const lines: string[] = []
  for (const node of inOrder(part.nodes, below)) {
    lines.push(`    ${firstLine(node)}`)
    for (const note of notes(node)) lines.push(`      ${note}`)
    if (node.kind !== 'sink') lines.push(`      --> ${names(below.get(node.name) ?? [])}`)
    if (node.kind !== 'source') lines.push(`      <-- ${names([...new Set(node.parents)])}`)
  }
  const title = part.global
    ? `Sub-topology: ${part.id} for global store (will not generate tasks)`
    : `Sub-topology: ${part.id}`
  return `${title}\n${lines.join('\n')}\n${part.global ? '' : '\n'}`
}

/** The whole text. */
export function describeParts(
  parts: readonly DescribedPart[],
  notes: NodeNotes = () => [],
): string {
  const text = parts.map((part) => `  ${partText(part, notes)}`).join('')
  return `Topologies:\n ${text}`
}
