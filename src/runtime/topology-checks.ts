// What a configuration asks of a topology.
import { TopologyError } from '../errors.js'
import type { FrozenTopology } from '../topology/topology-node.js'
import type { ResolvedConfig } from './streams-config.js'

/** @throws TopologyError when topology and configuration do not go together */
export function checkTopology(topology: FrozenTopology, config: ResolvedConfig): void {
  if (config.ensureExplicitNames) checkNames(topology)
  if (config.exactlyOnce) checkWaits(topology, config.transactionTimeoutMs)
}

function checkNames(topology: FrozenTopology): void {
  if (topology.generatedNames.length === 0) return
  const list = topology.generatedNames
    .map(
      ({ kind, name, node, remedy }) =>
        `${kind} ${name}${node === undefined ? '' : ` of ${node}`} (${remedy})`,
    )
    .join('; ')
  throw new TopologyError(
    `ensureExplicitInternalResourceNaming is set, but these names are generated: ${list}`,
  )
}

/** A commit waits for open calls, and the broker ends a transaction that takes too long. */
function checkWaits(topology: FrozenTopology, transactionTimeoutMs: number): void {
  for (const { node, longestMs } of topology.asyncWaits)
    if (longestMs > transactionTimeoutMs)
      throw new TopologyError(
        `${node} may hold a commit up for ${longestMs} ms, longer than transactionTimeoutMs, ${transactionTimeoutMs}: lower its timeoutMs or attempts, or raise transactionTimeoutMs`,
        { node },
      )
}
