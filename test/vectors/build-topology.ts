// Turns the steps of a recorded case into a topology, through the public API alone. Graphs of
// recorded cases have no types, so the handles are cast: each step knows what its receiver is.
import {
  bigint,
  GlobalKTable,
  hopping,
  KGroupedTable,
  KStream,
  KTable,
  nullable,
  recordHeaders,
  serde,
  session,
  sessionWindowed,
  sliding,
  StreamsBuilder,
  string,
  timeWindowed,
  Topology,
  tumbling,
  type Serde,
  type StateStore,
} from '../../src/index.js'
import {
  aggregator,
  extractor,
  initial,
  joiner,
  keyedWords,
  keyFunction,
  mergeSessions,
  predicate,
  subtract,
  topicChooser,
  valueFunction,
  words,
  type CaseValue,
} from './named-functions.js'
import { processorSupplier } from './processors.js'
import { materialized, named, optionallyMaterialized, storeBuilder } from './store-options.js'
import type { Step, VectorCase } from './vector-case.js'

// oxlint-disable no-explicit-any -- what a step's receiver is decides at run time
type Handle = any

const strings = { key: string(), value: string() }
const nullableStrings = { key: string(), value: nullable(string()) }

const bigints = bigint()

/** Longs of the cases: counts are numbers, what a source reads may be larger. */
const longs = serde<number | bigint>(
  (value) => bigints.serialize(BigInt(value), '', recordHeaders()),
  (bytes) => bigints.deserialize(bytes, '', recordHeaders()),
)

function serdeOf(spec: string | undefined): Serde<any> {
  if (spec === undefined || spec === 'string') return string()
  if (spec === 'long') return longs
  if (spec === 'sessionWindowed') return sessionWindowed(string())
  if (spec.startsWith('timeWindowed:'))
    return timeWindowed(string(), { sizeMs: Number(spec.slice('timeWindowed:'.length)) })
  throw new Error(`unknown serde ${spec}`)
}

/** The keeper of a global store: brackets around the values. */
const keeper = ({ store }: { store: Handle }) => ({
  process({ key, value }: { key: string | null; value: string | null }) {
    if (key === null) return
    if (value === null) store.delete(key)
    else store.put(key, `[${value}]`)
  },
})

/** The handles made so far; each `_name` method is the step of that name. */
class Steps {
  readonly builder: StreamsBuilder<any, any>
  readonly #handles = new Map<string, Handle>()
  readonly #stores = new Map<string, StateStore<any>>()
  readonly #cogroups = new Set<Handle>()

  constructor(vector: VectorCase) {
    this.builder = new StreamsBuilder<any, any>({
      ...strings,
      ...(vector.config.optimize ? { optimization: 'all' as const } : {}),
    })
  }

  run(step: Step): void {
    const on = step.on === undefined ? undefined : this.#handle(step.on)
    const make = (this as Record<string, any>)[`_${step.op}`]
    if (make === undefined) throw new Error(`unknown step ${step.op}`)
    const result = make.call(this, step, on)
    if (step.id !== undefined) this.#handles.set(step.id, result)
  }

  #handle(id: string): Handle {
    if (!this.#handles.has(id)) throw new Error(`no step has the id ${id}`)
    return this.#handles.get(id)
  }

  // ---------- sources and stores

