// Joins of tables by primary key (semantics 7).
import { GraphNode } from './graph/graph-node.js'
import { given } from './graph/serde-ref.js'
import {
  addPlanned,
  isMaterialized,
  planStore,
  tableSpec,
  type AnyMaterialized,
} from './materialize.js'
import type { JoinKind, ValueJoin } from './processors/operator-options.js'
import { tableJoinLookup, tableJoinMerge, tableTableJoin } from './processors/table-table-join.js'
import { checkSameBuilder, copartitioned } from './stream-state.js'
import { OldValues, type TableState } from './table-state.js'
import { storeLookup } from './table-steps.js'

/** `join`, `leftJoin` and `outerJoin` by primary key. */
export function joinTables(
  left: TableState,
  right: TableState,
  kind: JoinKind,
  join: ValueJoin,
  o: AnyMaterialized = {},
): TableState {
  const { graph } = left
  checkSameBuilder(graph, right)
  const key = given(o.key) ?? left.key ?? right.key
  const value = given(o.value)
  // Unlike a filter, a join keeps its result whenever it is given anything of a store.
  const store = isMaterialized(o) ? planStore(graph, 'KTABLE-MERGE-', o, { key, value }) : undefined
  const merge = graph.nameOr(o.name, 'KTABLE-MERGE-')
  const sources = copartitioned(graph, left, right)
  if (kind !== 'inner') left.oldValues.ask(true)
  if (kind === 'outer') right.oldValues.ask(true)
  const joinThis = graph.suffixedOr(o.name, '-join-this', 'KTABLE-JOINTHIS-')
  const joinOther = graph.suffixedOr(o.name, '-join-other', 'KTABLE-JOINOTHER-')
  const leftRows = left.lookup()
  const rightRows = right.lookup()
  const oldValues = new OldValues(() => {
    left.oldValues.ask(true)
    right.oldValues.ask(true)
    return true
  })
  const node = new GraphNode(
    merge,
    (out) => {
      const side = { kind, join, sendsOldValues: oldValues.sent }
      const driven = (
        name: string,
        from: TableState,
        own: 'left' | 'right',
        other: typeof leftRows,
      ): void => {
        const versioned = (): boolean => from.node.versionedOutput
        const supplier = tableTableJoin({ ...side, side: own, other, versioned })
        out.addProcessor(name, supplier, [from.name])
      }
      driven(joinThis, left, 'left', rightRows)
      driven(joinOther, right, 'right', leftRows)
      const result =
        store === undefined ? undefined : { name: store.name, versioned: store.versioned }
      const merged = tableJoinMerge({ store: result, sendsOldValues: oldValues.sent })
      out.addProcessor(merge, merged, [joinThis, joinOther])
      out.connect(joinThis, rightRows.stores)
      out.connect(joinOther, leftRows.stores)
      if (store !== undefined) addPlanned(out, store, tableSpec(graph, store, merge), [merge])
    },
    { outputVersioned: store?.versioned === true },
  )
  graph.add([left.node, right.node], node)
  return {
    graph,
    node,
    name: merge,
    key,
    value,
    sources,
    storeName: store?.given,
    lookup: () =>
      store === undefined ? tableJoinLookup(kind, join, leftRows, rightRows) : storeLookup(store),
    oldValues,
  }
}
