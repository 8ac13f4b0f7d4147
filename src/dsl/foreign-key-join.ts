// Joins of tables by a foreign key: the left side subscribes to right rows through one internal topic,
// answers come back through another (semantics 8).
import { serdeForNode } from '../serde/serde-traits.js'
import type { Serde } from '../serde/serde.js'
import { subscriptionSpec } from '../state/specs.js'
import type { NodeSupplier } from '../topology/processor.js'
import type { TopologyGraph } from '../topology/topology-graph.js'
import type { Partitioner } from '../topology/topology-node.js'
import {
  responseSerde,
  subscriptionSerde,
  type SubscriptionResponse,
} from './foreign-key-serdes.js'
import { GraphNode } from './graph/graph-node.js'
import type { LogicalGraph } from './graph/logical-graph.js'
import { addInternalTopic } from './graph/repartition-node.js'
import { given, neededRef, refsNote, type SerdeRef } from './graph/serde-ref.js'
import { engineFor, planStore, type AnyMaterialized } from './materialize.js'
import {
  foreignTableJoin,
  responseJoin,
  subscriptionJoin,
  subscriptionReceive,
  subscriptionSend,
} from './processors/foreign-key-join.js'
import type { ForeignKeySerdes, ValueJoin } from './processors/operator-options.js'
import type { TableLookup } from './processors/table-lookup.js'
import { checkSameBuilder, copartitioned } from './stream-state.js'
import type { TableState } from './table-state.js'
import { SourceTable } from './table-steps.js'

const prefix = 'KTABLE-FK-JOIN-'

/** All names of the join, in the order in which indices are used (semantics 8.2). */
function foreignKeyNames({ graph }: TableState, name: string | undefined) {
  const or = (suffix: string, generated: string): string =>
    graph.suffixedOr(name, suffix, generated)
  const processor = `${prefix}SUBSCRIPTION-PROCESSOR-`
  const registration = `${prefix}SUBSCRIPTION-REGISTRATION-`
  const response = `${prefix}SUBSCRIPTION-RESPONSE-`
  return {
    subscriptionTopic: `${or('-subscription-registration', registration)}-topic`,
    send: or('-subscription-registration-processor', registration),
    subscriptionSink: or('-subscription-registration-sink', 'KTABLE-SINK-'),
    subscriptionSource: or('-subscription-registration-source', 'KTABLE-SOURCE-'),
    store: or('-subscription-store', `${prefix}SUBSCRIPTION-STATE-STORE-`),
    receive: or('-subscription-receive', processor),
    answer: or('-subscription-join-foreign', processor),
    foreign: or('-foreign-join-subscription', processor),
    responseTopic: `${or('-subscription-response', response)}-topic`,
    responseSink: or('-subscription-response-sink', 'KTABLE-SINK-'),
    responseSource: or('-subscription-response-source', 'KTABLE-SOURCE-'),
    resolver: or('-subscription-response-resolver', `${response}RESOLVER-PROCESSOR-`),
    result: or('-result', `${prefix}OUTPUT-`),
  }
}

/** What the parts of a join share. */
interface Parts {
  readonly left: TableState
  readonly right: TableState
  readonly isLeft: boolean
  readonly isNamed: boolean
  readonly names: ReturnType<typeof foreignKeyNames>
  readonly leftRows: TableLookup
  readonly rightRows: TableLookup
  readonly leftKey: SerdeRef
  readonly foreignKey: SerdeRef
  /** Known once the topology is written, as are all serdes. */
  readonly serdes: () => ForeignKeySerdes
}

/** `join` and `leftJoin` by `foreignKey`. */
export function joinByForeignKey(
  left: TableState,
  right: TableState,
  isLeft: boolean,
  foreignKey: (value: any, key: any) => unknown,
  join: ValueJoin,
  o: AnyMaterialized = {},
): TableState {
  const { graph } = left
  checkSameBuilder(graph, right)
  right.oldValues.ask(true)
  left.oldValues.ask(true)
  const names = foreignKeyNames(left, o.name)
  const plan = planStore(graph, `${prefix}OUTPUT-`, o, { key: left.key, value: undefined })
  const result = new SourceTable(names.result, plan)
  const parts = partsOf(left, right, isLeft, names, o.name !== undefined)

  const subscriptions = addSubscriptions(parts, foreignKey)
  const responses = addResponses(parts, subscriptions)
  copartitioned(graph, right, { sources: new Set([names.subscriptionSource]) })
  const sources = copartitioned(graph, left, { sources: new Set([names.responseSource]) })
  const { leftRows: table, serdes } = parts
  const resolver = graph.add(
    responses,
    processorNode(
      names.resolver,
      () => responseJoin({ left: isLeft, join, table, serdes: serdes() }),
      (out) => out.connect(names.resolver, table.stores),
    ),
  )
  const node = graph.add(
    resolver,
    new GraphNode(names.result, (out, parents) => result.write(out, parents, graph), {
      outputVersioned: result.outputVersioned,
    }),
  )
  return {
    graph,
    node,
    name: names.result,
    key: given(o.key) ?? left.key,
    value: given(o.value),
    sources,
    storeName: plan.given,
    lookup: result.lookup,
    oldValues: result.oldValues,
  }
}

