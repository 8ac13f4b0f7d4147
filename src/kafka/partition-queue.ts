// The batches of one partition on their way out: which wait, which are on the wire, and the
// sequence numbers that let the broker tell a repetition from a gap.
import type { RecordBatchBuilder } from './record-batch-builder.js'

const maxInt32 = 2 ** 31 - 1

/** The sequence `count` records after `sequence`; numbers start again at 0 after 2^31 - 1. */
export const sequenceAfter = (sequence: number, count: number): number =>
  sequence > maxInt32 - count ? count - (maxInt32 - sequence) - 1 : sequence + count

/** A batch that was handed over and is not acknowledged. */
export interface OutgoingBatch {
  readonly queue: PartitionQueue
  readonly builder: RecordBatchBuilder
  readonly byteLength: number
  readonly acknowledged: ((baseOffset: number) => void) | undefined
  readonly deadlineMs: number
  /** What goes over the wire, made when it leaves first and the same in each repetition. */
  bytes: Buffer | undefined
}

export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  nextSequence = 0
  /**
   * Whether the broker has accepted a batch of this producer epoch. Until then it would accept any
   * sequence number, so that a second batch could overtake a first one that comes back.
   */
  established = false
  /** In order; those that come back from the wire stand in front again. */
  waiting: OutgoingBatch[] = []
  /** In the order in which they were sent. */
  onWire: OutgoingBatch[] = []
  /** Sent, not accepted, to be sent again once nothing is on the wire any more. */
  #returned: OutgoingBatch[] = []
  /** Where `onWire` went: a new leader gets nothing before the old one has answered. */
  nodeId = -1
  notBeforeMs = 0
  failures = 0

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  /** Whether a batch came back and those sent behind it are still awaited. */
  get returning(): boolean {
    return this.#returned.length > 0
  }

  get idle(): boolean {
    return this.waiting.length === 0 && this.onWire.length === 0 && !this.returning
  }

  settle(batch: OutgoingBatch): void {
    const at = this.onWire.indexOf(batch)
    if (at >= 0) this.onWire.splice(at, 1)
  }

  /** Takes a batch back from the wire, to be sent again in its place. */
  giveBack(batch: OutgoingBatch): void {
    this.settle(batch)
    this.#returned.push(batch)
  }

  /** Once the wire is empty, puts what came back in front, in its old order. */
  requeue(): void {
    if (this.onWire.length > 0 || !this.returning) return
    this.waiting = [...this.#returned, ...this.waiting]
    this.#returned = []
  }

  /** Forgets everything; whether a sequence number was given to something unacknowledged. */
  clear(): boolean {
    const used = this.returning || this.onWire.length > 0 || this.waiting[0]?.bytes !== undefined
    this.waiting = []
    this.onWire = []
    this.#returned = []
    this.notBeforeMs = 0
    this.failures = 0
    return used
  }
}
