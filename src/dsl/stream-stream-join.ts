// Joins of two streams: their nodes and stores, and the names of both (semantics 10).
import { TopologyError } from '../errors.js'
import { joinWindowSpec, outerJoinSpec } from '../state/specs.js'
import { checkedName } from '../topology/names.js'
import type { TopologyGraph } from '../topology/topology-graph.js'
import { JoinWindowNode, StreamJoinNode } from './graph/graph-node.js'
import { given, neededRef, refsNote } from './graph/serde-ref.js'
import { engineFor } from './materialize.js'
import type { StreamJoined } from './options.js'
import type { JoinKind, ValueJoin } from './processors/operator-options.js'
import { passThrough } from './processors/pass-through.js'
import { selfJoin } from './processors/self-join.js'
import { joinWindow, streamStreamJoin } from './processors/stream-stream-join.js'
import {
  checkSameBuilder,
  copartitioned,
  repartitionedForJoin,
  type StreamState,
} from './stream-state.js'
import { checkedJoinWindow, type JoinWindow } from './windows.js'

type AnyStreamJoined = StreamJoined<any, any, any>

/** The names of a stream-stream join's nodes and stores, in the order in which indices are used. */
function joinNames(left: StreamState, kind: JoinKind, o: AnyStreamJoined) {
  const { graph } = left
  const { name, stores } = o
  const store = o.store === undefined ? undefined : checkedName(o.store, 'store name')
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

type JoinNames = ReturnType<typeof joinNames>
type JoinStores = ReturnType<typeof joinStores>

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

  const write = (out: TopologyGraph, isSelfJoin: boolean): void =>
    isSelfJoin
      ? writeSelfJoin(out, join, within, names, stores)
      : writeJoin(out, kind, join, within, names, stores)
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

function writeJoin(
  out: TopologyGraph,
  kind: JoinKind,
  join: ValueJoin,
  within: JoinWindow,
  names: JoinNames,
  stores: JoinStores,
): void {
  const { windowedThis, windowedOther, joinThis, joinOther } = names
  const outerStore = kind === 'inner' ? undefined : names.sharedStore
  const side = { kind, join, within, outerStore }
  const left = streamStreamJoin({ ...side, side: 'left', otherStore: names.rightStore })
  const right = streamStreamJoin({ ...side, side: 'right', otherStore: names.leftStore })
  out.addProcessor(joinThis, left, [windowedThis])
  out.addProcessor(joinOther, right, [windowedOther])
  out.addProcessor(names.merge, passThrough, [joinThis, joinOther])
  stores.addLeft(out, [windowedThis, joinOther])
  stores.addRight(out, [windowedOther, joinThis])
  if (outerStore !== undefined) stores.addShared(out, [joinThis, joinOther])
}

/** Both sides are one stream: a single node looks both ways in a single store. */
function writeSelfJoin(
  out: TopologyGraph,
  join: ValueJoin,
  within: JoinWindow,
  { windowedThis, leftStore, merge }: JoinNames,
  stores: JoinStores,
): void {
  const options = { join, within, store: leftStore, retentionMs: retention(within) }
  out.addProcessor(merge, selfJoin(options), [windowedThis])
  stores.addLeft(out, [windowedThis, merge])
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
    readonly names: JoinNames
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
    const kind = o.logging === false ? 'store' : 'changelog'
    if (!named) out.addGeneratedName({ kind, name: store, node, remedy: '`store` of the join' })
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
