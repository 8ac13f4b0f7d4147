// Writes a table operator's result to its store, if it has one, and forwards the change: at once, or
// when the record cache is flushed. Shared by all operators whose result is one row per key.
import type { KeyValueRows } from '../../state/key-value-rows.js'
import type { VersionedRows } from '../../state/versioned-rows.js'
import type { NodeContext } from '../../topology/processor.js'
import type { FlowRecord } from '../../topology/stream-record.js'
import { Change } from '../change.js'
import { forwardFlushed } from './flush-forward.js'

export interface ResultStore {
  readonly name: string
  readonly versioned: boolean
}

/** Where a result goes. */
export interface ResultWriter {
  /** The stored value before a write, null where there is none or none is kept. */
  old(key: unknown): unknown
  /** `isLatest` is the input's; a versioned store decides it anew. */
  write(
    record: FlowRecord,
    newValue: unknown,
    oldValue: unknown,
    isLatest: boolean,
  ): void | Promise<void>
}

/** `sendOld` is whether downstream reads old values. */
export function resultWriter(
  context: NodeContext,
  store: ResultStore | undefined,
  sendOld: boolean,
): ResultWriter {
  if (store === undefined)
    return {
      old: () => null,
      write: (record, newValue, oldValue, isLatest) =>
        context.forward(
          record.withValue(new Change(newValue, sendOld ? oldValue : null, isLatest)),
        ),
    }
  return store.versioned
    ? versionedWriter(context, store.name, sendOld)
    : plainWriter(context, store.name, sendOld)
}

function plainWriter(context: NodeContext, name: string, sendOld: boolean): ResultWriter {
  const rows = context.store(name) as KeyValueRows<unknown, unknown>
  const { cached } = rows
  if (cached) rows.onFlush(forwardFlushed(context), { oldValues: sendOld })
  return {
    old: (key) => rows.row(key)?.value ?? null,
    write(record, newValue, oldValue) {
      rows.write(record.key, newValue, record.timestampMs)
      if (!cached)
        return context.forward(record.withValue(new Change(newValue, sendOld ? oldValue : null)))
    },
  }
}

function versionedWriter(context: NodeContext, name: string, sendOld: boolean): ResultWriter {
  const rows = context.store(name) as VersionedRows<unknown, unknown>
  return {
    old: (key) => rows.row(key)?.value ?? null,
    write(record, newValue, oldValue) {
      const written = rows.write(record.key, newValue, record.timestampMs)
      if (written === 'refused') return
      const change = new Change(newValue, sendOld ? oldValue : null, written === 'latest')
      return context.forward(record.withValue(change))
    },
  }
}
