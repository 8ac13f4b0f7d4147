// count, reduce and aggregate over tumbling, hopping and unlimited windows (KStreamWindowAggregate).
// Windows are found from the timestamp by point look-ups: nothing is scanned.
import type { LiveRow, WindowFlushListener } from '../../state/live-row.js'
import type { FoundWindow } from '../../state/window-api.js'
import type { WindowRows } from '../../state/window-rows.js'
import type { NodeContext, NodeProcessor, NodeSupplier } from '../../topology/processor.js'
import type { FlowRecord } from '../../topology/stream-record.js'
import { Change } from '../change.js'
import { CloseEmitter, type ClosedWindow } from './emit-on-close.js'
import { FoldCalls, folderOf, isForeign, isObject } from './fold.js'
import { forwardFlushed } from './flush-forward.js'
import type { TimeWindowAggregateOptions, TimeWindowDefinition } from './operator-options.js'
import { timeWindowKey } from './windowed-key.js'

/**
 * Folds the values of each key and window, windows in ascending order. A window takes a record while
 * its end lies behind stream time less grace; each window that does not is counted as a drop. Null
 * keys are dropped, null values are folded (semantics 12a). Forwards each update, what a record
 * cache flushes, or, on close, each window once (14).
 *
 * @example
 * windowAggregate({ store: 'counts', fold: { kind: 'count' }, windows, emit: 'onWindowUpdate', sendsOldValues: () => false })
 */
export const windowAggregate =
  (options: TimeWindowAggregateOptions): NodeSupplier =>
  (context) =>
    new WindowAggregateProcessor(context, options)

class WindowAggregateProcessor implements NodeProcessor {
  readonly ignoresValues: boolean
  readonly forgetsRecords: boolean
  readonly #context: NodeContext
  readonly #rows: WindowRows<unknown, any>
  readonly #fold: FoldCalls
  readonly #windows: TimeWindowDefinition
  /** Whether each update is forwarded as it happens. */
  readonly #forwards: boolean
  readonly #keepsOld: boolean
  readonly #emitter: CloseEmitter | undefined
  /** Of the records that came here; not kept over restarts. */
  #streamTimeMs = -1

