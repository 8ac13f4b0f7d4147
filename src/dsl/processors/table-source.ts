// A stream read as updates of a table: offset order wins, also over later times (semantics 6.4 to 6.6).
import type { NodeSupplier } from '../../topology/processor.js'
import type { SendsOldValues } from './operator-options.js'
import { resultWriter, type ResultStore } from './table-store.js'

export interface TableSourceOptions extends SendsOldValues {
  /** Whether the table keeps its rows is decided when the graph is complete. */
  readonly store: () => ResultStore | undefined
}

/** Keeps rows where there is a store, and forwards every input as a change; null keys are dropped. */
export const tableSource =
  (options: TableSourceOptions): NodeSupplier =>
  (context) => {
    const sendOld = options.sendsOldValues()
    const result = resultWriter(context, options.store(), sendOld)
    return {
      process(record) {
        const { key, value } = record
        if (key === null || key === undefined) return context.drop('null key')
        return result.write(record, value, sendOld ? result.old(key) : null, true)
      },
    }
  }
