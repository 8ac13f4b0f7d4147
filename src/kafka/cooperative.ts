// The rule of cooperative rebalancing: what one member still owns, no other gets in the same
// generation. Its owner gives it back first and joins again; the rebalance after that hands it over.
import { partitionKey, type Assignment, type Subscription } from './client.js'

/** The assignments without the partitions that another member still owns. */
export function withholdOwned(
  members: readonly Subscription[],
  assignments: ReadonlyMap<string, Assignment>,
): ReadonlyMap<string, Assignment> {
  const owners = new Map<string, string>()
  for (const { memberId, ownedPartitions } of members)
    for (const partition of ownedPartitions) owners.set(partitionKey(partition), memberId)
  const result = new Map<string, Assignment>()
  for (const [memberId, { partitions, userData }] of assignments)
    result.set(memberId, {
      partitions: partitions.filter((p) => (owners.get(partitionKey(p)) ?? memberId) === memberId),
      userData,
    })
  return result
}