  constructor(context: NodeContext, options: TimeWindowAggregateOptions) {
    const { store, windows } = options
    const rows = context.store(store) as WindowRows<unknown, any>
    const onClose = options.emit === 'onWindowClose'
    const oldValues = options.sendsOldValues()
    this.ignoresValues = options.fold.kind === 'count'
    this.#context = context
    this.#rows = rows
    this.#fold = new FoldCalls(folderOf(options.fold), context.nodeName, rows)
    this.#windows = windows
    this.#forwards = !onClose && !rows.cached
    this.forgetsRecords = !onClose && rows.cached
    this.#keepsOld = oldValues && this.#forwards
    if (onClose) {
      this.#emitter = new CloseEmitter(context, {
        store,
        closed: closedWindows(rows, windows),
        earliestMs: (lastCloseMs) => lastCloseMs - windows.sizeMs + 1,
        keptFromMs: (timeMs) => rows.keptFromMs(timeMs),
      })
    } else if (rows.cached) {
      rows.onFlush(windowFlushed(context, rows, this.#fold, windows.sizeMs), { oldValues })
    }
  }

  process(record: FlowRecord): void | Promise<void> {
    const { key, timestampMs } = record
    if (key === null || key === undefined) return this.#context.drop('null key')
    if (timestampMs > this.#streamTimeMs) this.#streamTimeMs = timestampMs
    const closeMs = this.#streamTimeMs - this.#windows.graceMs
    const firstMs = firstStart(this.#windows, timestampMs)
    const emitting = this.#emitter?.emit(closeMs, record)
    return emitting
      ? emitting.then(() => this.#update(record, firstMs, closeMs))
      : this.#update(record, firstMs, closeMs)
  }

  /** Updates the windows from `startMs` on that hold the record. */
  #update(record: FlowRecord, startMs: number, closeMs: number): void | Promise<void> {
    const { sizeMs, advanceMs } = this.#windows
    for (let start = startMs; start <= record.timestampMs; start += advanceMs) {
      if (start + sizeMs <= closeMs) {
        this.#context.drop('expired window')
        continue
      }
      const forwarding = this.#updateWindow(record, start)
      // The next window waits until this one's result has gone all the way.
      if (forwarding) return forwarding.then(() => this.#update(record, start + advanceMs, closeMs))
    }
  }

  #updateWindow(record: FlowRecord, startMs: number): void | Promise<void> {
    const { key, value } = record
    const rows = this.#rows
    const fold = this.#fold
    const row = rows.row(key, startMs)
    let { timestampMs } = record
    let oldValue: unknown = null
    let newValue: unknown
    if (row === undefined) {
      if (this.#keepsOld && fold.initial) oldValue = fold.initial()
      newValue = fold.first(value, key)
    } else {
      if (row.timestampMs > timestampMs) timestampMs = row.timestampMs
      if (this.#keepsOld) oldValue = rows.copyOf(row)
      newValue = fold.next(rows, row, value, key)
    }
    const kept = isForeign(newValue, value) ? rows.copyOf({ value, timestampMs }) : newValue
    rows.write(key, startMs, kept, timestampMs)
    if (!this.#forwards) return
    if (isObject(newValue) && fold.inPlace) newValue = rows.copyOf({ value: kept, timestampMs })
    const windowed = timeWindowKey(key, startMs, this.#windows.sizeMs)
    return this.#context.forward(record.with(windowed, new Change(newValue, oldValue), timestampMs))
  }
}

/** The listener of the cache of time and sliding windows. */
export const windowFlushed = (
  context: NodeContext,
  rows: { copyOf(row: LiveRow<any>): any },
  fold: FoldCalls,
  sizeMs: number,
): WindowFlushListener<unknown, any> => {
  const forward = forwardFlushed(context)
  return (key, startMs, newValue, oldValue, timestampMs, updated) => {
    const copies = isObject(newValue) && fold.inPlace
    const value: unknown = copies ? rows.copyOf({ value: newValue, timestampMs }) : newValue
    return forward(timeWindowKey(key, startMs, sizeMs), value, oldValue, timestampMs, updated)
  }
}

/** The start of the first window that holds `timestampMs`; beyond it where none does. */
const firstStart = (windows: TimeWindowDefinition, timestampMs: number): number => {
  const { sizeMs, advanceMs, startMs } = windows
  if (startMs !== undefined) return startMs
  return Math.floor(Math.max(0, timestampMs - sizeMs + advanceMs) / advanceMs) * advanceMs
}

/** Windows with start in [lastClose − size + 1, close − size]; none before the next boundary. */
const closedWindows =
  (rows: WindowRows<unknown, any>, { sizeMs, advanceMs }: TimeWindowDefinition) =>
  (
    lastCloseMs: number | undefined,
    closeMs: number,
  ): AsyncIterable<readonly ClosedWindow[]> | undefined => {
    const fromMs = lastCloseMs === undefined ? 0 : Math.max(0, lastCloseMs - sizeMs + 1)
    const toMs = closeMs - sizeMs
    if (toMs < 0 || Math.floor(toMs / advanceMs) * advanceMs < fromMs) return undefined
    return withKeys(rows.closed(fromMs, toMs), sizeMs)
  }

/** The same windows under their windowed keys. */
export async function* withKeys(
  closed: AsyncIterable<readonly FoundWindow<unknown, unknown>[]>,
  sizeMs: number,
): AsyncIterable<readonly ClosedWindow[]> {
  for await (const some of closed)
    yield some.map(({ key, startMs, value, timestampMs }) => ({
      key: timeWindowKey(key, startMs, sizeMs),
      value,
      timestampMs,
    }))
}
