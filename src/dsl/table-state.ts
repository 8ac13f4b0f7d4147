// What stands behind a KTable: a node of the graph, how its rows are looked up, and whether it sends
// old values (semantics 6.2, 6.3).
import type { GraphNode } from './graph/graph-node.js'
import type { LogicalGraph } from './graph/logical-graph.js'
import type { SerdeRef } from './graph/serde-ref.js'
import type { TableLookup } from './processors/table-lookup.js'

export interface TableState {
  readonly graph: LogicalGraph
  readonly node: GraphNode
  readonly name: string
  readonly key: SerdeRef
  readonly value: SerdeRef
  readonly sources: ReadonlySet<string>
  /** The store's name where the user gave one. */
  readonly storeName: string | undefined
  /** How downstream looks rows up. Asking makes a source table keep its rows. */
  readonly lookup: () => TableLookup
  readonly oldValues: OldValues
}

/** Whether a table operator sends old values. Who needs them asks; the answer is settled at build. */
export class OldValues {
  readonly #request: (force: boolean) => boolean
  #sent = false

  /** `request` gets them from where they are; it may answer false unless forced. */
  constructor(request: (force: boolean) => boolean) {
    this.#request = request
  }

  /** `force` makes a source table keep rows for them; without it they come only if that is so already. */
  ask(force: boolean): boolean {
    return (this.#sent ||= this.#request(force))
  }

  /** For operators: whether anybody asked. */
  readonly sent = (): boolean => this.#sent
}

/** Operators that keep their rows can always send old values. */
export const keptOldValues = (): OldValues => new OldValues(() => true)
