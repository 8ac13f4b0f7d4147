// Joins of a stream with a table and with a global table (semantics 9).
import { checkedMs } from '../clock.js'
import { TopologyError } from '../errors.js'
import { graceBufferSpec } from '../state/specs.js'
import type { TopologyGraph } from '../topology/topology-graph.js'
import type { GlobalTableState } from './global-ktable.js'
import { GraphNode } from './graph/graph-node.js'
import { given, neededRef, refsNote } from './graph/serde-ref.js'
import type { Joined, Named } from './options.js'
import type { AnyMapper } from './processors/map.js'
import type { ValueJoin } from './processors/operator-options.js'
import { streamTableGraceJoin } from './processors/stream-table-grace-join.js'
import { streamGlobalJoin, streamTableJoin } from './processors/stream-table-join.js'
import type { TableLookup } from './processors/table-lookup.js'
import {
  addStep,
  checkSameBuilder,
  copartitioned,
  repartitionedForJoin,
  type StreamState,
} from './stream-state.js'
import type { TableState } from './table-state.js'

/** `join` and `leftJoin` with a table. */
export function joinTable(
  stream: StreamState,
  table: TableState,
  left: boolean,
  join: ValueJoin,
  o: Joined<any, any, any> = {},
): StreamState {
  checkSameBuilder(stream.graph, table)
  const input = stream.rekeyed
    ? repartitionedForJoin(stream, o.name, { key: given(o.key), value: given(o.value) })
    : stream
  const { graph } = input
  const sources = copartitioned(graph, input, table)
  const name = graph.nameOr(o.name, left ? 'KSTREAM-LEFTJOIN-' : 'KSTREAM-JOIN-')
  const lookup = table.lookup()
  const key = given(o.key) ?? input.key
  const value = given(o.value) ?? input.value
  const buffer = o.graceMs === undefined ? undefined : checkedMs(o.graceMs, 'graceMs', 0)
  const node = new GraphNode(
    name,
    (out, parents) => {
      if (buffer === undefined)
        out.addProcessor(name, streamTableJoin({ left, join, table: lookup }), parents)
      else addGraceJoin(out, parents)
      out.connect(name, lookup.stores)
    },
    { relaxedNullKey: left },
  )
  const addGraceJoin = (out: TopologyGraph, parents: readonly string[]): void => {
    const graceMs = buffer!
    checkHistory(out, name, table, lookup, graceMs)
    const store = `${name}-Buffer`
    const options = { left, join, table: lookup, buffer: store, graceMs }
    out.addProcessor(name, streamTableGraceJoin(options), parents)
    const spec = graceBufferSpec({
      name: store,
      key: neededRef(graph.key(key), name, 'key'),
      value: neededRef(graph.value(value), name, 'value'),
      logging: {},
    })
    out.addStore(spec, spec, [name])
    out.addNotes(name, [refsNote({ key: graph.key(key), value: graph.value(value) }, store)])
    if (o.name === undefined)
      out.addGeneratedName({
        kind: 'changelog',
        name: store,
        node: name,
        remedy: '`name` of the join',
      })
  }
  graph.add(input.node, node)
  return { graph, node, name, key, value: undefined, sources, rekeyed: false }
}

/** A record can only wait for a table that still knows what held at its time. */
function checkHistory(
  out: TopologyGraph,
  name: string,
  table: TableState,
  lookup: TableLookup,
  graceMs: number,
): void {
  const histories = lookup.stores.map((store) => out.store(store))
  if (!table.node.versionedOutput || histories.some((store) => store?.kind !== 'versioned'))
    throw new TopologyError(
      `${name}: graceMs needs a versioned table; give the table \`store\` and \`historyMs\``,
      { node: name },
    )
  for (const store of histories)
    if (store !== undefined && (store.retentionMs ?? 0) < graceMs)
      throw new TopologyError(
        `${name}: graceMs ${graceMs} is above the history of ${store.name}, ${store.retentionMs} ms; raise its historyMs`,
        { node: name },
      )
}

/** `join` and `leftJoin` with a global table; no repartition, the stream's key stays. */
export function joinGlobalTable(
  stream: StreamState,
  table: GlobalTableState,
  left: boolean,
  selector: AnyMapper,
  join: ValueJoin,
  o: Named = {},
): StreamState {
  checkSameBuilder(stream.graph, table)
  const name = stream.graph.nameOr(o.name, 'KSTREAM-LEFTJOIN-')
  return addStep(
    stream,
    name,
    streamGlobalJoin({ left, join, table: table.lookup, selector }),
    { value: undefined },
    { relaxedNullKey: left },
  )
}