function partsOf(
  left: TableState,
  right: TableState,
  isLeft: boolean,
  names: Parts['names'],
  isNamed: boolean,
): Parts {
  const { graph } = left
  const leftRows = left.lookup()
  const rightRows = right.lookup()
  const leftKey = graph.key(left.key)
  const foreignKey = graph.key(right.key)
  const serdes = (): ForeignKeySerdes => ({
    topic: names.subscriptionTopic,
    leftKey: neededRef(leftKey, names.send, 'key'),
    leftValue: neededRef(graph.value(left.value), names.send, 'value'),
    foreignKey: neededRef(foreignKey, names.subscriptionSink, 'key'),
  })
  return { left, right, isLeft, isNamed, names, leftRows, rightRows, leftKey, foreignKey, serdes }
}

/** The left side tells its foreign keys; gives the topic that they go through. */
function addSubscriptions(
  { left, isLeft, isNamed, names, foreignKey, serdes }: Parts,
  foreignKeyOf: (value: any, key: any) => unknown,
): GraphNode {
  const { graph } = left
  const send: GraphNode = processorNode(names.send, () =>
    subscriptionSend({
      left: isLeft,
      foreignKey: foreignKeyOf,
      serdes: serdes(),
      versioned: () => send.versionedInput,
    }),
  )
  graph.add(left.node, send)
  return graph.add(
    send,
    topicNode({
      topic: names.subscriptionTopic,
      sink: names.subscriptionSink,
      source: names.subscriptionSource,
      isNamed,
      key: foreignKey,
      value: () => subscriptionSerde(serdes().leftKey),
    }),
  )
}

/**
 * Where the right rows are, subscriptions are kept, and answered at once and whenever a row changes;
 * gives the topic of the answers.
 */
function addResponses(parts: Parts, subscriptions: GraphNode): GraphNode {
  const { right, isNamed, names, rightRows, leftKey, foreignKey, serdes } = parts
  const { graph } = right
  const { store } = names
  const addStore = storeAdder(graph, store, isNamed)
  const receive = graph.add(
    subscriptions,
    processorNode(
      names.receive,
      () => subscriptionReceive({ store, serdes: serdes() }),
      (out) => {
        addStore(out, names.receive)
        const refs = { key: foreignKey, value: given(subscriptionSerde(serdes().leftKey)) }
        out.addNotes(names.receive, [refsNote(refs, store)])
      },
    ),
  )
  const answer = graph.add(
    receive,
    processorNode(
      names.answer,
      () => subscriptionJoin({ right: rightRows }),
      (out) => out.connect(names.answer, rightRows.stores),
    ),
  )
  const foreign: GraphNode = processorNode(
    names.foreign,
    () => foreignTableJoin({ store, serdes: serdes(), versioned: () => foreign.versionedInput }),
    (out) => addStore(out, names.foreign),
  )
  graph.add(right.node, foreign)
  const rightValue = () => neededRef(graph.value(right.value), names.responseSink, 'value')
  return graph.add(
    [answer, foreign],
    topicNode({
      topic: names.responseTopic,
      sink: names.responseSink,
      source: names.responseSource,
      isNamed,
      key: leftKey,
      value: () => responseSerde(rightValue()),
      partitioner: (value: SubscriptionResponse) => value.leftPartition,
    }),
  )
}

const processorNode = (
  name: string,
  supplier: () => NodeSupplier,
  after: (out: TopologyGraph) => void = () => {},
): GraphNode =>
  new GraphNode(name, (out, parents) => {
    out.addProcessor(name, supplier(), parents)
    after(out)
  })

/** The node of a topic between the two sides. */
const topicNode = (o: {
  readonly topic: string
  readonly sink: string
  readonly source: string
  readonly isNamed: boolean
  readonly key: SerdeRef
  readonly value: () => Serde<any>
  readonly partitioner?: Partitioner<any, any>
}): GraphNode =>
  new GraphNode(o.source, (out, parents) => {
    const { topic, sink, source, partitioner } = o
    const key = serdeForNode(neededRef(o.key, sink, 'key'))
    const value = o.value()
    const note = refsNote({ key: o.key, value: given(value) })
    addInternalTopic(out, { topic, sink, source, parents, key, value, partitioner, note })
    if (!o.isNamed)
      out.addGeneratedName({
        kind: 'repartition',
        name: topic,
        node: sink,
        remedy: '`name` of the join',
      })
  })

/** The subscription store is used by two nodes that are added apart. */
function storeAdder(graph: LogicalGraph, name: string, isNamed: boolean) {
  const identity = {}
  return (out: TopologyGraph, node: string): void => {
    const spec = subscriptionSpec({ name, engine: engineFor(graph, {}), logging: {} })
    out.addStore(spec, identity, [node])
    if (!isNamed)
      out.addGeneratedName({ kind: 'changelog', name, node, remedy: '`name` of the join' })
  }
}
