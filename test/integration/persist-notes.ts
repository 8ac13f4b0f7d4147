// What killed workers noted of their commits and persists: how much of the changelogs the next start
// may have to read, and whether each persist began when it was due.
import type { WorkerEvent } from './app-process.js'

/** Counts, per task and over runs, the commits whose rows are not known to be on the disk. */
export class UnpersistedCommits {
  /** Before and after the last persist began. */
  readonly #tasks: Map<string, { before: number; after: number }>

  constructor(tasks: readonly string[]) {
    this.#tasks = new Map(tasks.map((task) => [task, { before: 0, after: 0 }]))
  }

  /** Of the task that has most. */
  get most(): number {
    return Math.max(...[...this.#tasks.values()].map(({ before, after }) => before + after))
  }

  /** Takes in what one process noted until it was killed. */
  add(events: readonly WorkerEvent[]): void {
    for (const { event, task = '' } of events) {
      if (event === 'committed') this.#count()
      const { before, after } = this.#tasks.get(task) ?? { before: 0, after: 0 }
      // Until it is through, a kill may leave nothing of it.
      if (event === 'persisting') this.#tasks.set(task, { before: before + after, after: 0 })
      if (event === 'persisted') this.#tasks.set(task, { before: 0, after })
    }
    // The kill may have come between the end of a transaction and its note.
    this.#count()
  }

  #count(): void {
    for (const counts of this.#tasks.values()) counts.after++
  }
}

/**
 * Persists that did not begin when they were due. One is due an interval after the last one began,
 * or when that one is through, and the first commit that ends from then on is followed by it; so a
 * second commit is one too many.
 */
export function latePersists(events: readonly WorkerEvent[], intervalMs: number): string[] {
  const late: string[] = []
  const tasks = new Map<string, { begunMs: number; isUnderWay: boolean; missed: number }>()
  for (const { event, task = '', atMs = 0 } of events) {
    const found = tasks.get(task)
    if (event === 'persisting') tasks.set(task, { begunMs: atMs, isUnderWay: true, missed: 0 })
    if (event === 'persisted' && found) found.isUnderWay = false
    // A rebalance commits too, and then goes on with the iteration.
    if (event === 'rebalancing') tasks.clear()
    if (event !== 'committed') continue
    for (const [name, { begunMs, isUnderWay, missed }] of tasks) {
      if (isUnderWay || atMs < begunMs + intervalMs) continue
      tasks.set(name, { begunMs, isUnderWay, missed: missed + 1 })
      if (missed > 0) late.push(`${name}: none ${atMs - begunMs} ms after the last one began`)
    }
  }
  return late
}
