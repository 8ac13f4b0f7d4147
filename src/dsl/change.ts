// What travels between table operators as a record's value: the row after the update and before it.

/**
 * An update of a row. Null means absent or deleted. `oldValue` is only meaningful where downstream
 * asked for old values, else it is null; `isLatest` is false for out-of-order updates of versioned tables.
 */
export class Change<V = unknown> {
  readonly newValue: V | null
  readonly oldValue: V | null
  readonly isLatest: boolean

  constructor(newValue: V | null, oldValue: V | null, isLatest = true) {
    this.newValue = newValue
    this.oldValue = oldValue
    this.isLatest = isLatest
  }
}
