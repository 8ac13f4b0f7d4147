// The engine's row of a key and a stretch of time, whose value is a list. `timeMs` is the number of
// the bucket. An empty list is no row.
import { RAW, Row } from './row.js'

/** A list in memory, in whatever form. */
export interface EntryList {
  /** Whether it has nothing for the engine. */
  readonly isEmpty: boolean
}

export class BucketRow<K, L extends EntryList> extends Row<K, L> {
  override get present(): boolean {
    return (this.flags & RAW) !== 0 || (this.value !== null && !this.value.isEmpty)
  }
}
