// Records that are dropped: each is counted, and logged without flooding: the first of a node and
// reason at once, the others as a summary every 30 seconds.
import type { RecordPosition } from '../errors.js'
import type { Logger } from '../logger.js'
import type { Counter, StreamsMetrics } from '../metrics/streams-metrics.js'

const summaryIntervalMs = 30_000

interface Tally {
  readonly node: string
  readonly reason: string
  since: number
}

/** Counts the dropped records of one task. */
export class DroppedRecords {
  readonly #task: string
  readonly #logger: Logger
  readonly #counter: Counter
  readonly #tallies = new Map<string, Map<string, Tally>>()
  #unreported = false
  #summaryDueMs = -1

  constructor(task: string, logger: Logger, metrics: StreamsMetrics) {
    this.#task = task
    this.#logger = logger
    this.#counter = metrics.counter('dropped-records-total', { task })
  }

  drop(node: string, reason: string, position: RecordPosition | undefined): void {
    this.#counter.add()
    let reasons = this.#tallies.get(node)
    if (reasons === undefined) this.#tallies.set(node, (reasons = new Map()))
    const tally = reasons.get(reason)
    if (tally !== undefined) {
      tally.since++
      this.#unreported = true
      return
    }
    reasons.set(reason, { node, reason, since: 0 })
    this.#logger.warn({ task: this.#task, node, reason, ...position }, 'dropped a record')
  }

  /** Logs what was dropped since, when a summary is due. Cheap to call often. */
  summarize(nowMs: number): void {
    if (!this.#unreported) return
    if (this.#summaryDueMs < 0) this.#summaryDueMs = nowMs + summaryIntervalMs
    if (nowMs < this.#summaryDueMs) return
    for (const reasons of this.#tallies.values())
      for (const tally of reasons.values()) {
        if (tally.since === 0) continue
        const { node, reason, since: count } = tally
        this.#logger.warn({ task: this.#task, node, reason, count }, 'dropped more records')
        tally.since = 0
      }
    this.#unreported = false
    this.#summaryDueMs = -1
  }
}
