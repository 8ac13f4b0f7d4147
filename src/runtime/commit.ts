// The commit, in its one order; nothing else decides it. The stream thread and the test driver both
// run it. Rows reach a store's engine only after it, by `persist`, and a failure before the last
// step leaves the stores' committed rows as they were.
import type { PartitionOffset } from '../kafka/client.js'
import type { RecordCollector } from './record-collector.js'

/** What the commit needs of a task. */
export interface CommittableTask {
  /** Waits for work that was begun. */
  settle(): void | Promise<void>
  /** Forwards what record caches hold back, store after store. */
  flushCaches(): void | Promise<void>
  /** Serializes each dirty row once and logs it. */
  writeChangelogs(): void
  /** The next offsets to read, of partitions whose position moved since the last commit. */
  offsetsToCommit(): readonly PartitionOffset[]
  /** What was logged and consumed is committed. */
  committed(offsets: readonly PartitionOffset[]): void
}

/** Ends the unit of work: commits the offsets, in the transaction where there is one. */
export type EndOfWork = (offsets: readonly PartitionOffset[]) => Promise<void>

/** The steps by name, in order; simulations stop at each. */
export type CommitStep = 'settled' | 'flushed' | 'logged' | 'acknowledged' | 'ended' | 'committed'

/**
 * Commits tasks together.
 * @throws whatever a step throws; nothing counts as committed then.
 */
export async function commitTasks(
  tasks: readonly CommittableTask[],
  collector: Pick<RecordCollector, 'flush'>,
  end: EndOfWork,
  reached?: (step: CommitStep) => void | Promise<void>,
): Promise<void> {
  // 1. No call of an asynchronous processor is left open.
  for (const task of tasks) await task.settle()
  await reached?.('settled')
  // 2. Record caches flow downstream, each task's stores in order of addition. This may process,
  //    send and dirty further rows.
  for (const task of tasks) {
    await task.flushCaches()
    await task.settle()
  }
  await reached?.('flushed')
  // 3. Each dirty row is serialized once and becomes a changelog record.
  for (const task of tasks) task.writeChangelogs()
  await reached?.('logged')
  // 4. Everything sent is acknowledged, so that offsets never run ahead of results. Offsets may not
  //    be sent to a transaction while a batch is in flight either (transaction version 2).
  await collector.flush()
  await reached?.('acknowledged')
  // 5. The offsets of all tasks end the unit of work together.
  const offsets = tasks.map((task) => task.offsetsToCommit())
  await end(offsets.flat())
  await reached?.('ended')
  // 6. Only now do rows count as committed; a persist may write them from here on.
  tasks.forEach((task, n) => task.committed(offsets[n]!))
  await reached?.('committed')
}
