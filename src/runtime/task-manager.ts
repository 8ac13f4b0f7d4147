// The tasks of one stream thread as partitions come and go: opened in the background, closed with
// their committed rows persisted, and made anew from the last commit when something went wrong.
import type { Timer } from '../clock.js'
import { TaskCorruptedError } from '../errors.js'
import { KafkaError, partitionKey, type TopicPartition } from '../kafka/client.js'
import type { FrozenTopology } from '../topology/topology-node.js'
import { backOff } from './back-off.js'
import { closeWithDatabases } from './close-all.js'
import { tasksOf } from './partition-assignor.js'
import { StateCleaner } from './state-cleaner.js'
import type { StreamTask } from './stream-task.js'
import { TaskOpening, type OpenedTask, type TaskOpenerOptions } from './task-opener.js'

/** A task that processes, with what the thread keeps about it. */
export interface RunningTask extends OpenedTask {
  persistedAtMs: number
  /** Whether something was committed since the last persist began. */
  persistable: boolean
  /** A persist that is under way. */
  persisting: Promise<void> | undefined
  /** An asynchronous processor that is under way. */
  busy: Promise<void> | undefined
}

/** How an opening ended. */
export type OpeningResult = OpenedTask | { readonly error: unknown }

/** Owns the tasks; the thread calls it only between records. */
export class TaskManager {
  readonly running = new Map<string, RunningTask>()
  readonly #opening = new Map<string, TaskOpening>()
  readonly #assigned = new Map<string, readonly TopicPartition[]>()
  readonly #retries = new Map<string, ReturnType<typeof backOff>>()
  /** Tasks that are opened again later. */
  readonly #waiting = new Map<string, Timer>()
  readonly #corrupted = new Set<string>()
  readonly #cleaner: StateCleaner
  readonly #byPartition = new Map<string, RunningTask>()
  readonly #o: TaskOpenerOptions
  readonly #topology: FrozenTopology
  /** Called in the background when an opening came to its end. */
  readonly #opened: (result: OpeningResult) => void

