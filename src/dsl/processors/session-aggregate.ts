// count, reduce and aggregate over sessions (KStreamSessionWindowAggregate). A record joins the
// sessions within `gap` of it into one: those are removed, each with a tombstone, and the joint one
// is written. All callbacks run before the first removal, so one that throws changes nothing.
import type { FoundSession } from '../../state/session-api.js'
import type { SessionRow, SessionRows } from '../../state/session-rows.js'
import type { NodeContext, NodeProcessor, NodeSupplier } from '../../topology/processor.js'
import { FlowRecord } from '../../topology/stream-record.js'
import { HeaderList } from '../../serde/record-headers.js'
import { Change } from '../change.js'
import { checked } from './checked.js'
import { CloseEmitter, type ClosedWindow } from './emit-on-close.js'
import { FoldCalls, folderOf, isForeign, isObject } from './fold.js'
import { forwardFlushed } from './flush-forward.js'
import type { SessionWindowAggregateOptions, SessionWindowDefinition } from './operator-options.js'
import { sessionKey } from './windowed-key.js'

/**
 * Folds the values of each key and session. A record is dropped when the session that it would make
 * ends before stream time less grace and gap. Null keys are dropped, null values are folded
 * (semantics 12c). Forwards each update, what a record cache flushes, or, on close, each session
 * once (14); results carry the session's end as their time.
 *
 * @example
 * sessionAggregate({ store: 'visits', fold: { kind: 'count' }, merge: undefined, windows, emit: 'onWindowUpdate', sendsOldValues: () => false })
 */
export const sessionAggregate =
  (options: SessionWindowAggregateOptions): NodeSupplier =>
  (context) =>
    new SessionAggregateProcessor(context, options)

type Merge = (a: any, b: any, key: any) => unknown

/** A session that a record joins, kept by value: rows are good only until the next write. */
interface JoinedSession {
  readonly startMs: number
  readonly endMs: number
  readonly oldValue: unknown
}

const noSessions: readonly JoinedSession[] = []

class SessionAggregateProcessor implements NodeProcessor {
  readonly ignoresValues: boolean
  readonly forgetsRecords: boolean
  readonly #context: NodeContext
  readonly #rows: SessionRows<unknown, any>
  readonly #fold: FoldCalls
  readonly #merge: Merge
  readonly #windows: SessionWindowDefinition
  readonly #forwards: boolean
  readonly #keepsOld: boolean
  readonly #emitter: CloseEmitter | undefined
  #streamTimeMs = -1

