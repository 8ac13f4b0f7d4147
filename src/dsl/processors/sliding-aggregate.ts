// count, reduce and aggregate over sliding windows (KStreamSlidingWindowAggregate). A window
// [start, start + difference], both ends inclusive, is kept for each different set of records: a
// record at t ends its left window [t − d, t] and starts its right window [t + 1, t + 1 + d].
import type { SlidingRow, SlidingRows } from '../../state/sliding-rows.js'
import type { NodeContext, NodeProcessor, NodeSupplier } from '../../topology/processor.js'
import type { FlowRecord } from '../../topology/stream-record.js'
import { Change } from '../change.js'
import { CloseEmitter } from './emit-on-close.js'
import { FoldCalls, folderOf, isForeign, isObject } from './fold.js'
import type { SlidingWindowAggregateOptions } from './operator-options.js'
import { slidingSteps, type SlidingStep } from './sliding-steps.js'
import { timeWindowKey } from './windowed-key.js'
import { windowFlushed, withKeys } from './window-aggregate.js'

/**
 * Folds the values of each key and sliding window. A record is dropped when its left window ends
 * before stream time less grace; else each window that does counts as a drop. Null keys and values
 * are dropped (semantics 12b). Forwards each update, what a record cache flushes, or, on close,
 * each window once (14).
 *
 * @example
 * slidingAggregate({ store: 'counts', fold: { kind: 'count' }, windows, emit: 'onWindowUpdate', sendsOldValues: () => false })
 */
export const slidingAggregate =
  (options: SlidingWindowAggregateOptions): NodeSupplier =>
  (context) =>
    new SlidingAggregateProcessor(context, options)

class SlidingAggregateProcessor implements NodeProcessor {
  readonly ignoresValues: boolean
  readonly forgetsRecords: boolean
  readonly #context: NodeContext
  readonly #rows: SlidingRows<unknown, any>
  readonly #fold: FoldCalls
  readonly #differenceMs: number
  readonly #graceMs: number
  readonly #forwards: boolean
  readonly #keepsOld: boolean
  readonly #emitter: CloseEmitter | undefined
  #streamTimeMs = -1

