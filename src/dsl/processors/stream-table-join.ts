// Looks a stream record's partner up in a table: by its own key, or in a global table by any key
// (semantics 9). Only stream records trigger output.
import type { NodeSupplier } from '../../topology/processor.js'
import { checked } from './checked.js'
import type { AnyMapper } from './map.js'
import type { ValueJoin } from './operator-options.js'
import type { TableLookup } from './table-lookup.js'

export interface StreamTableJoinOptions {
  readonly left: boolean
  readonly join: ValueJoin
  readonly table: TableLookup
}

/** A versioned table is asked for the row valid at the stream record's time. */
export const streamTableJoin =
  ({ left, join, table }: StreamTableJoinOptions): NodeSupplier =>
  (context) => {
    const node = context.nodeName
    const { get, getAsOf } = table.open(context)
    return {
      process(record) {
        const { key, value, timestampMs } = record
        if (value === null) return context.drop('null value')
        if (key === null && !left) return context.drop('null key')
        const row =
          key === null ? undefined : getAsOf === undefined ? get(key) : getAsOf(key, timestampMs)
        if (row === undefined && !left) return
        const result = checked(join(value, row?.value ?? null, key), node, 'joiner')
        return context.forward(record.withValue(result))
      },
    }
  }

export interface StreamGlobalJoinOptions extends StreamTableJoinOptions {
  readonly selector: AnyMapper
}

/** The selector is called before the value is looked at, so it sees null values too. */
export const streamGlobalJoin =
  ({ left, join, table, selector }: StreamGlobalJoinOptions): NodeSupplier =>
  (context) => {
    const node = context.nodeName
    const { get } = table.open(context)
    return {
      process(record) {
        const { key, value } = record
        const tableKey = checked(selector(value, key, record), node, 'key selector')
        if (value === null) return context.drop('null value')
        if (tableKey === null && !left) return context.drop('null key')
        const row = tableKey === null ? undefined : get(tableKey)
        if (row === undefined && !left) return
        const result = checked(join(value, row?.value ?? null, key), node, 'joiner')
        return context.forward(record.withValue(result))
      },
    }
  }
