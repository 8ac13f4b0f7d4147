// The states of an application, as in Java.
//
//   CREATED ──▶ REBALANCING ◀──▶ RUNNING
//      │             │  └──────────┤ └──▶ PENDING_ERROR ──▶ ERROR
//      └─────────────┴─────────────┴────▶ PENDING_SHUTDOWN ──▶ NOT_RUNNING
import { IllegalStateError } from '../errors.js'

/** Where an application stands in its life. */
export type StreamsState =
  | 'CREATED'
  | 'REBALANCING'
  | 'RUNNING'
  | 'PENDING_SHUTDOWN'
  | 'NOT_RUNNING'
  | 'PENDING_ERROR'
  | 'ERROR'

const transitions: Readonly<Record<StreamsState, readonly StreamsState[]>> = {
  CREATED: ['REBALANCING', 'PENDING_SHUTDOWN'],
  REBALANCING: ['RUNNING', 'PENDING_SHUTDOWN', 'PENDING_ERROR'],
  RUNNING: ['REBALANCING', 'PENDING_SHUTDOWN', 'PENDING_ERROR'],
  PENDING_SHUTDOWN: ['NOT_RUNNING'],
  NOT_RUNNING: [],
  PENDING_ERROR: ['ERROR'],
  ERROR: [],
}

const ending: ReadonlySet<StreamsState> = new Set([
  'PENDING_SHUTDOWN',
  'NOT_RUNNING',
  'PENDING_ERROR',
  'ERROR',
])

/** Called with each change, once. */
export type StateListener = (next: StreamsState, before: StreamsState) => void

/** The current state and who wants to know. */
export class StateMachine {
  #state: StreamsState = 'CREATED'
  readonly #listeners = new Set<StateListener>()

  get state(): StreamsState {
    return this.#state
  }

  get isEnding(): boolean {
    return ending.has(this.#state)
  }

  /**
   * Changes the state; false when it is the state already, or when it ends and the change is not
   * one that ending takes.
   * @throws IllegalStateError for a change that the table above does not have
   */
  change(next: StreamsState): boolean {
    const before = this.#state
    if (next === before) return false
    if (!transitions[before].includes(next)) {
      if (this.isEnding) return false
      throw new IllegalStateError(`cannot go from ${before} to ${next}`)
    }
    this.#state = next
    for (const listener of [...this.#listeners]) listener(next, before)
    return true
  }

  /** The result stops listening. */
  listen(listener: StateListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
