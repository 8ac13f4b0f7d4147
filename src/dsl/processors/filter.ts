// Keeps the records for which a predicate holds, or those for which it does not.
import type { NodeSupplier } from '../../topology/processor.js'
import { holds } from './checked.js'

export type Predicate = (value: any, key: any, record: any) => unknown

/** Forwards a copy, as in Java: what happens to its headers below is not seen beside. */
export const filter =
  (predicate: Predicate, keep = true): NodeSupplier =>
  (context) => ({
    process(record) {
      const result = predicate(record.value, record.key, record)
      if (holds(result, context.nodeName) === keep)
        return context.forward(record.withValue(record.value))
    },
  })
