// What stands behind a KGroupedTable: the node that selects, the repartition and the folds behind it
// (semantics 11.7).
import { long } from '../serde/number-serdes.js'
import { changeSerde } from './change-serde.js'
import { GraphNode } from './graph/graph-node.js'
import { addInternalTopic } from './graph/repartition-node.js'
import { given, neededRef, refsNote, type SerdeRef } from './graph/serde-ref.js'
import { addPlanned, planStore, tableSpec, type AnyMaterialized } from './materialize.js'
import type { Grouped } from './options.js'
import type { TableAggregateOptions } from './processors/operator-options.js'
import { tableAggregate } from './processors/table-aggregate.js'
import { tableGroupBy } from './processors/table-group-by.js'
import { aggregateLookup, versionedLookup } from './processors/table-lookup.js'
import { keptOldValues, type TableState } from './table-state.js'

type TableFold = TableAggregateOptions['fold']

export class TableGrouping {
  readonly #table: TableState
  readonly #name: string | undefined
  readonly #node: GraphNode
  readonly #key: SerdeRef
  readonly #value: SerdeRef
  /** A named topic is shared by the folds of a grouping. */
  #repartition: GraphNode | undefined

  constructor(
    table: TableState,
    selector: (value: any, key: any) => unknown,
    o: Grouped<any, any>,
  ) {
    const { graph } = table
    this.#table = table
    this.#name = o.name
    this.#key = graph.key(given(o.key))
    this.#value = graph.value(given(o.value))
    const name = graph.nameOr(o.name, 'KTABLE-SELECT-')
    this.#node = new GraphNode(name, (out, parents) => {
      const key = neededRef(this.#key, name, 'key')
      const versioned = (): boolean => this.#node.versionedInput
      out.addProcessor(name, tableGroupBy({ selector, key, versioned }), parents)
    })
    graph.add(table.node, this.#node)
    table.oldValues.ask(true)
  }

  count(o: AnyMaterialized): TableState {
    return this.#fold('KTABLE-AGGREGATE-', { kind: 'count' }, o, given(long()))
  }

  reduce(fold: Extract<TableFold, { kind: 'reduce' }>, o: AnyMaterialized): TableState {
    return this.#fold('KTABLE-REDUCE-', fold, o, this.#value)
  }

  aggregate(fold: Extract<TableFold, { kind: 'aggregate' }>, o: AnyMaterialized): TableState {
    return this.#fold('KTABLE-AGGREGATE-', fold, o, undefined)
  }

  #fold(prefix: string, fold: TableFold, o: AnyMaterialized, value: SerdeRef): TableState {
    const { graph } = this.#table
    // Stores of all three folds are named alike, also that of reduce.
    const plan = planStore(graph, 'KTABLE-AGGREGATE-', o, { key: this.#key, value })
    const sink = graph.suffixedOr(o.name, '-sink', 'KSTREAM-SINK-')
    const source = graph.suffixedOr(o.name, '-source', 'KSTREAM-SOURCE-')
    const name = graph.nameOr(o.name, prefix)
    const topic = `${this.#name ?? plan.name}-repartition`
    if (this.#repartition === undefined || this.#name === undefined)
      this.#repartition = this.#topicNode({ topic, sink, source, named: plan.given !== undefined })
    const repartition = graph.add(this.#node, this.#repartition)
    const oldValues = keptOldValues()
    const { versioned } = plan
    const node = new GraphNode(
      name,
      (out, parents) => {
        const options = { store: plan.name, versioned, fold, sendsOldValues: oldValues.sent }
        out.addProcessor(name, tableAggregate(options), parents)
        addPlanned(out, plan, tableSpec(graph, plan, name), [name])
      },
      { outputVersioned: versioned },
    )
    graph.add(repartition, node)
    const lookup = versioned ? versionedLookup(plan.name) : aggregateLookup(plan.name)
    return {
      graph,
      node,
      name,
      key: plan.key,
      value: plan.value,
      sources: new Set([repartition.name]),
      storeName: plan.given,
      lookup: () => lookup,
      oldValues,
    }
  }

  /** No filter in front: the selection sends no null keys. */
  #topicNode(o: {
    readonly topic: string
    readonly sink: string
    readonly source: string
    readonly named: boolean
  }): GraphNode {
    const { topic, sink, source } = o
    return new GraphNode(source, (out, parents) => {
      const key = neededRef(this.#key, sink, 'key')
      const value = changeSerde(neededRef(this.#value, sink, 'value'))
      const note = refsNote({ key: this.#key, value: this.#value })
      addInternalTopic(out, { topic, sink, source, parents, key, value, note })
      if (this.#name === undefined && !o.named)
        out.addGeneratedName({
          kind: 'repartition',
          name: topic,
          node: sink,
          remedy: '`name` of the grouping',
        })
    })
  }
}
