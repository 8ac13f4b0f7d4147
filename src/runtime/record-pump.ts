// Moves fetched batches into the queues of tasks, and pauses partitions whose queues are full.
import { TaskMigratedError } from '../errors.js'
import {
  OffsetOutOfRangeError,
  partitionKey,
  type Fetcher,
  type TopicPartition,
} from '../kafka/client.js'
import type { RecordQueue } from './record-queue.js'
import type { TaskManager } from './task-manager.js'
import type { OpenedTask } from './task-opener.js'

/** A partition with more bytes buffered is paused. */
const maxBufferedBytes = 2 * 2 ** 20

/** Feeds the tasks of a thread. */
export class RecordPump {
  readonly #fetcher: Fetcher
  readonly #paused = new Set<RecordQueue>()

  constructor(fetcher: Fetcher) {
    this.#fetcher = fetcher
  }

  /** Begins to read for a task that was opened. */
  start(opened: OpenedTask): void {
    for (const { topic, partition } of opened.sources)
      this.#fetcher.add(
        { topic, partition },
        opened.startOffsets.get(partitionKey({ topic, partition }))!,
      )
  }

  /** Reads no more for these tasks, before they are closed. */
  stop(ids: readonly string[], tasks: TaskManager): void {
    for (const id of ids) {
      const running = tasks.running.get(id)
      for (const source of running?.sources ?? []) {
        this.#fetcher.remove(source)
        const queue = running!.task.queue(source)
        if (queue !== undefined) this.#paused.delete(queue)
      }
    }
  }

  /** Moves what has arrived. @throws TaskMigratedError when the log has moved past a position */
  poll(tasks: TaskManager): void {
    for (;;) {
      let fetched
      try {
        fetched = this.#fetcher.poll()
      } catch (error) {
        if (!(error instanceof OffsetOutOfRangeError)) throw error
        // The task is opened again, which decides where to go on.
        throw new TaskMigratedError(error.message, { cause: error })
      }
      if (fetched === undefined) return
      const running = tasks.byPartition(fetched)
      if (running === undefined) continue
      const { task } = running
      task.addRecords(fetched, fetched.batches, fetched.byteLength, fetched.nextOffset)
      const queue = task.queue(fetched)!
      if (queue.byteLength > maxBufferedBytes && !this.#paused.has(queue)) {
        this.#paused.add(queue)
        this.#fetcher.pause({ topic: queue.topic, partition: queue.partition })
      }
    }
  }

  /** Lets partitions go on whose queues have room again. */
  resume(): void {
    for (const queue of this.#paused)
      if (queue.byteLength <= maxBufferedBytes / 2) {
        this.#paused.delete(queue)
        this.#fetcher.resume({ topic: queue.topic, partition: queue.partition })
      }
  }

  /** Records of a partition that are in the log and not fetched; `undefined` before the first answer. */
  lagOf(partition: TopicPartition): number | undefined {
    const end = this.#fetcher.endOffset(partition)
    const position = this.#fetcher.position(partition)
    return end === undefined || position === undefined ? undefined : Math.max(0, end - position)
  }
}
