// Keeps the records for which a predicate holds, or those for which it does not.
import type { NodeSupplier } from '../../topology/processor.js'
import { holds } from './checked.js'

export type Predicate = (value: any, key: any, record: any) => unknown

/** Forwards the record itself. */
export const filter =
  (predicate: Predicate, keep = true): NodeSupplier =>
  (context) => ({
    process(record) {
      const result = predicate(record.value, record.key, record)
      if (holds(result, context.nodeName) === keep) return context.forward(record)
    },
  })
