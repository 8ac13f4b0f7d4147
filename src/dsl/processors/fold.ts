// What the folds of all aggregations share: `count`, `reduce` and `aggregate` as one shape.
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

/**
 * Whether somebody else may hold a fold's result and see changes made to it in place: the fold
 * returned the record's own value, as a reducer that picks the later of two does.
 */
export const isForeign = (result: unknown, value: unknown): boolean =>
  result === value && typeof result === 'object' && result !== null
