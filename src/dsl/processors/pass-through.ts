// Nodes that hand records on as they are, or drop those without a key in front of a repartition.
import type { NodeSupplier } from '../../topology/processor.js'

/** Forwards every record: merges, branches, the end of a cogroup. */
export const passThrough: NodeSupplier = (context) => ({
  process: (record) => context.forward(record),
})

/** Drops records without a key, which no partition could take by key. They are not counted. */
export const keyNotNull: NodeSupplier = (context) => ({
  process(record) {
    if (record.key !== null && record.key !== undefined) return context.forward(record)
  },
})
