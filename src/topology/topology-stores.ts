// How stores come into a topology: added by builders, connected by handles, with or without a changelog.
import { TopologyError } from '../errors.js'
import { isStoreBuilder, toSpec, type StateStore, type Stores } from '../state/stores.js'
import type { TopologyGraph } from './topology-graph.js'

/** A store that was added; its name is all that there is to it. */
export class StoreHandle<T> implements StateStore<T> {
  declare readonly '~store': T
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** Adds the builders among a processor's `stores`, connects all, and notes which property is which store. */
export function connectStores(
  graph: TopologyGraph,
  processor: string,
  stores: Stores,
  engine: 'leveldb' | 'memory',
  names: Map<string, string>,
): void {
  for (const [property, store] of Object.entries(stores)) {
    if (store instanceof StoreHandle) {
      names.set(property, store.name)
      graph.connect(processor, [store.name])
    } else if (isStoreBuilder(store)) {
      names.set(property, property)
      graph.addStore(toSpec(store, property, engine), store, [processor])
    } else
      throw new TopologyError(
        `${processor}: \`stores.${property}\` is no store; give a builder such as keyValueStore({ … }) or what addStateStore returned`,
        { node: processor },
      )
  }
}

/** The same store without a changelog of its own. */
export const unlogged = (spec: ReturnType<typeof toSpec>): ReturnType<typeof toSpec> => ({
  ...spec,
  logging: false,
  open: (context) => spec.open(context),
})
