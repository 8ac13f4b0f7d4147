// A join of a stream with a versioned table whose records wait until the table has had time to know
// what held at theirs (semantics 9.5; KStreamKTableJoinProcessor with a buffer).
import { ProcessingError } from '../../errors.js'
import { HeaderList } from '../../serde/record-headers.js'
import type { GraceBuffer, Waiting } from '../../state/grace-buffer.js'
import type { NodeContext, NodeProcessor, NodeSupplier } from '../../topology/processor.js'
import { FlowRecord } from '../../topology/stream-record.js'
import { checked } from './checked.js'
import type { GraceJoinOptions } from './operator-options.js'
import type { TableReader } from './table-lookup.js'

/**
 * Keeps each record until the stream has moved on by `graceMs`, then joins it with the row that held
 * at its time; a record that is later than that is joined at once. Only stream records move time.
 * Records leave by time, then key, then arrival, each under its own context.
 *
 * A left join cannot let a null key wait and throws, as Kafka Streams does: the processing handler
 * decides what becomes of the record.
 *
 * @example
 * // trades.join(rates, (trade, rate) => trade.amount * rate, { graceMs: 10_000 })
 * streamTableGraceJoin({ left: false, join, table: rates, buffer: 'trades-Buffer', graceMs: 10_000 })
 */
export const streamTableGraceJoin =
  (options: GraceJoinOptions): NodeSupplier =>
  (context) =>
    new GraceJoin(context, options)

class GraceJoin implements NodeProcessor {
  readonly #context: NodeContext
  readonly #options: GraceJoinOptions
  readonly #table: TableReader
  readonly #buffer: GraceBuffer<any, any>
  #observedMs = -1
  /** What `#release` joins. */
  #released: FlowRecord | undefined
  readonly #release = (): void | Promise<void> => this.#join(this.#released!)

  constructor(context: NodeContext, options: GraceJoinOptions) {
    this.#context = context
    this.#options = options
    this.#table = options.table.open(context)
    this.#buffer = context.store(options.buffer) as GraceBuffer<any, any>
  }

  process(record: FlowRecord): void | Promise<void> {
    const { key, value, timestampMs, headers, metadata } = record
    if (value === null || value === undefined) return this.#context.drop('null value')
    if (key === null || key === undefined) {
      if (!this.#options.left) return this.#context.drop('null key')
      const node = this.#context.nodeName
      throw new ProcessingError(
        `${node}: a record without a key cannot wait for the table; filter null keys before the join, or give no graceMs`,
        { node },
      )
    }
    // Records that were dropped do not move time.
    if (timestampMs > this.#observedMs) this.#observedMs = timestampMs
    if (timestampMs < this.#observedMs - this.#options.graceMs) return this.#join(record)
    this.#buffer.put(key, value, { timestampMs, headers: headers.entries, metadata })
    return this.#forwardDue()
  }

  #forwardDue(): void | Promise<void> {
    const untilMs = this.#observedMs - this.#options.graceMs
    for (
      let waiting = this.#buffer.poll(untilMs);
      waiting !== undefined;
      waiting = this.#buffer.poll(untilMs)
    ) {
      const sent = this.#forward(waiting)
      if (sent !== undefined) return sent.then(() => this.#forwardDue())
    }
  }

  #forward({ key, value, context }: Waiting<unknown, unknown>): void | Promise<void> {
    const { timestampMs, headers, metadata } = context
    const record = new FlowRecord(key, value, timestampMs, new HeaderList(headers), metadata)
    this.#released = record
    return this.#context.under(record, this.#release)
  }

  #join(record: FlowRecord): void | Promise<void> {
    const { key, value, timestampMs } = record
    const { get, getAsOf } = this.#table
    const row = getAsOf === undefined ? get(key) : getAsOf(key, timestampMs)
    const { left, join } = this.#options
    if (row === undefined && !left) return
    const result = join(value, row === undefined ? null : row.value, key)
    return this.#context.forward(
      record.withValue(checked(result, this.#context.nodeName, 'joiner')),
    )
  }
}
