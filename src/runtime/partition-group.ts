// Picks the next record of a task: the one with the smallest timestamp over all partitions.
import type { FlowRecord } from '../topology/stream-record.js'
import { DueHeap } from './due-heap.js'
import type { RecordQueue } from './record-queue.js'

/**
 * Records of a partition that are in the log and neither buffered nor processed, as far as the last
 * fetch tells; `undefined` when unknown.
 */
export type LagOf = (queue: RecordQueue) => number | undefined

/** The queues of one task; owns its stream time. */
export class PartitionGroup {
  readonly queues: readonly RecordQueue[]
  /** Highest timestamp of any record taken, -1 at first. */
  streamTimeMs = -1
  /** How often processing went on with an empty partition. */
  enforcedProcessing = 0
  /** Those with a record. */
  readonly #heap = new DueHeap<RecordQueue>()
  readonly #maxTaskIdleMs: number
  readonly #idleDeadlines = new Map<RecordQueue, number>()

  constructor(queues: readonly RecordQueue[], maxTaskIdleMs: number) {
    this.queues = queues
    this.#maxTaskIdleMs = maxTaskIdleMs
  }

  /** Bytes that wait in all queues. */
  get byteLength(): number {
    let bytes = 0
    for (const queue of this.queues) bytes += queue.byteLength
    return bytes
  }

  get isEmpty(): boolean {
    return this.#heap.size === 0
  }

  add(
    queue: RecordQueue,
    sources: Parameters<RecordQueue['add']>[0],
    byteLength: number,
    nextOffset: number,
  ): void {
    const had = queue.hasHead
    queue.add(sources, byteLength, nextOffset)
    if (!had && queue.hasHead) this.#heap.add(queue)
  }

  /**
   * Whether a record may be taken now (`max.task.idle.ms` of Kafka Streams): -1 whenever there is
   * one · 0 when each empty partition is known to be read to its end · above 0 when it also stayed
   * empty for that long.
   */
  ready(nowMs: number, lagOf: LagOf): boolean {
    if (this.#heap.size === 0) return false
    if (this.#heap.size === this.queues.length) {
      if (this.#idleDeadlines.size > 0) this.#idleDeadlines.clear()
      return true
    }
    if (this.#maxTaskIdleMs < 0) return true
    let ready = true
    for (const queue of this.queues) {
      if (queue.hasHead) {
        this.#idleDeadlines.delete(queue)
        continue
      }
      const lag = lagOf(queue)
      if (lag === undefined || lag > 0) {
        this.#idleDeadlines.delete(queue)
        ready = false
      } else if (this.#maxTaskIdleMs > 0) {
        let deadlineMs = this.#idleDeadlines.get(queue)
        if (deadlineMs === undefined)
          this.#idleDeadlines.set(queue, (deadlineMs = nowMs + this.#maxTaskIdleMs))
        if (nowMs < deadlineMs) ready = false
      }
    }
    if (ready) this.enforcedProcessing++
    return ready
  }

  /** The queue whose record `take` gives next. */
  peek(): RecordQueue | undefined {
    return this.#heap.first
  }

  /**
   * Takes the next record of `queue`, which is what `peek` gave, and moves stream time on.
   * @throws what made the record undecodable; it counts as taken then.
   */
  take(queue: RecordQueue): FlowRecord {
    if (this.queues.length === 1) return this.#takeOnly(queue)
    this.#heap.removeFirst()
    try {
      const record = queue.take()
      if (record.timestampMs > this.streamTimeMs) this.streamTimeMs = record.timestampMs
      return record
    } finally {
      if (queue.hasHead) this.#heap.add(queue)
    }
  }

  #takeOnly(queue: RecordQueue): FlowRecord {
    try {
      const record = queue.take()
      if (record.timestampMs > this.streamTimeMs) this.streamTimeMs = record.timestampMs
      return record
    } finally {
      if (!queue.hasHead) this.#heap.clear()
    }
  }
}