  constructor(context: NodeContext, options: SessionWindowAggregateOptions) {
    const { store, windows } = options
    const rows = context.store(store) as SessionRows<unknown, any>
    const onClose = options.emit === 'onWindowClose'
    const oldValues = options.sendsOldValues()
    this.ignoresValues = options.fold.kind === 'count'
    this.#context = context
    this.#rows = rows
    this.#fold = new FoldCalls(folderOf(options.fold), context.nodeName, rows)
    this.#merge = mergeOf(options, context.nodeName)
    this.#windows = windows
    this.#forwards = !onClose && !rows.cached
    this.forgetsRecords = !onClose && rows.cached
    this.#keepsOld = oldValues && this.#forwards
    if (onClose) {
      this.#emitter = new CloseEmitter(context, {
        store,
        closed: closedSessions(rows),
        earliestMs: (lastCloseMs) => lastCloseMs,
        keptFromMs: (timeMs) => rows.keptFromMs(timeMs),
      })
    } else if (rows.cached) {
      const forward = forwardFlushed(context)
      rows.onFlush(
        (key, startMs, endMs, newValue, oldValue, updated) => {
          const copies = isObject(newValue) && this.#fold.inPlace
          const value: unknown = copies
            ? rows.copyOf({ value: newValue, timestampMs: -1 })
            : newValue
          return forward(sessionKey(key, startMs, endMs), value, oldValue, endMs, updated)
        },
        { oldValues },
      )
    }
  }

  process(record: FlowRecord): void | Promise<void> {
    const { key, timestampMs } = record
    if (key === null || key === undefined) return this.#context.drop('null key')
    if (timestampMs > this.#streamTimeMs) this.#streamTimeMs = timestampMs
    const { gapMs, graceMs } = this.#windows
    const closeMs = this.#streamTimeMs - graceMs - gapMs
    const emitting = this.#emitter?.emit(closeMs, record)
    return emitting
      ? emitting.then(() => this.#update(record, closeMs))
      : this.#update(record, closeMs)
  }

  #update(record: FlowRecord, closeMs: number): void | Promise<void> {
    const { key, timestampMs } = record
    const { gapMs } = this.#windows
    const found = this.#rows.find(key, timestampMs - gapMs, timestampMs + gapMs)
    let startMs = timestampMs
    let endMs = timestampMs
    for (const session of found) {
      if (session.startMs < startMs) startMs = session.startMs
      if (session.endMs > endMs) endMs = session.endMs
    }
    if (endMs < closeMs) return this.#context.drop('expired window')
    const rows = this.#rows
    const only = found.length === 1 && startMs < endMs ? found[0]! : undefined
    const grows = only !== undefined && rows.grows(only, startMs, endMs)
    // A point of time that meets itself stays where it is.
    const inPlace = grows || startMs === endMs
    const joined = inPlace ? noSessions : found.map((session) => this.#joined(session))
    const value = this.#folded(found, record)
    if (grows) {
      rows.grow(only, startMs, endMs, this.#kept(record, value))
      return
    }
    return this.#replace(record, joined, 0, startMs, endMs, value)
  }

  #joined(session: SessionRow<unknown>): JoinedSession {
    const { startMs, endMs } = session
    return { startMs, endMs, oldValue: this.#keepsOld ? this.#rows.copyOf(session) : null }
  }

  /** The joint accumulator of the sessions found, with the record. */
  #folded(found: readonly SessionRow<unknown>[], record: FlowRecord): unknown {
    const fold = this.#fold
    const { initial } = fold
    const { key, value } = record
    const rows = this.#rows
    const node = this.#context.nodeName
    for (const session of found) rows.protect(session)
    try {
      let accumulator = initial ? initial() : null
      for (const session of found) {
        // Downstream may hold the live object, unless it is known to get copies.
        const other = fold.inPlace ? session.value : rows.copyOf(session)
        accumulator = checked(this.#merge(accumulator, other, key), node, 'merge callback')
      }
      return !initial && accumulator === null ? value : fold.add(accumulator, value, key)
    } catch (error) {
      for (const session of found) rows.undo(session)
      throw error
    }
  }

  /** Removes the sessions joined from `first` on, then writes the joint one. */
  #replace(
    record: FlowRecord,
    joined: readonly JoinedSession[],
    first: number,
    startMs: number,
    endMs: number,
    value: unknown,
  ): void | Promise<void> {
    const { key } = record
    for (let i = first; i < joined.length; i++) {
      const session = joined[i]!
      this.#rows.write(key, session.startMs, session.endMs, null)
      const removal = this.#forward(record, session.startMs, session.endMs, null, session.oldValue)
      if (removal)
        return removal.then(() => this.#replace(record, joined, i + 1, startMs, endMs, value))
    }
    const rows = this.#rows
    rows.write(key, startMs, endMs, this.#kept(record, value))
    const copies = this.#forwards && isObject(value) && this.#fold.inPlace
    const forwarded = copies ? rows.copyOf({ value, timestampMs: -1 }) : value
    return this.#forward(record, startMs, endMs, forwarded, null)
  }

  /** What the store is given: a copy of what is not the fold's own. */
  #kept({ value }: FlowRecord, accumulator: unknown): unknown {
    return isForeign(accumulator, value)
      ? this.#rows.copyOf({ value: accumulator, timestampMs: -1 })
      : accumulator
  }

  #forward(
    record: FlowRecord,
    startMs: number,
    endMs: number,
    newValue: unknown,
    oldValue: unknown,
  ): void | Promise<void> {
    if (!this.#forwards) return
    // Kafka Streams loses the headers here where there is no cache (semantics 1.7); so do we.
    return this.#context.forward(
      new FlowRecord(
        sessionKey(record.key, startMs, endMs),
        new Change(newValue, oldValue),
        endMs,
        new HeaderList(),
        record.metadata,
      ),
    )
  }
}

/** How two accumulators become one; for a reducer, null is neutral. */
const mergeOf = ({ fold, merge }: SessionWindowAggregateOptions, node: string): Merge => {
  switch (fold.kind) {
    case 'count':
      return (a: number, b: number) => a + b
    case 'reduce':
      return (a, b, key) => (a === null ? b : fold.reduce(a, b, key))
    case 'aggregate':
      if (merge) return merge
      throw new TypeError(`${node}: an aggregate over sessions needs a merge callback`)
  }
}

/** Sessions with end in [lastClose, close − 1]. */
const closedSessions =
  (rows: SessionRows<unknown, any>) =>
  (
    lastCloseMs: number | undefined,
    closeMs: number,
  ): AsyncIterable<readonly ClosedWindow[]> | undefined =>
    closeMs < 1 ? undefined : withKeys(rows.closed(lastCloseMs ?? 0, closeMs - 1))

async function* withKeys(
  closed: AsyncIterable<readonly FoundSession<unknown, unknown>[]>,
): AsyncIterable<readonly ClosedWindow[]> {
  for await (const some of closed)
    yield some.map(({ key, startMs, endMs, value }) => ({
      key: sessionKey(key, startMs, endMs),
      value,
      timestampMs: endMs,
    }))
}
