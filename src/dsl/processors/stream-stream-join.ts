// Joins of two streams within an interval of time: a node per side that joins each record with the
// kept records of the other side, and the node before it that keeps the record itself (semantics 10;
// KStreamKStreamJoin). Left and outer joins send what found no partner once its time is over.
import type { JoinRow, JoinRows } from '../../state/join-rows.js'
import type { OuterJoinRows, Unmatched } from '../../state/outer-join-rows.js'
import type { NodeContext, NodeProcessor, NodeSupplier } from '../../topology/processor.js'
import type { FlowRecord } from '../../topology/stream-record.js'
import { checked } from './checked.js'
import type { StreamStreamJoinOptions } from './operator-options.js'

type KeptRows = JoinRows<any, any>
type UnmatchedRows = OuterJoinRows<any, any, any>

/**
 * The `WINDOWED` node of one side: forwards first, so that a record is not joined with itself, then
 * keeps the record for the other side. A null key is not kept.
 */
export const joinWindow =
  (store: string): NodeSupplier =>
  (context) => {
    const rows = context.store(store) as KeptRows
    const keep = ({ key, value, timestampMs }: FlowRecord): void => {
      if (key !== null && key !== undefined) rows.put(key, value ?? null, timestampMs)
    }
    return {
      process(record) {
        const sent = context.forward(record)
        if (sent !== undefined) return sent.then(() => keep(record))
        keep(record)
      },
    }
  }

/** What both sides of a join in one task know of time. Starts anew with the task. */
class JoinTime {
  /** The largest timestamp that reached either side. */
  streamTimeMs = -1
  /** The gate of the next look at unmatched records; nothing is known at first. */
  earliestMs = Infinity
  nextEmitMs = -Infinity
}

/** The two sides meet in the store that they share. */
const times = new WeakMap<UnmatchedRows, JoinTime>()

function timeOf(unmatched: UnmatchedRows): JoinTime {
  let time = times.get(unmatched)
  if (time === undefined) times.set(unmatched, (time = new JoinTime()))
  return time
}

/** Between two looks at unmatched records; they are sent that much later at most, while records come. */
const defaultIntervalMs = 1000

/**
 * One side of a stream-stream join. Each record is joined with those of the other side whose time
 * lies in the interval around its own, by time, then by arrival; a result has the later of both
 * times and the headers of the record that came second.
 *
 * A side that may stand alone keeps a record without partner until stream time has passed its
 * interval and grace, and then joins it with null, at its own time, with the headers of the record
 * that moved time. A record that came too late for any partner is joined with null at once.
 *
 * @example
 * // clicks.leftJoin(orders, (click, order) => ({ click, order }), { within })
 * streamStreamJoin({ side: 'left', kind: 'left', join, within, otherStore: 'orders', outerStore: 'open' })
 */
export const streamStreamJoin =
  (options: StreamStreamJoinOptions): NodeSupplier =>
  (context) =>
    options.outerStore === undefined
      ? new JoinSide(context, options)
      : new OuterJoinSide(context, options, options.outerStore)

/** A side of an inner join. */
class JoinSide implements NodeProcessor {
  protected readonly context: NodeContext
  protected readonly isLeft: boolean
  protected readonly afterMs: number
  readonly #beforeMs: number
  readonly #other: KeptRows
  readonly #join: StreamStreamJoinOptions['join']

  constructor(context: NodeContext, options: StreamStreamJoinOptions) {
    const { within } = options
    this.context = context
    this.isLeft = options.side === 'left'
    // The right side sees the interval the other way round.
    this.#beforeMs = this.isLeft ? within.beforeMs : within.afterMs
    this.afterMs = this.isLeft ? within.afterMs : within.beforeMs
    this.#other = context.store(options.otherStore) as KeptRows
    this.#join = options.join
  }

  process(record: FlowRecord): void | Promise<void> {
    const { key, value } = record
    if (key === null || key === undefined) return this.context.drop('null key')
    if (value === null || value === undefined) return this.context.drop('null value')
    return this.forwardMatches(record, this.matches(record), 0)
  }

  protected matches({ key, timestampMs }: FlowRecord): readonly JoinRow<unknown>[] {
    const fromMs = Math.max(0, timestampMs - this.#beforeMs)
    return this.#other.find(key, fromMs, this.untilMs(timestampMs))
  }

  /** The end of a record's interval, which like its start is not below zero. */
  protected untilMs(timestampMs: number): number {
    return Math.max(0, timestampMs + this.afterMs)
  }

  /** Called for each match before its result is made. */
  protected matched(_record: FlowRecord, _match: JoinRow<unknown>): void {}

  protected forwardMatches(
    record: FlowRecord,
    matches: readonly JoinRow<unknown>[],
    from: number,
  ): void | Promise<void> {
    const { key, value, timestampMs } = record
    for (let i = from; i < matches.length; i++) {
      const match = matches[i]!
      this.matched(record, match)
      const result = this.joined(this.isLeft, value, match.value, key)
      const sent = this.context.forward(
        record.with(key, result, Math.max(timestampMs, match.timestampMs)),
      )
      if (sent !== undefined) return sent.then(() => this.forwardMatches(record, matches, i + 1))
    }
  }

  /** The result for a record of the left or right side and its partner, null for none. */
  protected joined(isLeft: boolean, mine: unknown, theirs: unknown, key: unknown): unknown {
    const result = isLeft ? this.#join(mine, theirs, key) : this.#join(theirs, mine, key)
    return checked(result, this.context.nodeName, 'joiner')
  }
}

/** A side of a left or outer join. */
class OuterJoinSide extends JoinSide {
  /** Whether this side is joined with null. */
  readonly #alone: boolean
  readonly #unmatched: UnmatchedRows
  readonly #time: JoinTime
  readonly #within: StreamStreamJoinOptions['within']
  readonly #intervalMs: number
  readonly #side: 'left' | 'right'
  readonly #otherSide: 'left' | 'right'

