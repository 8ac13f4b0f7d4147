// The join of a stream with itself on one store, instead of two that hold the same (semantics 10.11;
// KStreamKStreamSelfJoin).
import type { JoinRow, JoinRows } from '../../state/join-rows.js'
import type { NodeContext, NodeProcessor, NodeSupplier } from '../../topology/processor.js'
import type { FlowRecord } from '../../topology/stream-record.js'
import { checked } from './checked.js'
import type { SelfJoinOptions } from './operator-options.js'

/**
 * Joins each record with the kept ones as left side, then with the kept ones as right side; the pair
 * of the record with itself stands among the latter where its time belongs. The results are those of
 * an inner join with a second copy of the stream. A record as late as the retention is not paired
 * with itself.
 *
 * @example
 * // moves.join(moves, (a, b) => `${a} near ${b}`, { within })
 * selfJoin({ join, within, store: 'moves', retentionMs: 10_000 })
 */
export const selfJoin =
  (options: SelfJoinOptions): NodeSupplier =>
  (context) =>
    new SelfJoin(context, options)

class SelfJoin implements NodeProcessor {
  readonly #context: NodeContext
  readonly #options: SelfJoinOptions
  readonly #rows: JoinRows<any, any>
  #streamTimeMs = -1

  constructor(context: NodeContext, options: SelfJoinOptions) {
    this.#context = context
    this.#options = options
    this.#rows = context.store(options.store) as JoinRows<any, any>
  }

  process(record: FlowRecord): void | Promise<void> {
    const { key, value, timestampMs } = record
    if (key === null || key === undefined) return this.#context.drop('null key')
    if (value === null || value === undefined) return this.#context.drop('null value')
    if (timestampMs > this.#streamTimeMs) this.#streamTimeMs = timestampMs
    const { beforeMs, afterMs } = this.#options.within
    const asLeft = this.#find(record, beforeMs, afterMs)
    const sent = this.#forwardLeft(record, asLeft, 0)
    if (sent !== undefined) return sent.then(() => this.#joinAsRight(record))
    return this.#joinAsRight(record)
  }

  #joinAsRight(record: FlowRecord): void | Promise<void> {
    const { within, retentionMs } = this.#options
    const asRight = this.#find(record, within.afterMs, within.beforeMs)
    const isTooLate = record.timestampMs <= this.#streamTimeMs - retentionMs + 1
    return this.#forwardRight(record, asRight, 0, isTooLate)
  }

  #find(record: FlowRecord, beforeMs: number, afterMs: number): readonly JoinRow<unknown>[] {
    const { key, timestampMs } = record
    const fromMs = Math.max(0, timestampMs - beforeMs)
    return this.#rows.find(key, fromMs, Math.max(0, timestampMs + afterMs))
  }

  #forwardLeft(
    record: FlowRecord,
    kept: readonly JoinRow<unknown>[],
    from: number,
  ): void | Promise<void> {
    for (let i = from; i < kept.length; i++) {
      const { value, timestampMs } = kept[i]!
      const sent = this.#forward(record, record.value, value, timestampMs)
      if (sent !== undefined) return sent.then(() => this.#forwardLeft(record, kept, i + 1))
    }
  }

  #forwardRight(
    record: FlowRecord,
    kept: readonly JoinRow<unknown>[],
    from: number,
    isSelfSent: boolean,
  ): void | Promise<void> {
    const mine = record.value
    for (let i = from; i < kept.length; i++) {
      const { value, timestampMs } = kept[i]!
      if (!isSelfSent && timestampMs > record.timestampMs) {
        const sent = this.#forward(record, mine, mine, record.timestampMs)
        if (sent !== undefined) return sent.then(() => this.#forwardRight(record, kept, i, true))
        isSelfSent = true
      }
      const sent = this.#forward(record, value, mine, timestampMs)
      if (sent !== undefined)
        return sent.then(() => this.#forwardRight(record, kept, i + 1, isSelfSent))
    }
    if (!isSelfSent) return this.#forward(record, mine, mine, record.timestampMs)
  }

  #forward(
    record: FlowRecord,
    left: unknown,
    right: unknown,
    otherMs: number,
  ): void | Promise<void> {
    const { key, timestampMs } = record
    const result = checked(this.#options.join(left, right, key), this.#context.nodeName, 'joiner')
    return this.#context.forward(record.with(key, result, Math.max(timestampMs, otherMs)))
  }
}
