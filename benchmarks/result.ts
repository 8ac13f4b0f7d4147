// What a benchmark gives.

export interface Result {
  /** Records a second. */
  readonly rate: number
  /** What is expected at least, in records a second. */
  readonly expected: number | undefined
  readonly note: string
}