  constructor(options: TaskOpenerOptions, opened: (result: OpeningResult) => void) {
    this.#o = options
    this.#topology = options.topology
    this.#cleaner = new StateCleaner({
      directory: options.directory,
      delayMs: options.config.stateCleanupDelayMs,
      clock: options.environment.clock,
      logger: options.environment.logger,
    })
    this.#opened = opened
  }

  /** Whether every assigned task processes. */
  get allRunning(): boolean {
    return this.#opening.size === 0 && this.running.size === this.#assigned.size
  }

  get assignedIds(): readonly string[] {
    return [...this.#assigned.keys()]
  }

  get tasks(): StreamTask[] {
    return [...this.running.values()].map((r) => r.task)
  }

  byPartition(partition: TopicPartition): RunningTask | undefined {
    return this.#byPartition.get(partitionKey(partition))
  }

  /** Tasks, running or opening, that read any of the partitions. */
  affected(partitions: readonly TopicPartition[]): string[] {
    const keys = new Set(partitions.map(partitionKey))
    return [...this.#assigned]
      .filter(([, sources]) => sources.some((s) => keys.has(partitionKey(s))))
      .map(([id]) => id)
  }

  /** Begins to open what is new in an assignment; tells which tasks are no longer in it. */
  assign(partitions: readonly TopicPartition[]): string[] {
    const { names } = this.#o.environment
    const wanted = tasksOf(partitions, this.#topology, names)
    const gone = [...this.#assigned]
      .filter(([id, sources]) => !sameSources(sources, wanted.get(id)))
      .map(([id]) => id)
    for (const [id, sources] of wanted) if (!this.#assigned.has(id)) this.#open(id, sources)
    return gone
  }

  /** Takes an opened task into service, unless it was given away meanwhile. */
  adopt(opened: OpenedTask): RunningTask | undefined {
    const opening = this.#opening.get(opened.id)
    if (opening === undefined || opening.sources !== opened.sources) return undefined
    this.#opening.delete(opened.id)
    const running: RunningTask = {
      ...opened,
      persistedAtMs: this.#o.environment.clock.nowMs(),
      persistable: true,
      persisting: undefined,
      busy: undefined,
    }
    this.running.set(opened.id, running)
    for (const source of opened.sources) this.#byPartition.set(partitionKey(source), running)
    return running
  }

  /**
   * Closes tasks. Their committed rows are persisted; with `abort` what was not committed is
   * dropped first. Forgets the assignment unless `keepAssigned`.
   */
  async close(
    ids: readonly string[],
    how: { readonly abort: boolean; readonly keepAssigned?: boolean },
  ): Promise<void> {
    const failures: unknown[] = []
    for (const id of ids) {
      this.#waiting.get(id)?.cancel()
      this.#waiting.delete(id)
      if (how.keepAssigned !== true) this.#assigned.delete(id)
      await this.#stopOpening(id)
      const running = this.running.get(id)
      if (running === undefined) continue
      this.running.delete(id)
      for (const source of running.sources) this.#byPartition.delete(partitionKey(source))
      try {
        await closeTask(running, how.abort)
      } catch (error) {
        if (error instanceof TaskCorruptedError) this.#corrupted.add(id)
        else failures.push(error)
      }
      if (this.#corrupted.delete(id)) await this.#wipe(id)
    }
    if (failures.length > 0) throw failures[0]
  }

  /** Ends what the tasks have open and cannot commit any more. */
  giveUp(): void {
    for (const { task } of this.running.values()) task.giveUp()
  }

  /** Deletes the folders of tasks that moved away long ago; never while tasks are being closed. */
  cleanState(): void {
    this.#cleaner.clean(this.#assigned)
  }

  /** Opens every assigned task that does not run, after a failure. */
  reopen(): void {
    for (const [id, sources] of this.#assigned)
      if (!this.running.has(id) && !this.#opening.has(id) && !this.#waiting.has(id))
        this.#open(id, [...sources])
  }

  #open(id: string, sources: readonly TopicPartition[]): void {
    this.#assigned.set(id, sources)
    this.#cleaner.keep(id)
    const opening = new TaskOpening(id, sources, this.#o)
    this.#opening.set(id, opening)
    opening.done.then(
      (opened) => {
        this.#retries.delete(id)
        this.#opened(opened)
      },
      (error: unknown) => {
        if (this.#opening.get(id) !== opening) return
        this.#opening.delete(id)
        if (isWorthAnotherTry(error)) this.#openLater(id, sources, error)
        else this.#opened({ error })
      },
    )
  }

  /** Only this task begins anew; the others go on. */
  #openLater(id: string, sources: readonly TopicPartition[], error: unknown): void {
    const { clock, logger } = this.#o.environment
    const retry = this.#retries.get(id) ?? backOff()
    this.#retries.set(id, retry)
    const delayMs = retry.next()
    logger.warn({ task: id, error, delayMs }, 'a task could not be opened; trying again')
    const timer = clock.setTimer(delayMs, () => {
      this.#waiting.delete(id)
      this.#open(id, sources)
    })
    this.#waiting.set(id, timer)
  }

  /** The task's folder goes when it is closed: its database is damaged. */
  markCorrupted(id: string): void {
    this.#corrupted.add(id)
  }

  async #wipe(id: string): Promise<void> {
    const { directory, environment } = this.#o
    const reason = 'LevelDB reports corruption'
    environment.logger.warn({ task: id, reason }, 'local state is dropped and restored')
    environment.metrics.counter('state-wiped-total', { task: id, reason }).add()
    await directory.remove(id)
  }

  async #stopOpening(id: string): Promise<void> {
    const opening = this.#opening.get(id)
    if (opening === undefined) return
    this.#opening.delete(id)
    opening.cancel()
    const opened = await opening.done.catch(() => undefined)
    if (opened === undefined) return
    await closeWithDatabases(opened.task, opened.databases)
  }
}

/** A log that did not answer, or a folder that was damaged and is gone by now. */
const isWorthAnotherTry = (error: unknown): boolean =>
  error instanceof TaskCorruptedError || (error instanceof KafkaError && error.kind === 'retriable')

async function closeTask(running: RunningTask, abort: boolean): Promise<void> {
  const { task, databases } = running
  try {
    if (abort) task.giveUp()
    await running.busy?.catch(() => {})
    await running.persisting?.catch(() => {})
    if (abort) task.aborted()
    // Committed rows only: also in the middle of a transaction.
    if (task.subtopology.stores.length > 0) await task.persist()
  } finally {
    await closeWithDatabases(task, databases)
  }
}

const sameSources = (
  a: readonly TopicPartition[],
  b: readonly TopicPartition[] | undefined,
): boolean => {
  if (b === undefined || a.length !== b.length) return false
  const keys = new Set(a.map(partitionKey))
  return b.every((s) => keys.has(partitionKey(s)))
}
