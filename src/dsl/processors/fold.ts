// What the folds of all aggregations share: `count`, `reduce` and `aggregate` as one shape, and how
// their callbacks are called. A fold may change its accumulator in place; nobody else may see that.
import type { LiveRow } from '../../state/live-row.js'
import type { TaskStore } from '../../state/state-store.js'
import { checked } from './checked.js'
import type { Fold } from './operator-options.js'

/**
 * How values become an accumulator. Without `initial`, as in `reduce`, the first value is the
 * accumulator. Null is a deletion.
 */
export interface Folder {
  readonly initial: (() => unknown) | undefined
  readonly add: (accumulator: any, value: any, key: any) => unknown
  /** What the callback is called in errors. */
  readonly callback: string
}

const countFolder: Folder = {
  initial: () => 0,
  add: (count: number) => count + 1,
  callback: 'count',
}

/** The one shape of a fold. */
export const folderOf = (fold: Fold): Folder => {
  switch (fold.kind) {
    case 'count':
      return countFolder
    case 'reduce':
      return { initial: undefined, add: fold.reduce, callback: 'reducer' }
    case 'aggregate':
      return { initial: fold.initial, add: fold.add, callback: 'add callback' }
  }
}

/** What calls need of a store, to take back what a callback that throws has done. */
export interface ProtectedRows {
  protect(row: LiveRow<any>): void
  undo(row: LiveRow<any>): void
}

/** What is known of the callbacks on a store: how many, and whether one changes what it is given. */
interface Callers {
  callbacks: number
  inPlace: boolean
}

const callersOf = new WeakMap<TaskStore, Callers>()

/** The calls of one fold in one node. */
export class FoldCalls {
  readonly initial: (() => unknown) | undefined
  readonly #folder: Folder
  readonly #node: string
  readonly #callers: Callers

  constructor(folder: Folder, node: string, store: TaskStore) {
    this.initial = folder.initial
    this.#folder = folder
    this.#node = node
    this.#callers = callersOf.get(store) ?? { callbacks: 0, inPlace: false }
    this.#callers.callbacks++
    callersOf.set(store, this.#callers)
  }

  /**
   * Whether what goes downstream must be a copy, since the live object changes with the next record:
   * the fold was seen to return the accumulator that it was given, or there are other callbacks on
   * the store, of which one may change what another one made.
   */
  get inPlace(): boolean {
    return this.#callers.inPlace || this.#callers.callbacks > 1
  }

  /** @throws ProcessingError when the callback gives no value, and whatever it throws */
  add(accumulator: unknown, value: unknown, key: unknown): unknown {
    const { add, callback } = this.#folder
    const result = checked(add(accumulator, value, key), this.#node, callback)
    if (result === accumulator && isObject(result)) this.#callers.inPlace = true
    return result
  }

  /** The accumulator of the first value of a key. */
  first(value: unknown, key: unknown): unknown {
    return this.initial === undefined ? value : this.add(this.initial(), value, key)
  }

  /** The next accumulator of a row, which stays what it was when the callback throws. */
  next(rows: ProtectedRows, row: LiveRow<unknown>, value: unknown, key: unknown): unknown {
    rows.protect(row)
    try {
      return this.add(row.value, value, key)
    } catch (error) {
      rows.undo(row)
      throw error
    }
  }
}

export const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null

/**
 * Whether somebody else may hold a fold's result and see changes made to it in place: the fold
 * returned the record's own value, as a reducer that picks the later of two does.
 */
export const isForeign = (result: unknown, value: unknown): boolean =>
  result === value && isObject(result)
