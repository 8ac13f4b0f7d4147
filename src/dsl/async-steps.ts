// The asynchronous operators of streams: their nodes, options and defaults.
import { GraphNode } from './graph/graph-node.js'
import { given } from './graph/serde-ref.js'
import type { AsyncOptions, MappedValue } from './options.js'
import {
  asyncCall,
  longestCallMs,
  type AsyncCallback,
  type AsyncResult,
} from './processors/async-call.js'
import type { AsyncCallOptions } from './processors/operator-options.js'
import type { StreamState } from './stream-state.js'

const asyncDefaults: AsyncCallOptions = {
  concurrency: 16,
  order: 'key',
  timeoutMs: 5000,
  attempts: 1,
}

/** `mapValuesAsync`, `filterAsync` and `forEachAsync`: one index each. */
export function callAsync(
  state: StreamState,
  callback: AsyncCallback,
  result: AsyncResult,
  o: AsyncOptions & MappedValue<any> = {},
): StreamState {
  const prefix = {
    value: 'KSTREAM-MAPVALUES-ASYNC-',
    predicate: 'KSTREAM-FILTER-ASYNC-',
    ignored: 'KSTREAM-FOREACH-ASYNC-',
  }[result]
  const name = state.graph.nameOr(o.name, prefix)
  const options = checkedAsync({
    concurrency: o.concurrency ?? asyncDefaults.concurrency,
    order: o.order ?? asyncDefaults.order,
    timeoutMs: o.timeoutMs ?? asyncDefaults.timeoutMs,
    attempts: o.retry?.attempts ?? asyncDefaults.attempts,
  })
  const supplier = asyncCall(callback, result, options)
  const node = new GraphNode(
    name,
    (out, parents) => {
      out.addProcessor(name, supplier, parents)
      out.addAsyncWait({ node: name, longestMs: longestCallMs(options) })
    },
    { valueChanging: result === 'value' },
  )
  state.graph.add(state.node, node)
  const value = result === 'value' ? given(o.value) : state.value
  return { ...state, node, name, value, joinRepartition: undefined }
}

function checkedAsync(o: AsyncCallOptions): AsyncCallOptions {
  for (const field of ['concurrency', 'timeoutMs', 'attempts'] as const)
    if (!Number.isSafeInteger(o[field]) || o[field] < 1)
      throw new TypeError(`${field} must be a whole number above 0, not ${String(o[field])}`)
  if (!['key', 'partition', 'none'].includes(o.order))
    throw new TypeError(`order must be 'key', 'partition' or 'none', not ${String(o.order)}`)
  return o
}
