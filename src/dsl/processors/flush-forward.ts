// How what a record cache held back goes on: under the context of the update that was last.
import { HeaderList } from '../../serde/record-headers.js'
import type { FlushListener } from '../../state/live-row.js'
import type { NodeContext } from '../../topology/processor.js'
import { FlowRecord } from '../../topology/stream-record.js'
import { Change } from '../change.js'

/** Forwards a record as if the node were processing it now. */
export function forwardUnder(context: NodeContext): (record: FlowRecord) => void | Promise<void> {
  let current: FlowRecord | undefined
  const action = (): void | Promise<void> => context.forward(current!)
  return (record) => {
    current = record
    return context.under(record, action)
  }
}

/** The listener of a key-value store's cache. */
export function forwardFlushed(context: NodeContext): FlushListener<any, any> {
  const forward = forwardUnder(context)
  return (key, newValue, oldValue, timestampMs, { headers, metadata }) =>
    forward(
      new FlowRecord(
        key,
        new Change(newValue, oldValue),
        timestampMs,
        new HeaderList(headers),
        metadata,
      ),
    )
}
