// Finds a store for queries: whether it may be asked, and what of it this process holds now.
import { IllegalStateError, StateStoreError } from '../errors.js'
import type { TaskStore } from '../state/state-store.js'
import type { FrozenTopology } from '../topology/topology-node.js'
import type { GlobalState } from './global-state.js'
import { LocalStore } from './local-store.js'
import type { StreamsState } from './streams-state.js'
import type { TaskManager } from './task-manager.js'

/** Where stores are, at the moment. */
export interface StoreHolders {
  readonly state: StreamsState
  readonly global: GlobalState | undefined
  readonly tasks: TaskManager | undefined
}

/**
 * A store as queries see it; `holders` is called with each of them.
 * @throws StateStoreError for an unknown name
 */
export function queriedStore(
  topology: FrozenTopology,
  name: string,
  holders: () => StoreHolders,
): LocalStore {
  checkQueryable(topology, name)
  return new LocalStore(name, () => viewsOf(topology, name, holders()))
}

/** @throws StateStoreError when there is no store of that name, or it may not be asked */
export function checkQueryable(topology: FrozenTopology, name: string): void {
  const { queryable } = topology
  const known = [
    ...topology.subtopologies.flatMap((s) => s.stores.map((t) => t.name)),
    ...topology.globalStores.map((g) => g.store.name),
  ]
  const askable = known.filter((n) => queryable === undefined || queryable.has(n))
  if (!askable.includes(name))
    throw new StateStoreError(
      known.includes(name)
        ? `store '${name}' is not queryable; name it in build({ … })`
        : `there is no store '${name}'; there are ${askable.map((n) => `'${n}'`).join(', ') || 'none'}`,
    )
}

function viewsOf(
  topology: FrozenTopology,
  name: string,
  { state, global, tasks }: StoreHolders,
): unknown[] {
  if (state === 'CREATED')
    throw new IllegalStateError(`store '${name}' can be asked once start() was called`)
  if (state !== 'RUNNING' && state !== 'REBALANCING')
    throw new IllegalStateError(`store '${name}' cannot be asked in state ${state}`)
  const globalStore = global?.stores.get(name)
  if (globalStore !== undefined) return [globalStore.view]
  const subtopology = topology.subtopologies.find((s) => s.stores.some((t) => t.name === name))
  const views: unknown[] = []
  for (const id of tasks?.assignedIds ?? []) {
    if (Number(id.split('_')[0]) !== subtopology?.id) continue
    const store: TaskStore | undefined = tasks!.running.get(id)?.task.stores.get(name)
    if (store === undefined)
      throw new StateStoreError(
        `store '${name}' of task ${id} is being restored; ask again when the application is RUNNING`,
        { task: id },
      )
    views.push(store.view)
  }
  if (views.length === 0)
    throw new StateStoreError(`no partition of store '${name}' is on this instance now`)
  return views
}
