// Compares two `describe()` texts as graphs: which node follows which is the contract, the order of
// names inside a line is not (it follows hash order in the reference).

const list = (text: string): string =>
  text
    .split(', ')
    .filter((name) => name !== '' && name !== 'none')
    .toSorted()
    .join(', ')

/** One line a node, each with its sub-topology, neighbours and what stands in parentheses, sorted. */
export function graphLines(describe: string): string[] {
  const nodes: string[] = []
  let part = ''
  for (const line of describe.split('\n')) {
    const text = line.trim()
    const node = /^(Source|Processor|Sink): (\S+) \((\w[\w ]*): \[?(.*?)\]?\)$/.exec(text)
    if (text.startsWith('Sub-topology:')) nodes.push((part = text))
    else if (node !== null)
      nodes.push(`${part} ${node[1]} ${node[2]} (${node[3]}: ${list(node[4]!)})`)
    else if (text.startsWith('-->')) nodes[nodes.length - 1] += ` --> ${list(text.slice(4))}`
    else if (text.startsWith('<--')) nodes[nodes.length - 1] += ` <-- ${list(text.slice(4))}`
    else if (text !== '' && text !== 'Topologies:') nodes.push(`not understood: ${text}`)
  }
  return nodes.toSorted()
}

/** The first difference between the graphs, `undefined` when they are equal. */
export function describeDifference(expected: string, actual: string): string | undefined {
  const wanted = graphLines(expected)
  const got = graphLines(actual)
  const missing = wanted.filter((line) => !got.includes(line))
  const extra = got.filter((line) => !wanted.includes(line))
  if (missing.length + extra.length === 0 && wanted.length === got.length) return undefined
  return `describe(): missing\n  ${missing.join('\n  ')}\nnot expected\n  ${extra.join('\n  ')}`
}
