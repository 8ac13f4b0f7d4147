// Where simulation reaches in: one hook, awaited around every operation that would cross a network.

/** What an operation is about. */
export interface FaultDetail {
  /** The number of the client, in the order in which they were opened, from 0. */
  readonly client: number
}

/**
 * Awaited before an operation reaches the log, by its name, and again, by its name with `.answer`,
 * before its answer reaches the caller: `produce.append`, `transaction.init`, `transaction.offsets`,
 * `transaction.commit`, `transaction.abort`, `fetch.wait`, `group.join`, `group.sync`,
 * `group.heartbeat`, `group.commit`, `group.committed`, `group.leave`, and `admin.` with the method.
 * What it throws, the caller gets: before means the log never heard of it, after that the
 * acknowledgement is lost. A promise that never settles is a request without an answer.
 */
export type Faults = (operation: string, detail: FaultDetail) => void | Promise<void>