  constructor(context: NodeContext, options: StreamStreamJoinOptions, outerStore: string) {
    super(context, options)
    this.#side = options.side
    this.#otherSide = this.isLeft ? 'right' : 'left'
    this.#alone = this.isLeft || options.kind === 'outer'
    this.#unmatched = context.store(outerStore) as UnmatchedRows
    this.#time = timeOf(this.#unmatched)
    this.#within = options.within
    const { emitIntervalMs } = context.config
    this.#intervalMs = typeof emitIntervalMs === 'number' ? emitIntervalMs : defaultIntervalMs
  }

  override process(record: FlowRecord): void | Promise<void> {
    const { key, value, timestampMs } = record
    const time = this.#time
    if (timestampMs > time.streamTimeMs) time.streamTimeMs = timestampMs
    if (value === null || value === undefined)
      return this.context.drop(key === null || key === undefined ? 'null key' : 'null value')
    if (key === null || key === undefined)
      return this.#alone ? this.#forwardAlone(record) : this.context.drop('null key')
    if (timestampMs === time.streamTimeMs) {
      const sent = this.#forwardExpired(record)
      if (sent !== undefined) return sent.then(() => this.#joinWithKept(record))
    }
    return this.#joinWithKept(record)
  }

  #joinWithKept(record: FlowRecord): void | Promise<void> {
    const matches = this.matches(record)
    if (matches.length > 0) return this.forwardMatches(record, matches, 0)
    if (!this.#alone) return
    const { key, value, timestampMs } = record
    const time = this.#time
    // Grace does not count here, as in Kafka Streams: a record this late may yet find a partner.
    if (this.untilMs(timestampMs) < time.streamTimeMs) return this.#forwardAlone(record)
    if (timestampMs < time.earliestMs) time.earliestMs = timestampMs
    this.#unmatched.put(this.#side, key, value, timestampMs)
  }

  protected override matched(record: FlowRecord, match: JoinRow<unknown>): void {
    this.#unmatched.delete(this.#otherSide, record.key, match.timestampMs)
  }

  #forwardAlone(record: FlowRecord): void | Promise<void> {
    const { key, value } = record
    return this.context.forward(record.withValue(this.joined(this.isLeft, value, null, key)))
  }

  /** Sends unmatched records whose time is over (semantics 10.5, with its delays). */
  #forwardExpired(record: FlowRecord): void | Promise<void> {
    const time = this.#time
    const { graceMs } = this.#within
    // The interval as this side sees it, whichever side the records are of, as in Kafka Streams.
    const isKnown = time.earliestMs !== Infinity
    if (isKnown && time.earliestMs + this.afterMs + graceMs >= time.streamTimeMs) return
    if (this.#unmatched.isEmpty) {
      time.earliestMs = Infinity
      return
    }
    const nowMs = this.context.systemTimeMs
    if (nowMs < time.nextEmitMs) return
    time.nextEmitMs = nowMs + this.#intervalMs
    return this.#scan(record, undefined, false, false)
  }

  #scan(
    record: FlowRecord,
    after: Unmatched<unknown> | undefined,
    leftIsOpen: boolean,
    rightIsOpen: boolean,
  ): void | Promise<void> {
    const unmatched = this.#unmatched
    const time = this.#time
    const { beforeMs, afterMs, graceMs } = this.#within
    for (let row = unmatched.next(after); row !== undefined; row = unmatched.next(row)) {
      time.earliestMs = row.timestampMs
      // Behind both there is nothing to send. The gate is raised by every row looked at all the same.
      if (leftIsOpen && rightIsOpen) return
      const isLeft = row.side === 'left'
      if (row.timestampMs + (isLeft ? afterMs : beforeMs) + graceMs >= time.streamTimeMs) {
        if (isLeft) leftIsOpen = true
        else rightIsOpen = true
        // Kafka Streams looks at each record of a row: it stops at the second one of this.
        if (leftIsOpen && rightIsOpen && unmatched.countOf(row) > 1) return
        continue
      }
      const sent = this.#forwardRow(record, row, unmatched.valuesOf(row), 0)
      if (sent !== undefined) {
        const at = row
        return sent.then(() => this.#scan(record, at, leftIsOpen, rightIsOpen))
      }
    }
  }

  /** Sends the records of a row, then removes it. */
  #forwardRow(
    record: FlowRecord,
    row: Unmatched<unknown>,
    values: readonly unknown[],
    from: number,
  ): void | Promise<void> {
    const isLeft = row.side === 'left'
    for (let i = from; i < values.length; i++) {
      const result = this.joined(isLeft, values[i], null, row.key)
      const sent = this.context.forward(record.with(row.key, result, row.timestampMs))
      if (sent !== undefined) return sent.then(() => this.#forwardRow(record, row, values, i + 1))
    }
    this.#unmatched.remove(row)
  }
}