  #consumed(step: Step) {
    return {
      ...named(step),
      ...(step.extractor === undefined ? {} : { timestamp: extractor(step.extractor) }),
    } as Handle
  }

  _stream(step: Step) {
    const value = step.valueSerde === 'long' ? nullable(longs) : nullable(string())
    return this.builder.stream(step.topic as string | readonly string[], {
      ...this.#consumed(step),
      key: string(),
      value,
    })
  }

  _table(step: Step) {
    return this.builder.table(step.topic as string, {
      ...this.#consumed(step),
      ...strings,
      ...optionallyMaterialized(step),
    })
  }

  _globalTable(step: Step) {
    return this.builder.globalTable(step.topic as string, {
      ...this.#consumed(step),
      ...strings,
      ...optionallyMaterialized(step),
    })
  }

  _addStore(step: Step) {
    this.#stores.set(step.store!, this.builder.addStateStore(step.store!, storeBuilder(step)))
  }

  _addGlobalStore(step: Step) {
    this.builder.addGlobalStore(
      step.store!,
      storeBuilder(step),
      step.topic as string,
      keeper as Handle,
      nullableStrings,
    )
  }

  // ---------- one record at a time

  _filter(step: Step, on: Handle) {
    return on.filter(predicate(step.fn!), this.#transform(step, on))
  }

  _filterNot(step: Step, on: Handle) {
    return on.filterNot(predicate(step.fn!), this.#transform(step, on))
  }

  _mapValues(step: Step, on: Handle) {
    return on.mapValues(valueFunction(step.fn!), this.#transform(step, on))
  }

  #transform(step: Step, on: Handle) {
    return on instanceof KTable ? optionallyMaterialized(step) : named(step)
  }

  _map(step: Step, on: Handle) {
    const key = keyFunction(step.key!)
    const value = valueFunction(step.fn!)
    return on.map((v: CaseValue, k: Handle) => [key(v, k), value(v, k)], named(step))
  }

  _selectKey(step: Step, on: Handle) {
    return on.selectKey(keyFunction(step.fn!), named(step))
  }

  _flatMap(step: Step, on: Handle) {
    return on.flatMap(keyedWords, named(step))
  }

  _flatMapValues(step: Step, on: Handle) {
    return on.flatMapValues(words, named(step))
  }

  _peek(step: Step, on: Handle) {
    return on.peek(() => {}, named(step))
  }

  _merge(step: Step, on: Handle) {
    return on.merge(this.#handle(step.with!), named(step))
  }

  _split(step: Step, on: Handle) {
    let split = on.split(named(step))
    for (const { fn, id, name } of step.branches!)
      split = split.branch(id, predicate(fn), name === undefined ? {} : { name })
    const branches =
      step.default === undefined
        ? split.noDefaultBranch()
        : split.defaultBranch(
            step.default,
            step.defaultName === undefined ? {} : { name: step.defaultName },
          )
    for (const [id, stream] of Object.entries(branches)) this.#handles.set(id, stream)
  }

  #processed(step: Step) {
    const stores = Object.fromEntries(
      (step.stores ?? []).map((name) => [name, this.#stores.get(name)!]),
    )
    return { ...named(step), value: string(), stores }
  }

  _process(step: Step, on: Handle) {
    return on.process(processorSupplier(step), { ...this.#processed(step), key: string() })
  }

  _processValues(step: Step, on: Handle) {
    return on.processValues(processorSupplier(step), this.#processed(step))
  }

  // ---------- topics

  _repartition(step: Step, on: Handle) {
    return on.repartition({
      ...strings,
      ...named(step),
      ...(step.partitions === undefined ? {} : { partitions: step.partitions }),
    })
  }

  _to(step: Step, on: Handle) {
    on.to(step.topic as string, {
      ...named(step),
      key: serdeOf(step.keySerde),
      value: serdeOf(step.valueSerde),
    })
  }

  _toDynamic(step: Step, on: Handle) {
    on.to(topicChooser(step.by!), { ...named(step), ...strings })
  }

  // ---------- groups, windows, folds

  _groupByKey(step: Step, on: Handle) {
    return on.groupByKey({ ...strings, ...named(step) })
  }

  _groupBy(step: Step, on: Handle) {
    const key = keyFunction(step.fn!)
    const options = { ...strings, ...named(step) }
    return on instanceof KTable
      ? on.groupBy((v: Handle, k: Handle) => [key(v, k), v] as Handle, options)
      : on.groupBy(key, options)
  }

  #windowed(on: Handle, windows: Handle, step: Step) {
    const windowed = on.windowedBy(windows)
    if (this.#cogroups.has(on)) this.#cogroups.add(windowed)
    return step.emit === 'close' ? windowed.emitStrategy('onWindowClose') : windowed
  }

  _tumbling(step: Step, on: Handle) {
    return this.#windowed(on, tumbling({ sizeMs: step.size!, graceMs: step.grace! }), step)
  }

  _hopping(step: Step, on: Handle) {
    const windows = { sizeMs: step.size!, advanceMs: step.advance!, graceMs: step.grace! }
    return this.#windowed(on, hopping(windows), step)
  }

  _sliding(step: Step, on: Handle) {
    return this.#windowed(on, sliding({ differenceMs: step.size!, graceMs: step.grace! }), step)
  }

  _session(step: Step, on: Handle) {
    return this.#windowed(on, session({ gapMs: step.gap!, graceMs: step.grace! }), step)
  }

  _cogroup(step: Step, on: Handle) {
    const add = aggregator(step.fn)
    const first = !this.#cogroups.has(on)
    let cogrouped = first ? on.cogroup({ initial, add, value: nullable(string()) }) : on
    if (step.with !== undefined) cogrouped = cogrouped.cogroup(this.#handle(step.with), add)
    this.#cogroups.add(cogrouped)
    return cogrouped
  }

  _count(step: Step, on: Handle) {
    return on.count(materialized(step, 'long'))
  }

  _reduce(step: Step, on: Handle) {
    const add = aggregator(step.fn)
    const options = materialized(step)
    return on instanceof KGroupedTable
      ? (on as Handle).reduce({ ...options, add, subtract })
      : on.reduce(add, options)
  }

  _aggregate(step: Step, on: Handle) {
    if (this.#cogroups.has(on)) {
      const { value: _, ...options } = materialized(step)
      return on.aggregate({ ...options, merge: mergeSessions })
    }
    return on.aggregate({
      ...materialized(step, 'nullable'),
      initial,
      add: aggregator(step.fn),
      subtract,
      merge: mergeSessions,
    })
  }

  // ---------- tables

  _toTable(step: Step, on: Handle) {
    return on.toTable(materialized(step))
  }

  _toStream(step: Step, on: Handle) {
    return on.toStream(named(step))
  }

  _suppressTime(step: Step, on: Handle) {
    return on.suppress({
      ...named(step),
      untilTimeLimitMs: step.limit!,
      ...(step.maxRecords === undefined ? {} : { maxRecords: step.maxRecords }),
      ...(step.maxBytes === undefined ? {} : { maxBytes: step.maxBytes }),
      ...(step.full === 'stop' ? { whenFull: 'shutDown' } : {}),
      ...(step.logging === false ? { logging: false } : {}),
    })
  }

  _suppressClose(step: Step, on: Handle) {
    return on.suppress({ ...named(step), until: 'windowCloses' })
  }

  // ---------- joins

  _join(step: Step, on: Handle) {
    return this.#join('join', step, on)
  }

  _leftJoin(step: Step, on: Handle) {
    return this.#join('leftJoin', step, on)
  }

  _outerJoin(step: Step, on: Handle) {
    return this.#join('outerJoin', step, on)
  }

  #join(kind: 'join' | 'leftJoin' | 'outerJoin', step: Step, on: Handle) {
    const other = this.#handle(step.with!)
    const join = joiner(step.withKey)
    const serdes = { key: string(), value: string(), otherValue: string() }
    if (on instanceof KTable) return (on as Handle)[kind](other, join, optionallyMaterialized(step))
    if (other instanceof GlobalKTable)
      return on[kind](other, keyFunction(step.fn!), join, named(step))
    if (other instanceof KStream)
      return on[kind](other, join, { ...serdes, ...this.#streamJoined(step) })
    const grace = step.grace === undefined ? {} : { graceMs: step.grace }
    return on[kind](other, join, { ...serdes, ...named(step), ...grace })
  }

  #streamJoined(step: Step) {
    const suppliers = { left: `${step.store}-left`, right: `${step.store}-right` }
    return {
      ...named(step),
      within: { beforeMs: step.before!, afterMs: step.after!, graceMs: step.grace! },
      ...(step.store === undefined ? {} : { store: step.store }),
      ...(step.inMemory ? { engine: 'memory', stores: suppliers } : {}),
      ...(step.logging === false ? { logging: false } : {}),
    }
  }

  _fkJoin(step: Step, on: Handle) {
    return this.#foreignKeyJoin('join', step, on)
  }

  _fkLeftJoin(step: Step, on: Handle) {
    return this.#foreignKeyJoin('leftJoin', step, on)
  }

  #foreignKeyJoin(kind: 'join' | 'leftJoin', step: Step, on: Handle) {
    const foreignKey = keyFunction(step.fn!)
    return on[kind](
      this.#handle(step.with!),
      (value: CaseValue) => foreignKey(value, null),
      joiner(step.withKey),
      materialized(step),
    )
  }
}

/** The steps of a case that builds its topology by hand. */
function lowLevel(vector: VectorCase): Topology<any> {
  const topology = new Topology()
  for (const step of vector.steps) {
    switch (step.op) {
      case 'addSource':
        topology.addSource(step.name!, step.topics!, nullableStrings as Handle)
        break
      case 'addProcessor':
        topology.addProcessor(step.name!, processorSupplier(step) as Handle, {
          parents: step.parents!,
        })
        break
      case 'addStore':
        topology.addStateStore(step.store!, storeBuilder(step), step.processors)
        break
      case 'addSink':
        topology.addSink(
          step.name!,
          step.by === undefined ? (step.topic as string) : (topicChooser(step.by) as Handle),
          { parents: step.parents!, ...strings },
        )
        break
      default:
        throw new Error(`unknown step ${step.op}`)
    }
  }
  return topology
}

/** Builds the topology of a case. @throws where a step is unknown or refused. */
export function buildTopology(vector: VectorCase): Topology<any> {
  if (vector.api === 'topology') return lowLevel(vector)
  const steps = new Steps(vector)
  for (const step of vector.steps) steps.run(step)
  return steps.builder.build()
}
