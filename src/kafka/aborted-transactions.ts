// Which batches a read-committed reader passes over. A broker tells, with each answer, which
// transactions in its range were aborted and where each began; where it ends, its marker says.
import { markerType } from './control-batch.js'
import type { BatchHeader } from './batch-header.js'

/** One aborted transaction of an answer: its producer and the offset of its first record. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

/** Give it every batch of one answer in order (KafkaConsumer's algorithm). */
export class AbortedTransactions {
  /** By first offset, those that begin first last. */
  readonly #waiting: AbortedTransaction[]
  readonly #aborting = new Set<number>()

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#waiting = [...aborted].sort((a, b) => b.firstOffset - a.firstOffset)
  }

  /** Whether the records of this batch belong to an aborted transaction. */
  covers(buffer: Uint8Array, header: BatchHeader): boolean {
    for (let next = this.#waiting.at(-1); next; next = this.#waiting.at(-1)) {
      if (next.firstOffset > header.lastOffset) break
      this.#aborting.add(next.producerId)
      this.#waiting.pop()
    }
    if (!header.transactional || !this.#aborting.has(header.producerId)) return false
    if (!header.control) return true
    if (markerType(buffer, header) === 'abort') this.#aborting.delete(header.producerId)
    return false
  }
}
