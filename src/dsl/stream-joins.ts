// Joins that a stream drives: with another stream, a table, a global table (semantics 9, 10).
import { TopologyError } from '../errors.js'
import { graceBufferSpec, joinWindowSpec, outerJoinSpec } from '../state/specs.js'
import { checkedName } from '../topology/names.js'
import type { TopologyGraph } from '../topology/topology-graph.js'
import type { GlobalTableState } from './global-ktable.js'
import { GraphNode, JoinWindowNode, StreamJoinNode } from './graph/graph-node.js'
import { given, neededRef, refsNote } from './graph/serde-ref.js'
import { engineFor } from './materialize.js'
import type { Joined, Named, StreamJoined } from './options.js'
import type { AnyMapper } from './processors/map.js'
import type { JoinKind, ValueJoin } from './processors/operator-options.js'
import { passThrough } from './processors/pass-through.js'
import { selfJoin } from './processors/self-join.js'
import { joinWindow, streamStreamJoin } from './processors/stream-stream-join.js'
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
import { checkedJoinWindow, checkedMs, type JoinWindow } from './windows.js'

type AnyStreamJoined = StreamJoined<any, any, any>

/** The names of a stream-stream join's nodes and stores, in the order in which indices are used. */
function joinNames(left: StreamState, kind: JoinKind, o: AnyStreamJoined) {
  const { graph } = left
  const { name, store, stores } = o
  const thisSuffix = kind === 'outer' ? '-outer-this-join' : '-this-join'
  const otherSuffix = kind === 'inner' ? '-other-join' : '-outer-other-join'
  const windowedThis = graph.suffixedOr(name, '-this-windowed', 'KSTREAM-WINDOWED-')
  const windowedOther = graph.suffixedOr(name, '-other-windowed', 'KSTREAM-WINDOWED-')
  const thisPrefix = kind === 'outer' ? 'KSTREAM-OUTERTHIS-' : 'KSTREAM-JOINTHIS-'
  const generatedThis = graph.newName(thisPrefix)
  const generatedOther = graph.newName(
    kind === 'inner' ? 'KSTREAM-JOINOTHER-' : 'KSTREAM-OUTEROTHER-',
  )
  const merge = graph.suffixedOr(name, '-merge', 'KSTREAM-MERGE-')
  const sharedSuffix = kind === 'outer' ? '-outer-shared-join' : '-left-shared-join'
  const shared = stores?.left ?? store
  return {
    windowedThis,
    windowedOther,
    joinThis: name === undefined ? generatedThis : checkedName(name + thisSuffix),
    joinOther: name === undefined ? generatedOther : checkedName(name + otherSuffix),
    merge,
    leftStore: stores?.left ?? `${store === undefined ? generatedThis : store + thisSuffix}-store`,
    rightStore:
      stores?.right ?? `${store === undefined ? generatedOther : store + otherSuffix}-store`,
    sharedStore: `${
      shared === undefined
        ? `KSTREAM-OUTERSHARED-${generatedThis.slice(thisPrefix.length)}`
        : shared + sharedSuffix
    }-store`,
  }
}

