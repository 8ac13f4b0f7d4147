// Hands a record to the first child whose predicate holds; others are not asked (semantics 4.5).
import type { NodeSupplier } from '../../topology/processor.js'
import { holds } from './checked.js'
import type { Predicate } from './filter.js'

export interface Branch {
  /** The name of the child node. */
  readonly child: string
  /** Absent for the default branch. */
  readonly predicate: Predicate | undefined
}

/** `branches` may still grow until the topology is built; a record that fits none is dropped silently. */
export const branch =
  (branches: readonly Branch[]): NodeSupplier =>
  (context) => {
    const node = context.nodeName
    return {
      process(record) {
        for (let i = 0; i < branches.length; i++) {
          const { child, predicate } = branches[i]!
          if (predicate === undefined || holds(predicate(record.value, record.key, record), node))
            return context.forward(record, child)
        }
      },
    }
  }
