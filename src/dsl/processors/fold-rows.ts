// The rows of a fold without windows: a plain store, or a versioned one made to look like it.
import type { KeyValueRows } from '../../state/key-value-rows.js'
import type { FlushListener, FlushOptions, LiveRow } from '../../state/live-row.js'
import type { TaskStore } from '../../state/state-store.js'
import type { VersionedRows } from '../../state/versioned-rows.js'
import type { NodeContext } from '../../topology/processor.js'
import { forwardFlushed } from './flush-forward.js'
import { isObject, type FoldCalls } from './fold.js'

/** What folds need of their store. */
export interface FoldRows {
  readonly cached: boolean
  row(key: unknown): LiveRow<any> | undefined
  protect(row: LiveRow<any>): void
  undo(row: LiveRow<any>): void
  copyOf(row: LiveRow<any>): any
  write(key: unknown, value: unknown, timestampMs: number): void | 'latest' | 'older' | 'refused'
  onFlush(listener: FlushListener<any, any>, options: FlushOptions): void
}

/** The store behind a fold. */
export const foldRows = (store: TaskStore, versioned: boolean): FoldRows =>
  versioned
    ? new VersionedFoldRows(store as VersionedRows<unknown, unknown>)
    : (store as KeyValueRows<unknown, unknown>)

/** The listener of a fold's cache: forwards what is flushed, and never the live object of a fold in place. */
export const foldFlushed = (
  context: NodeContext,
  rows: Pick<FoldRows, 'copyOf'>,
  fold: FoldCalls,
): FlushListener<any, any> => {
  const forward = forwardFlushed(context)
  return (key, newValue, oldValue, timestampMs, updated) => {
    const copies = isObject(newValue) && fold.inPlace
    const value: unknown = copies ? rows.copyOf({ value: newValue, timestampMs }) : newValue
    return forward(key, value, oldValue, timestampMs, updated)
  }
}

/** Gives copies of the latest version to callbacks, so that there is nothing to undo. */
class VersionedFoldRows implements FoldRows {
  readonly cached = false
  readonly #rows: VersionedRows<unknown, unknown>

  constructor(rows: VersionedRows<unknown, unknown>) {
    this.#rows = rows
  }

  row(key: unknown): LiveRow<unknown> | undefined {
    const row = this.#rows.row(key)
    return row && { value: this.#rows.copyOf(row), timestampMs: row.timestampMs }
  }

  copyOf(row: LiveRow<unknown>): unknown {
    return this.#rows.copyOf(row)
  }

  write(key: unknown, value: unknown, timestampMs: number): 'latest' | 'older' | 'refused' {
    return this.#rows.write(key, value, timestampMs)
  }

  protect(): void {}
  undo(): void {}
  onFlush(): void {}
}
