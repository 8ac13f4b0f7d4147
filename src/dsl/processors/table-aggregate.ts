// count, reduce and aggregate of a grouped table (KTableAggregate, KTableReduce): what a row was is
// subtracted before what it is now is added.
import type { LiveRow } from '../../state/live-row.js'
import type { NodeContext, NodeProcessor, NodeSupplier } from '../../topology/processor.js'
import type { FlowRecord } from '../../topology/stream-record.js'
import { Change } from '../change.js'
import { checked } from './checked.js'
import { isForeign, type Folder } from './fold.js'
import { foldRows, type FoldRows } from './fold-rows.js'
import { forwardFlushed } from './flush-forward.js'
import type { TableAggregateOptions } from './operator-options.js'

type Subtract = (accumulator: any, value: any, key: any) => unknown

/**
 * Folds records whose value is a `Change` of the values to add and to subtract. The time of the
 * result is the larger of the record's and the stored one's where something was subtracted from, or
 * added to, a stored accumulator, else the record's (semantics 11.7).
 *
 * @example
 * tableAggregate({ store: 'counts', versioned: false, fold: { kind: 'count' }, sendsOldValues: () => false })
 */
export const tableAggregate =
  (options: TableAggregateOptions): NodeSupplier =>
  (context) =>
    new TableAggregateProcessor(context, options)

const foldersOf = ({ fold }: TableAggregateOptions): [Folder, Subtract] => {
  switch (fold.kind) {
    case 'count':
      return [
        { initial: () => 0, add: (count: number) => count + 1, callback: 'count' },
        (count: number) => count - 1,
      ]
    case 'reduce':
      return [{ initial: undefined, add: fold.add, callback: 'add callback' }, fold.subtract]
    case 'aggregate':
      return [{ initial: fold.initial, add: fold.add, callback: 'add callback' }, fold.subtract]
  }
}

class TableAggregateProcessor implements NodeProcessor {
  readonly #context: NodeContext
  readonly #rows: FoldRows
  readonly #folder: Folder
  readonly #subtract: Subtract
  readonly #cached: boolean
  readonly #keepsOld: boolean

  constructor(context: NodeContext, options: TableAggregateOptions) {
    this.#context = context
    this.#rows = foldRows(context.store(options.store), options.versioned)
    ;[this.#folder, this.#subtract] = foldersOf(options)
    this.#cached = this.#rows.cached
    const oldValues = options.sendsOldValues()
    this.#keepsOld = oldValues && !this.#cached
    if (this.#cached) this.#rows.onFlush(forwardFlushed(context), { oldValues })
  }

  process(record: FlowRecord<unknown, Change>): void | Promise<void> {
    const { key, value: change } = record
    const rows = this.#rows
    const row = rows.row(key)
    const oldValue = this.#keepsOld && row !== undefined ? rows.copyOf(row) : null
    let { timestampMs } = record
    if (row !== undefined && row.timestampMs > timestampMs && touches(change))
      timestampMs = row.timestampMs
    let newValue = this.#fold(row, change, key)
    if (isForeign(newValue, change.newValue))
      newValue = rows.copyOf({ value: newValue, timestampMs })
    const written = rows.write(key, newValue, timestampMs)
    if (this.#cached || written === 'refused') return
    const update = new Change(newValue, oldValue, written !== 'older')
    return this.#context.forward(record.with(key, update, timestampMs))
  }

  #fold(row: LiveRow<unknown> | undefined, change: Change, key: unknown): unknown {
    if (row === undefined) return this.#add(null, change.newValue, key)
    this.#rows.protect(row)
    try {
      return this.#add(this.#subtracted(row.value, change.oldValue, key), change.newValue, key)
    } catch (error) {
      this.#rows.undo(row)
      throw error
    }
  }

  #subtracted(accumulator: unknown, value: unknown, key: unknown): unknown {
    if (value === null) return accumulator
    const { nodeName } = this.#context
    return checked(this.#subtract(accumulator, value, key), nodeName, 'subtract callback')
  }

  #add(accumulator: unknown, value: unknown, key: unknown): unknown {
    if (value === null) return accumulator
    const { initial, add, callback } = this.#folder
    if (accumulator === null && initial === undefined) return value
    const from = accumulator === null && initial ? initial() : accumulator
    return checked(add(from, value, key), this.#context.nodeName, callback)
  }
}

/** Whether a change adds or subtracts anything. */
const touches = (change: Change): boolean => change.newValue !== null || change.oldValue !== null
