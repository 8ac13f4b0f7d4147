// When windows are emitted that are emitted once, on closing (semantics 14). Kafka Streams looks for
// closed windows after it has stored the record that closes them; when that record makes time jump,
// its store has forgotten them by then. We look before, so every closed window is emitted exactly
// once (docs/differences.md).
import type { NodeContext } from '../../topology/processor.js'
import { FlowRecord } from '../../topology/stream-record.js'
import { HeaderList } from '../../serde/record-headers.js'
import { Change } from '../change.js'

/** A window to emit. */
export interface ClosedWindow {
  readonly key: unknown
  readonly value: unknown
  readonly timestampMs: number
}

export interface CloseEmitterOptions {
  /** The store, under whose name the last close is committed. */
  readonly store: string
  /**
   * The windows that close when the close time moves from `lastCloseMs` (`undefined` at first) to
   * `closeMs`, in store order, some at a time; `undefined` when none can.
   */
  readonly closed: (
    lastCloseMs: number | undefined,
    closeMs: number,
  ) => AsyncIterable<readonly ClosedWindow[]> | undefined
  /** The earliest time in the store that a window may have which is not emitted yet. */
  readonly earliestMs: (lastCloseMs: number) => number
  /** The earliest time that the store is sure to keep once time has come to `timeMs`. */
  readonly keptFromMs: (timeMs: number) => number
}

/** Between two looks at the store; windows are emitted that much later at most, while records come. */
const defaultIntervalMs = 1000

/** Emits the windows of one operator in one task as they close. */
export class CloseEmitter {
  readonly #context: NodeContext
  readonly #options: CloseEmitterOptions
  readonly #intervalMs: number
  #lastCloseMs: number | undefined
  #nextEmitMs = -Infinity

  constructor(context: NodeContext, options: CloseEmitterOptions) {
    this.#context = context
    this.#options = options
    const { emitIntervalMs } = context.config
    this.#intervalMs = typeof emitIntervalMs === 'number' ? emitIntervalMs : defaultIntervalMs
    this.#lastCloseMs = context.committedTimes.get(options.store)
  }

  /**
   * Forwards the windows that end before `closeMs`, with the headers of `record`. Returns a promise
   * only when there may be some. Call it before the record is stored.
   */
  emit(closeMs: number, record: FlowRecord): Promise<void> | undefined {
    const last = this.#lastCloseMs
    if (last !== undefined && closeMs <= last) return undefined
    const nowMs = this.#context.systemTimeMs
    if (nowMs < this.#nextEmitMs && !this.#isUrgent(last, record.timestampMs)) return undefined
    const closed = this.#options.closed(last, closeMs)
    if (closed === undefined) return undefined
    this.#nextEmitMs = nowMs + this.#intervalMs
    return this.#forward(closed, closeMs, record)
  }

  /** Whether the store may forget windows that were not emitted, once it has the record. */
  #isUrgent(last: number | undefined, timeMs: number): boolean {
    const { earliestMs, keptFromMs } = this.#options
    return keptFromMs(timeMs) > (last === undefined ? 0 : Math.max(0, earliestMs(last)))
  }

  async #forward(
    closed: AsyncIterable<readonly ClosedWindow[]>,
    closeMs: number,
    record: FlowRecord,
  ): Promise<void> {
    const { entries } = record.headers
    for await (const some of closed)
      for (const { key, value, timestampMs } of some) {
        const change = new Change(value, null)
        const sent = this.#context.forward(
          new FlowRecord(key, change, timestampMs, new HeaderList(entries), record.metadata),
        )
        if (sent !== undefined) await sent
      }
    this.#lastCloseMs = closeMs
    this.#context.committedTimes.set(this.#options.store, closeMs)
  }
}
