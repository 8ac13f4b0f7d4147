// How operators look rows of a table up: in its store, or through operators that keep none, by
// asking the parent and applying the function on the fly (semantics 6.2).
import type { KeyValueRows } from '../../state/key-value-rows.js'
import type { SessionRows } from '../../state/session-rows.js'
import type { VersionedRows } from '../../state/versioned-rows.js'
import type { WindowRows } from '../../state/window-rows.js'
import type { NodeContext } from '../../topology/processor.js'

/** A row; good until the next call on its store. */
export interface TableRow {
  readonly value: any
  readonly timestampMs: number
}

/** Looks rows up inside a task. */
export interface TableReader {
  get(key: any): TableRow | undefined
  /** Of versioned tables: the row valid at a time. */
  readonly getAsOf?: ((key: any, atMs: number) => TableRow | undefined) | undefined
}

/** A table as operators look into it. */
export interface TableLookup {
  /** The stores that a node which looks up must be connected to. */
  readonly stores: readonly string[]
  open(context: NodeContext): TableReader
}

/** Rows of a source table: what was read is what is kept. */
export const keyValueLookup = (store: string): TableLookup => ({
  stores: [store],
  open(context) {
    const rows = context.store(store) as KeyValueRows<any, any>
    return { get: (key) => rows.row(key) }
  },
})

/** Rows of an aggregation: copies, because an aggregator may change the live value in place. */
export const aggregateLookup = (store: string): TableLookup => ({
  stores: [store],
  open(context) {
    const rows = context.store(store) as KeyValueRows<any, any>
    return {
      get(key) {
        const row = rows.row(key)
        return row === undefined
          ? undefined
          : { value: rows.copyOf(row), timestampMs: row.timestampMs }
      },
    }
  },
})

/** Versions of a source table, or of an aggregation in a versioned store. */
export const versionedLookup = (store: string): TableLookup => ({
  stores: [store],
  open(context) {
    const rows = context.store(store) as VersionedRows<any, any>
    return { get: (key) => rows.row(key), getAsOf: (key, atMs) => rows.rowAt(key, atMs) }
  },
})

/** Rows of time and sliding windows by windowed key. */
export const windowLookup = (store: string): TableLookup => ({
  stores: [store],
  open(context) {
    const rows = context.store(store) as WindowRows<any, any>
    return {
      get(key) {
        const row = rows.row(key.key, key.startMs)
        return row === undefined
          ? undefined
          : { value: rows.copyOf(row), timestampMs: row.timestampMs }
      },
    }
  },
})

/** Sessions by windowed key; their time is the end of the session. */
export const sessionLookup = (store: string): TableLookup => ({
  stores: [store],
  open(context) {
    const rows = context.store(store) as SessionRows<any, any>
    return {
      get(key) {
        const row = rows.row(key.key, key.startMs, key.endMs)
        return row === undefined ? undefined : { value: rows.copyOf(row), timestampMs: key.endMs }
      },
    }
  },
})
