// Finds out who changes an object after it was written: the object is a row of the store, and the change
// would be in it without having been written. For tests, since it costs each object a second encoding.
import { StateStoreError } from '../errors.js'
import { compareBytes } from './byte-keys.js'

export class ValueGuard {
  readonly #store: string
  readonly #written = new WeakMap<object, Uint8Array>()

  constructor(store: string) {
    this.#store = store
  }

  /** Notes what an object is when it becomes a row; its bytes must not change. */
  written(value: object, bytes: Uint8Array): void {
    this.#written.set(value, bytes)
  }

  /**
   * Compares what an object is written as now; `again` writes it once more.
   * @throws StateStoreError when the object became a row with other bytes
   */
  check(value: object, bytes: Uint8Array, again: () => Uint8Array): void {
    const before = this.#written.get(value)
    if (before === undefined || compareBytes(before, bytes) === 0) return
    // A serde that encrypts writes no value twice alike: it says nothing.
    if (compareBytes(bytes, again()) !== 0) return
    throw new StateStoreError(
      `store ${this.#store}: the object of a row was changed after it was written, by a callback downstream ` +
        'or by the one that made it; return a changed copy such as { ...row, seen: true }',
    )
  }
}
