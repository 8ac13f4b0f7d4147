// About how many rows a part of a database has, known without waiting: a count in the background plus
// what was written since. A row that was put over another is counted twice until the next count.

export class RowCount {
  readonly #countRows: () => Promise<number>
  #counted = 0
  #since = 0
  #writes = 0
  #counting = false

  /** Starts counting at once; a failure leaves the estimate as it is. */
  constructor(countRows: () => Promise<number>) {
    this.#countRows = countRows
    void this.#count()
  }

  /** Puts less deletions of a batch that was written. */
  wrote(change: number): void {
    this.#since += change
    this.#writes++
  }

  /** Asking starts a new count where something was written. */
  get estimate(): number {
    if (this.#writes > 0) void this.#count()
    return Math.max(0, this.#counted + this.#since)
  }

  async #count(): Promise<void> {
    if (this.#counting) return
    this.#counting = true
    const { since, writes } = { since: this.#since, writes: this.#writes }
    try {
      this.#counted = await this.#countRows()
      this.#since -= since
      this.#writes -= writes
    } catch {
      // The database is being closed.
    } finally {
      this.#counting = false
    }
  }
}
