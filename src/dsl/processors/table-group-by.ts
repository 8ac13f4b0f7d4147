// Regroups a table: what a row was leaves its group, what it is now enters one (semantics 11.7).
import { ProcessingError } from '../../errors.js'
import { recordHeaders } from '../../serde/record-headers.js'
import type { Serde } from '../../serde/serde.js'
import type { NodeSupplier } from '../../topology/processor.js'
import type { FlowRecord } from '../../topology/stream-record.js'
import { Change } from '../change.js'
import { checkedPair } from './map.js'

type Pair = readonly [key: unknown, value: unknown]

export interface TableGroupByOptions {
  readonly selector: (value: any, key: any) => unknown
  /** For comparing keys that are objects. */
  readonly key: Serde<any>
  /** Out-of-order updates of a versioned table are skipped. */
  readonly versioned: () => boolean
}

/** Forwards one message where the group stays, else the old half before the new one. */
export const tableGroupBy =
  (options: TableGroupByOptions): NodeSupplier =>
  (context) => {
    const node = context.nodeName
    const versioned = options.versioned()
    const select = (value: unknown, key: unknown): Pair | null => {
      if (value === null) return null
      const pair = options.selector(value, key)
      if (pair === null) return null
      const [newKey, newValue] = checkedPair(pair, node, 'selector')
      return newKey === null || newValue === null ? null : [newKey, newValue]
    }
    return {
      process(record: FlowRecord<unknown, Change>) {
        const { key, value: change, timestampMs } = record
        if (key === null)
          throw new ProcessingError(`${node}: a row to be grouped has no key`, { node })
        if (versioned && !change.isLatest) return
        const after = select(change.newValue, key)
        const before = select(change.oldValue, key)
        if (after !== null && before !== null && sameKey(after[0], before[0], options.key))
          return context.forward(
            record.with(after[0], new Change(after[1], before[1]), timestampMs),
          )
        const sent =
          before === null
            ? undefined
            : context.forward(record.with(before[0], new Change(null, before[1]), timestampMs))
        if (after === null) return sent
        const entering = record.with(after[0], new Change(after[1], null), timestampMs)
        return sent === undefined
          ? context.forward(entering)
          : sent.then(() => context.forward(entering))
      },
    }
  }

function sameKey(a: unknown, b: unknown, serde: Serde<any>): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object') return false
  const bytes = serde.serialize(a, '', recordHeaders())
  return Buffer.compare(bytes, serde.serialize(b, '', recordHeaders())) === 0
}
