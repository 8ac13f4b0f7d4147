// The part of an iteration in which records and callbacks run, task after task. A task whose processor
// or punctuator is asynchronous is left out until it is through; the others go on.
import type { Clock } from '../clock.js'
import type { StreamTask } from './stream-task.js'
import type { RunningTask } from './task-manager.js'

/** How long records are processed before the event loop has its turn, ms. */
const sliceMs = 5
const recordsPerTurn = 64
/** The same where time stands still. */
const maxRecordsPerSlice = 20_000

/** Whose turn it is, and whom to tell. */
export interface SlicesOptions {
  readonly running: () => Iterable<RunningTask>
  readonly clock: Clock
  /** Something asynchronous failed. */
  readonly failed: (error: unknown) => void
  /** Something asynchronous is through. */
  readonly wake: () => void
}

/** Gives every task its turn. */
export class Slices {
  readonly #o: SlicesOptions

  constructor(options: SlicesOptions) {
    this.#o = options
  }

  /** Processes until nothing is ready or a few ms have passed; gives the number of records. */
  process(startMs: number): number {
    const { clock } = this.#o
    let total = 0
    for (;;) {
      let round = 0
      for (const running of this.#o.running()) {
        if (running.busy !== undefined) continue
        const processed = running.task.processUpTo(recordsPerTurn)
        if (typeof processed === 'number') round += processed
        else this.#waitFor(running, processed)
      }
      total += round
      if (round === 0 || total >= maxRecordsPerSlice || clock.nowMs() - startMs >= sliceMs) break
    }
    return total
  }

  /** Only the task of what is asynchronous waits; the others go on. */
  #waitFor(running: RunningTask, work: Promise<unknown>): void {
    running.busy = work.then(
      () => {
        running.busy = undefined
        this.#o.wake()
      },
      (error: unknown) => {
        running.busy = undefined
        this.#o.failed(error)
      },
    )
  }

  /** Runs the callbacks that are due, stream time first; whether there were any. */
  punctuate(): boolean {
    let ran = false
    for (const running of this.#o.running()) {
      if (running.busy !== undefined) continue
      running.task.summarizeDropped()
      const done = punctuateTask(running.task)
      if (typeof done !== 'boolean') this.#waitFor(running, done)
      ran ||= done !== false
    }
    return ran
  }

  /** Waits for asynchronous processors. */
  async settle(): Promise<void> {
    for (const { busy } of this.#o.running()) await busy
  }
}

function punctuateTask(task: StreamTask): boolean | Promise<boolean> {
  const onWall = (): boolean | Promise<boolean> =>
    task.wallPunctuations.nextDueMs !== undefined && task.punctuateWall()
  const streamed = task.streamPunctuations.nextDueMs !== undefined && task.punctuateStream()
  if (typeof streamed !== 'boolean') return streamed.then(onWall)
  const walled = onWall()
  return typeof walled === 'boolean' ? streamed || walled : walled
}
