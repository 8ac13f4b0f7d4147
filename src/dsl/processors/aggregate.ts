// count, reduce and aggregate of a grouped stream without windows (KStreamAggregate, KStreamReduce),
// also one input of a cogroup: several such nodes then share the store.
import type { LiveRow } from '../../state/live-row.js'
import type { NodeContext, NodeProcessor, NodeSupplier } from '../../topology/processor.js'
import type { FlowRecord } from '../../topology/stream-record.js'
import { Change } from '../change.js'
import { checked } from './checked.js'
import { folderOf, isForeign, type Folder } from './fold.js'
import { foldRows, type FoldRows } from './fold-rows.js'
import { forwardFlushed } from './flush-forward.js'
import type { AggregateOptions } from './operator-options.js'

/**
 * Folds the values of each key and forwards the new accumulator for each accepted record, or, with
 * a record cache, the last one at each flush. Null keys and values are dropped; the result's time is
 * the larger of the record's and the stored one's; a null result deletes and is forwarded
 * (semantics 11).
 *
 * @example
 * aggregate({ store: 'counts', versioned: false, fold: { kind: 'count' }, sendsOldValues: () => false })
 */
export const aggregate =
  (options: AggregateOptions): NodeSupplier =>
  (context) =>
    new AggregateProcessor(context, options)

class AggregateProcessor implements NodeProcessor {
  readonly #context: NodeContext
  readonly #rows: FoldRows
  readonly #folder: Folder
  readonly #cached: boolean
  /** Whether old values are found here; with a cache the store has them. */
  readonly #keepsOld: boolean

  constructor(context: NodeContext, options: AggregateOptions) {
    this.#context = context
    this.#rows = foldRows(context.store(options.store), options.versioned)
    this.#folder = folderOf(options.fold)
    this.#cached = this.#rows.cached
    const oldValues = options.sendsOldValues()
    this.#keepsOld = oldValues && !this.#cached
    if (this.#cached) this.#rows.onFlush(forwardFlushed(context), { oldValues })
  }

  process(record: FlowRecord): void | Promise<void> {
    const { key, value } = record
    if (key === null || key === undefined) return this.#context.drop('null key')
    if (value === null || value === undefined) return this.#context.drop('null value')
    const rows = this.#rows
    const row = rows.row(key)
    let { timestampMs } = record
    let oldValue: unknown = null
    let newValue: unknown
    if (row === undefined) {
      // Kafka Streams passes the initial value on as the old one (semantics 11.4).
      if (this.#keepsOld && this.#folder.initial) oldValue = this.#folder.initial()
      newValue = this.#first(key, value)
    } else {
      if (row.timestampMs > timestampMs) timestampMs = row.timestampMs
      if (this.#keepsOld) oldValue = rows.copyOf(row)
      newValue = this.#next(row, key, value)
    }
    if (isForeign(newValue, value)) newValue = rows.copyOf({ value: newValue, timestampMs })
    const written = rows.write(key, newValue, timestampMs)
    if (this.#cached || written === 'refused') return
    const change = new Change(newValue, oldValue, written !== 'older')
    return this.#context.forward(record.with(key, change, timestampMs))
  }

  #first(key: unknown, value: unknown): unknown {
    const { initial, add, callback } = this.#folder
    if (initial === undefined) return value
    return checked(add(initial(), value, key), this.#context.nodeName, callback)
  }

  #next(row: LiveRow<unknown>, key: unknown, value: unknown): unknown {
    const { add, callback } = this.#folder
    this.#rows.protect(row)
    try {
      return checked(add(row.value, value, key), this.#context.nodeName, callback)
    } catch (error) {
      this.#rows.undo(row)
      throw error
    }
  }
}
