// The updates of a table as a stream: new values, tombstones as null.
import type { NodeSupplier } from '../../topology/processor.js'
import type { FlowRecord } from '../../topology/stream-record.js'
import type { Change } from '../change.js'

export const toStream: NodeSupplier = (context) => ({
  process: (record: FlowRecord<unknown, Change>) =>
    context.forward(record.withValue(record.value.newValue)),
})
