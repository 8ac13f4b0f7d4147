// Holds updates back until a time limit or the end of their window (KTableSuppress). Only records
// that come here move its time; nothing leaves by wall clock.
import { StateStoreError } from '../../errors.js'
import type { FlushListener } from '../../state/live-row.js'
import type { Windowed } from '../../serde/windowed.js'
import type { SuppressBuffer, Suppressed } from '../../state/suppress-buffer.js'
import type { NodeContext, NodeProcessor, NodeSupplier } from '../../topology/processor.js'
import type { FlowRecord } from '../../topology/stream-record.js'
import type { Change } from '../change.js'
import { forwardFlushed } from './flush-forward.js'
import type { SuppressOptions } from './operator-options.js'
import type { TableLookup } from './table-lookup.js'

/**
 * Keeps the last update of each key. It leaves when stream time less `waitMs` reaches its buffer
 * time: the time of the key's first buffered update, or the end of its window, where tombstones are
 * then left out. Order is by buffer time, then key bytes; updates go on under their own record's
 * context (semantics 13).
 * @throws StateStoreError when the buffer is full and `whenFull` is `shutDown`
 *
 * @example
 * suppress({ store: 'final', until: 'windowCloses', waitMs: graceMs, maxRecords: Infinity, maxBytes: Infinity, whenFull: 'shutDown' })
 */
export const suppress =
  (options: SuppressOptions): NodeSupplier =>
  (context) =>
    new SuppressProcessor(context, options)

class SuppressProcessor implements NodeProcessor {
  readonly #context: NodeContext
  readonly #options: SuppressOptions
  readonly #buffer: SuppressBuffer<unknown, unknown>
  readonly #untilClose: boolean
  readonly #forwardUpdate: FlushListener<unknown, unknown>
  #streamTimeMs = -1

  constructor(context: NodeContext, options: SuppressOptions) {
    this.#context = context
    this.#options = options
    this.#buffer = context.store(options.store) as SuppressBuffer<unknown, unknown>
    this.#untilClose = options.until === 'windowCloses'
    this.#forwardUpdate = forwardFlushed(context)
  }

  process(record: FlowRecord<unknown, Change>): void | Promise<void> {
    const { key, value, timestampMs } = record
    if (timestampMs > this.#streamTimeMs) this.#streamTimeMs = timestampMs
    const bufferTimeMs = this.#untilClose ? (key as Windowed<unknown>).endMs : timestampMs
    this.#buffer.put(bufferTimeMs, key, value.newValue, value.oldValue, {
      timestampMs,
      headers: record.headers.entries,
      live: this.#context.headersMayChange ? record.headers : undefined,
      metadata: record.metadata,
    })
    return this.#emit()
  }

  /**
   * Forwards what is due; then, over capacity, what is oldest. An update is buffered until it was
   * forwarded, so that nodes behind it that look here see its prior value, as in Kafka Streams.
   */
  #emit(): void | Promise<void> {
    const buffer = this.#buffer
    const { waitMs, whenFull } = this.#options
    while (buffer.minTimeMs <= this.#streamTimeMs - waitMs || this.#isFull) {
      if (buffer.minTimeMs > this.#streamTimeMs - waitMs && whenFull === 'shutDown')
        throw this.#full()
      const next = buffer.front
      if (next === undefined) return
      const forwarding = this.#forward(next)
      if (forwarding)
        return forwarding.then(() => {
          buffer.removeFront()
          return this.#emit()
        })
      buffer.removeFront()
    }
  }

  get #isFull(): boolean {
    const { records, bytes } = this.#buffer
    return records > this.#options.maxRecords || bytes > this.#options.maxBytes
  }

  #forward(update: Suppressed<unknown, unknown>): void | Promise<void> {
    const { key, newValue, oldValue, context } = update
    if (this.#untilClose && newValue === null) return
    return this.#forwardUpdate(key, newValue, oldValue, context.timestampMs, context)
  }

  #full(): StateStoreError {
    const { records, bytes } = this.#buffer
    const { nodeName, taskId } = this.#context
    const otherwise = this.#untilClose ? '' : ", or choose whenFull: 'emitEarly'"
    return new StateStoreError(
      `${nodeName}: the suppress buffer holds ${records} records and ${bytes} bytes, more than it may: ` +
        `raise maxRecords or maxBytes${otherwise}`,
      { node: nodeName, task: taskId },
    )
  }
}

/** Look-ups see the prior value while a key is buffered, else the parent's (semantics 13.9). */
export const suppressLookup = (store: string, parent: TableLookup): TableLookup => ({
  stores: [store, ...parent.stores],
  open(context) {
    const buffer = context.store(store) as SuppressBuffer<unknown, unknown>
    const rows = parent.open(context)
    return {
      get(key) {
        const prior = buffer.prior(key)
        if (prior === undefined) return rows.get(key)
        return prior.value === null ? undefined : { value: prior.value, timestampMs: -1 }
      },
    }
  },
})
