// `suppress` of tables: which node and buffer it adds, and how long it waits (semantics 13).
import { checkedMs } from '../clock.js'
import { TopologyError } from '../errors.js'
import { suppressBufferSpec } from '../state/specs.js'
import { checkedName } from '../topology/names.js'
import { GraphNode } from './graph/graph-node.js'
import { neededRef, refsNote } from './graph/serde-ref.js'
import type { UntilTimeLimit, UntilWindowCloses } from './options.js'
import { suppress, suppressLookup } from './processors/suppress.js'
import { OldValues, type TableState } from './table-state.js'

/** How long windows above this node wait for late records. @throws TopologyError when there are none */
function closeWait(node: GraphNode, name: string): number {
  const waits: number[] = []
  const visit = (at: GraphNode): void => {
    if (at.traits.closeWaitMs !== undefined) waits.push(at.traits.closeWaitMs)
    else for (const parent of at.parents) visit(parent)
  }
  visit(node)
  if (waits.length === 0)
    throw new TopologyError(
      `${name}: only windowed tables close; use \`untilTimeLimitMs\`, or group by windows first`,
      { node: name },
    )
  return Math.max(...waits)
}

function limits(o: UntilTimeLimit | UntilWindowCloses, untilClose: boolean) {
  const { maxRecords, maxBytes } = o
  const whenFull: unknown = o.whenFull
  if (whenFull !== undefined && whenFull !== 'emitEarly' && whenFull !== 'shutDown')
    throw new TypeError(`whenFull must be 'emitEarly' or 'shutDown', not ${String(whenFull)}`)
  for (const [field, value] of Object.entries({ maxRecords, maxBytes }))
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0))
      throw new TypeError(`${field} must be a whole number, not ${value}`)
  if (untilClose && whenFull === 'emitEarly')
    throw new TypeError(
      `a buffer that waits for windows to close cannot emit early: use 'shutDown'`,
    )
  return {
    maxRecords: maxRecords ?? Infinity,
    maxBytes: maxBytes ?? Infinity,
    whenFull: o.whenFull ?? (untilClose ? ('shutDown' as const) : ('emitEarly' as const)),
  }
}

export function suppressTable(
  table: TableState,
  o: UntilTimeLimit | UntilWindowCloses,
): TableState {
  const { graph } = table
  const name =
    o.name === undefined ? graph.newName('KTABLE-SUPPRESS-') : checkedName(o.name, 'node name')
  const store = o.name === undefined ? graph.newStoreName('KTABLE-SUPPRESS-') : `${name}-store`
  const until = 'until' in o ? o.until : undefined
  const untilClose = until === 'windowCloses'
  if (until !== undefined && !untilClose)
    throw new TypeError(`until must be 'windowCloses', not ${String(until)}`)
  const waitMs = untilClose
    ? closeWait(table.node, name)
    : checkedMs((o as UntilTimeLimit).untilTimeLimitMs, 'untilTimeLimitMs', 0)
  if (table.node.versionedOutput)
    throw new TopologyError(`${name}: versioned tables cannot be suppressed`, { node: name })
  const options = {
    store,
    until: untilClose ? ('windowCloses' as const) : ('timeLimit' as const),
    waitMs,
    ...limits(o, untilClose),
  }
  const key = graph.key(table.key)
  const value = graph.value(table.value)
  table.oldValues.ask(true)
  const node = new GraphNode(
    name,
    (out, parents) => {
      out.addProcessor(name, suppress(options), parents)
      const logging = o.logging ?? {}
      const spec = suppressBufferSpec({
        name: store,
        key: neededRef(key, name, 'key'),
        value: neededRef(value, name, 'value'),
        logging,
      })
      out.addStore(spec, spec, [name])
      out.addNotes(name, [refsNote({ key, value }, store)])
      if (o.name === undefined && logging !== false)
        out.addGeneratedName({ kind: 'changelog', name: store, node: name, remedy: '`name`' })
    },
    { outputVersioned: false },
  )
  graph.add(table.node, node)
  const lookup = () => suppressLookup(store, table.lookup())
  const oldValues = new OldValues((force) => table.oldValues.ask(force))
  return { ...table, node, name, storeName: undefined, lookup, oldValues }
}
