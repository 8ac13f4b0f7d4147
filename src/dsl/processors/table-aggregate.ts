// count, reduce and aggregate of a grouped table (KTableAggregate, KTableReduce): what a row was is
// subtracted before what it is now is added.
import type { LiveRow } from '../../state/live-row.js'
import type { NodeContext, NodeProcessor, NodeSupplier } from '../../topology/processor.js'
import type { FlowRecord } from '../../topology/stream-record.js'
import { Change } from '../change.js'
import { FoldCalls, isForeign, isObject, type Folder } from './fold.js'
import { foldFlushed, foldRows, type FoldRows } from './fold-rows.js'
import type { TableAggregateOptions } from './operator-options.js'

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

const foldersOf = ({ fold }: TableAggregateOptions): [add: Folder, subtract: Folder] => {
  if (fold.kind === 'count')
    return [
      { initial: () => 0, add: (count: number) => count + 1, callback: 'count' },
      { initial: undefined, add: (count: number) => count - 1, callback: 'count' },
    ]
  const initial = fold.kind === 'aggregate' ? fold.initial : undefined
  return [
    { initial, add: fold.add, callback: 'add callback' },
    { initial: undefined, add: fold.subtract, callback: 'subtract callback' },
  ]
}

class TableAggregateProcessor implements NodeProcessor {
  readonly #context: NodeContext
  readonly #rows: FoldRows
  readonly #adds: FoldCalls
  readonly #subtracts: FoldCalls
  readonly #cached: boolean
  readonly #keepsOld: boolean

  constructor(context: NodeContext, options: TableAggregateOptions) {
    const [adds, subtracts] = foldersOf(options)
    this.#context = context
    const store = context.store(options.store)
    this.#rows = foldRows(store, options.versioned)
    this.#adds = new FoldCalls(adds, context.nodeName, store)
    this.#subtracts = new FoldCalls(subtracts, context.nodeName, store)
    this.#cached = this.#rows.cached
    const oldValues = options.sendsOldValues()
    this.#keepsOld = oldValues && !this.#cached
    if (this.#cached) {
      const listener = foldFlushed(context, this.#rows, this.#adds)
      this.#rows.onFlush(listener, { oldValues })
    }
  }

  process(record: FlowRecord<unknown, Change>): void | Promise<void> {
    const { key, value: change } = record
    const rows = this.#rows
    const row = rows.row(key)
    const oldValue: unknown = this.#keepsOld && row !== undefined ? rows.copyOf(row) : null
    let { timestampMs } = record
    if (row !== undefined && row.timestampMs > timestampMs && touches(change))
      timestampMs = row.timestampMs
    let newValue = this.#fold(row, change, key)
    const kept = isForeign(newValue, change.newValue)
      ? rows.copyOf({ value: newValue, timestampMs })
      : newValue
    const written = rows.write(key, kept, timestampMs)
    if (this.#cached || written === 'refused') return
    if (isObject(newValue) && this.#adds.inPlace)
      newValue = rows.copyOf({ value: kept, timestampMs })
    const update = new Change(newValue, oldValue, written !== 'older')
    return this.#context.forward(record.with(key, update, timestampMs))
  }

  #fold(row: LiveRow<unknown> | undefined, change: Change, key: unknown): unknown {
    if (row === undefined) return this.#add(null, change.newValue, key)
    this.#rows.protect(row)
    try {
      const { oldValue } = change
      const rest = oldValue === null ? row.value : this.#subtracts.add(row.value, oldValue, key)
      return this.#add(rest, change.newValue, key)
    } catch (error) {
      this.#rows.undo(row)
      throw error
    }
  }

  #add(accumulator: unknown, value: unknown, key: unknown): unknown {
    if (value === null) return accumulator
    return accumulator === null
      ? this.#adds.first(value, key)
      : this.#adds.add(accumulator, value, key)
  }
}

/** Whether a change adds or subtracts anything. */
const touches = (change: Change): boolean => change.newValue !== null || change.oldValue !== null