  constructor(context: NodeContext, options: SlidingWindowAggregateOptions) {
    const { store, windows } = options
    const { differenceMs, graceMs } = windows
    const rows = context.store(store) as SlidingRows<unknown, any>
    const onClose = options.emit === 'onWindowClose'
    const oldValues = options.sendsOldValues()
    this.ignoresValues = options.fold.kind === 'count'
    this.#context = context
    this.#rows = rows
    this.#fold = new FoldCalls(folderOf(options.fold), context.nodeName, rows)
    this.#differenceMs = differenceMs
    this.#graceMs = graceMs
    this.#forwards = !onClose && !rows.cached
    this.forgetsRecords = !onClose && rows.cached
    this.#keepsOld = oldValues && this.#forwards
    if (onClose) {
      this.#emitter = new CloseEmitter(context, {
        store,
        earliestMs: (lastCloseMs) => lastCloseMs - differenceMs,
        keptFromMs: (timeMs) => rows.keptFromMs(timeMs),
        closed(lastCloseMs, closeMs) {
          const toMs = closeMs - differenceMs - 1
          if (toMs < 0) return undefined
          const fromMs = Math.max(0, (lastCloseMs ?? 0) - differenceMs)
          return withKeys(rows.closed(fromMs, toMs), differenceMs)
        },
      })
    } else if (rows.cached) {
      rows.onFlush(windowFlushed(context, rows, this.#fold, differenceMs), { oldValues })
    }
  }

  process(record: FlowRecord): void | Promise<void> {
    const { key, value, timestampMs } = record
    if (key === null || key === undefined) return this.#context.drop('null key')
    if (value === null || value === undefined) return this.#context.drop('null value')
    if (timestampMs > this.#streamTimeMs) this.#streamTimeMs = timestampMs
    const closeMs = this.#streamTimeMs - this.#graceMs
    if (timestampMs + this.#differenceMs < closeMs) return this.#context.drop('expired window')
    // Early records, whose left window would begin below zero, emit nothing (semantics 14.1).
    const emitting =
      timestampMs < this.#differenceMs ? undefined : this.#emitter?.emit(closeMs, record)
    return emitting
      ? emitting.then(() => this.#steps(record, closeMs))
      : this.#steps(record, closeMs)
  }

  #steps(record: FlowRecord, closeMs: number): void | Promise<void> {
    const differenceMs = this.#differenceMs
    const { timestampMs } = record
    const fromMs = timestampMs < differenceMs ? 0 : Math.max(0, timestampMs - 2 * differenceMs)
    const found = this.#rows.find(record.key, fromMs, timestampMs + 1)
    const steps = slidingSteps(found, timestampMs, differenceMs)
    // Rows are good until the next write, so values that windows are made of are copied first.
    for (const step of steps)
      if (step.kind !== 'update' && step.from !== undefined)
        step.source = this.#rows.copyOf(step.from)
    return this.#run(record, closeMs, steps, 0)
  }

  #run(
    record: FlowRecord,
    closeMs: number,
    steps: readonly SlidingStep<any>[],
    first: number,
  ): void | Promise<void> {
    for (let i = first; i < steps.length; i++) {
      const forwarding = this.#step(record, closeMs, steps[i]!)
      if (forwarding) return forwarding.then(() => this.#run(record, closeMs, steps, i + 1))
    }
  }

  #step(record: FlowRecord, closeMs: number, step: SlidingStep<any>): void | Promise<void> {
    const { kind, startMs, from } = step
    // A copy takes nothing of the record, so it is not asked whether its window is still open.
    if (kind === 'copy') return this.#write(record, startMs, step.source, null, step.timestampMs)
    if (startMs + this.#differenceMs < closeMs) return this.#context.drop('expired window')
    if (kind === 'update') return this.#update(record, from!)
    return this.#create(record, step)
  }

  #update(record: FlowRecord, window: SlidingRow<any>): void | Promise<void> {
    const rows = this.#rows
    const timestampMs = Math.max(window.timestampMs, record.timestampMs)
    const oldValue: unknown = this.#keepsOld ? rows.copyOf(window) : null
    const newValue = this.#fold.next(rows, window, record.value, record.key)
    rows.update(window, this.#kept(record, newValue, timestampMs), timestampMs)
    return this.#forward(record, window.startMs, newValue, oldValue, timestampMs)
  }

  /** A window with the record, on top of another window's accumulator where there is one. */
  #create(record: FlowRecord, { startMs, from, source }: SlidingStep<any>): void | Promise<void> {
    const { initial } = this.#fold
    const start: unknown = from ? source : (initial?.() ?? null)
    let oldValue: unknown = null
    // The accumulator a window starts from goes on as its old value (semantics 11.4).
    if (this.#keepsOld && start !== null)
      oldValue = from ? this.#rows.copyOf({ value: start, timestampMs: -1 }) : initial!()
    const newValue =
      start === null && !initial ? record.value : this.#fold.add(start, record.value, record.key)
    return this.#write(record, startMs, newValue, oldValue, record.timestampMs)
  }

  #write(
    record: FlowRecord,
    startMs: number,
    newValue: unknown,
    oldValue: unknown,
    timestampMs: number,
  ): void | Promise<void> {
    const kept = this.#kept(record, newValue, timestampMs)
    this.#rows.write(record.key, startMs, kept, timestampMs)
    return this.#forward(record, startMs, newValue, oldValue, timestampMs)
  }

  /** What the store is given: a copy of what is not the fold's own. */
  #kept(record: FlowRecord, value: unknown, timestampMs: number): unknown {
    return isForeign(value, record.value) ? this.#rows.copyOf({ value, timestampMs }) : value
  }

  #forward(
    record: FlowRecord,
    startMs: number,
    newValue: unknown,
    oldValue: unknown,
    timestampMs: number,
  ): void | Promise<void> {
    if (!this.#forwards) return
    const copies = isObject(newValue) && this.#fold.inPlace
    const value = copies ? this.#rows.copyOf({ value: newValue, timestampMs }) : newValue
    const windowed = timeWindowKey(record.key, startMs, this.#differenceMs)
    return this.#context.forward(record.with(windowed, new Change(value, oldValue), timestampMs))
  }
}