/** `join`, `leftJoin` and `outerJoin` with a stream. */
export function joinStreams(
  thisStream: StreamState,
  otherStream: StreamState,
  kind: JoinKind,
  join: ValueJoin,
  o: AnyStreamJoined,
): StreamState {
  const within = checkedJoinWindow(o.within)
  const { graph } = thisStream
  checkSameBuilder(graph, otherStream)
  const key = given(o.key) ?? thisStream.key ?? otherStream.key
  const leftValue = given(o.value) ?? thisStream.value
  const rightValue = given(o.otherValue) ?? otherStream.value
  const left = thisStream.rekeyed
    ? repartitionedForJoin(thisStream, suffixed(o.name, '-left'), { key, value: leftValue })
    : thisStream
  const right = otherStream.rekeyed
    ? repartitionedForJoin(otherStream, suffixed(o.name, '-right'), { key, value: rightValue })
    : otherStream
  const sources = copartitioned(graph, left, right)
  const names = joinNames(left, kind, o)
  if (names.leftStore === names.rightStore)
    throw new TopologyError(`the two stores of a join need two names, not twice ${names.leftStore}`)

  const windowNode = (name: string, store: string): JoinWindowNode =>
    new JoinWindowNode(name, (out, parents) => out.addProcessor(name, joinWindow(store), parents))
  const windows = {
    left: graph.add(left.node, windowNode(names.windowedThis, names.leftStore)),
    right: graph.add(right.node, windowNode(names.windowedOther, names.rightStore)),
  }
  const stores = joinStores(left, { key, leftValue, rightValue, within, names, o })

  const write = (out: TopologyGraph, isSelfJoin: boolean): void => {
    if (isSelfJoin) {
      const options = { join, within, store: names.leftStore, retentionMs: retention(within) }
      out.addProcessor(names.merge, selfJoin(options), [names.windowedThis])
      stores.addLeft(out, [names.windowedThis, names.merge])
      return
    }
    const outerStore = kind === 'inner' ? undefined : names.sharedStore
    const side = { kind, join, within, outerStore }
    out.addProcessor(
      names.joinThis,
      streamStreamJoin({ ...side, side: 'left', otherStore: names.rightStore }),
      [names.windowedThis],
    )
    out.addProcessor(
      names.joinOther,
      streamStreamJoin({ ...side, side: 'right', otherStore: names.leftStore }),
      [names.windowedOther],
    )
    out.addProcessor(names.merge, passThrough, [names.joinThis, names.joinOther])
    stores.addLeft(out, [names.windowedThis, names.joinOther])
    stores.addRight(out, [names.windowedOther, names.joinThis])
    if (outerStore !== undefined) stores.addShared(out, [names.joinThis, names.joinOther])
  }
  const node = new StreamJoinNode(names.merge, windows, write, { relaxedNullKey: kind !== 'inner' })
  graph.add([left.node, right.node], node)
  return {
    graph,
    node,
    name: names.merge,
    key,
    value: undefined,
    sources,
    rekeyed: false,
  }
}

const suffixed = (name: string | undefined, suffix: string): string | undefined =>
  name === undefined ? undefined : name + suffix

const retention = ({ beforeMs, afterMs, graceMs }: JoinWindow): number =>
  beforeMs + afterMs + graceMs

/** The three stores of a stream-stream join, each to be added with the nodes that use it. */
function joinStores(
  { graph }: StreamState,
  j: {
    readonly key: StreamState['key']
    readonly leftValue: StreamState['value']
    readonly rightValue: StreamState['value']
    readonly within: JoinWindow
    readonly names: ReturnType<typeof joinNames>
    readonly o: AnyStreamJoined
  },
) {
  const { o, names, within } = j
  // Stores with names of their own are logged whatever `logging` says, as given suppliers are in Java.
  const logging = o.stores === undefined ? (o.logging ?? {}) : o.logging || {}
  const common = { engine: engineFor(graph, o), logging }
  const key = graph.key(j.key)
  const named = o.store !== undefined || o.stores !== undefined
  const note = (out: TopologyGraph, store: string, node: string, value: StreamState['value']) => {
    out.addNotes(node, [refsNote({ key, value }, store)])
    if (!named && o.logging !== false)
      out.addGeneratedName({ kind: 'changelog', name: store, node, remedy: '`store` of the join' })
  }
  const add = (name: string, known: StreamState['value']) => {
    const identity = {}
    return (out: TopologyGraph, nodes: readonly string[]): void => {
      const value = graph.value(known)
      const spec = joinWindowSpec({
        ...common,
        name,
        key: neededRef(key, nodes[0]!, 'key'),
        value: neededRef(value, nodes[0]!, 'value'),
        sizeMs: within.beforeMs + within.afterMs,
        retentionMs: retention(within),
      })
      out.addStore(spec, identity, nodes)
      note(out, name, nodes[0]!, value)
    }
  }
  return {
    addLeft: add(names.leftStore, j.leftValue),
    addRight: add(names.rightStore, j.rightValue),
    addShared(out: TopologyGraph, nodes: readonly string[]): void {
      const spec = outerJoinSpec({
        ...common,
        logging: o.logging ?? {},
        name: names.sharedStore,
        key: neededRef(key, nodes[0]!, 'key'),
        left: neededRef(graph.value(j.leftValue), nodes[0]!, 'value'),
        right: neededRef(graph.value(j.rightValue), nodes[1]!, 'value'),
      })
      out.addStore(spec, spec, nodes)
      note(out, names.sharedStore, nodes[0]!, graph.value(j.leftValue))
    },
  }
}

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
