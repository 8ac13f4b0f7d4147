// count, reduce and aggregate of a grouped stream without windows (KStreamAggregate, KStreamReduce),
// also one input of a cogroup: several such nodes then share the store.
import type { NodeContext, NodeProcessor, NodeSupplier } from '../../topology/processor.js'
import type { FlowRecord } from '../../topology/stream-record.js'
import { Change } from '../change.js'
import { FoldCalls, folderOf, isForeign, isObject } from './fold.js'
import { foldFlushed, foldRows, type FoldRows } from './fold-rows.js'
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
  readonly ignoresValues: boolean
  readonly forgetsRecords: boolean
  readonly #context: NodeContext
  readonly #rows: FoldRows
  readonly #fold: FoldCalls
  readonly #cached: boolean
  /** Whether old values are found here; with a cache the store has them. */
  readonly #keepsOld: boolean

  constructor(context: NodeContext, options: AggregateOptions) {
    this.ignoresValues = options.fold.kind === 'count'
    this.#context = context
    const store = context.store(options.store)
    this.#rows = foldRows(store, options.versioned)
    this.#fold = new FoldCalls(folderOf(options.fold), context.nodeName, store)
    this.#cached = this.#rows.cached
    this.forgetsRecords = this.#cached
    const oldValues = options.sendsOldValues()
    this.#keepsOld = oldValues && !this.#cached
    if (this.#cached) {
      const listener = foldFlushed(context, this.#rows, this.#fold)
      this.#rows.onFlush(listener, { oldValues })
    }
  }

  process(record: FlowRecord): void | Promise<void> {
    const { key, value } = record
    if (key === null || key === undefined) return this.#context.drop('null key')
    if (value === null || value === undefined) return this.#context.drop('null value')
    const rows = this.#rows
    const fold = this.#fold
    const row = rows.row(key)
    let { timestampMs } = record
    let oldValue: unknown = null
    let newValue: unknown
    if (row === undefined) {
      // Kafka Streams passes the initial value on as the old one (semantics 11.4).
      if (this.#keepsOld && fold.initial) oldValue = fold.initial()
      newValue = fold.first(value, key)
    } else {
      if (row.timestampMs > timestampMs) timestampMs = row.timestampMs
      if (this.#keepsOld) oldValue = rows.copyOf(row)
      newValue = fold.next(rows, row, value, key)
    }
    const kept = isForeign(newValue, value) ? rows.copyOf({ value, timestampMs }) : newValue
    const written = rows.write(key, kept, timestampMs)
    if (this.#cached || written === 'refused') return
    if (isObject(newValue) && fold.inPlace) newValue = rows.copyOf({ value: kept, timestampMs })
    const change = new Change(newValue, oldValue, written !== 'older')
    return this.#context.forward(record.with(key, change, timestampMs))
  }
}
