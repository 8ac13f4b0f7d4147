// The loop that does the work: fetch, process, punctuate, commit, persist. It yields to the event
// loop every few milliseconds, and whatever changes its tasks waits for the end of an iteration.
//
//   joining ──▶ running ◀──▶ recovering (tasks are made anew from the last commit)
//      └───────────┴──────────────┴──▶ closing ──▶ closed;  failed from everywhere
import { TaskCorruptedError } from '../errors.js'
import type { Fetcher, GroupMember } from '../kafka/client.js'
import { backOff } from './back-off.js'
import { ChangelogReader } from './changelog-reader.js'
import { Committer } from './committer.js'
import { Membership } from './membership.js'
import { Persister } from './persister.js'
import { RecordPump } from './record-pump.js'
import { RecordCollector } from './record-collector.js'
import { SafePoints } from './safe-points.js'
import { RepartitionPurge } from './repartition-purge.js'
import { Slices } from './slices.js'
import { FinalError, isFenced, isSurvivable } from './survivable-errors.js'
import { TaskManager, type OpeningResult } from './task-manager.js'
import type { ThreadOptions } from './thread-options.js'
import { unitOfWork, type UnitOfWork } from './unit-of-work.js'

/** With more bytes unsent the loop waits. */
const maxPendingBytes = 32 * 2 ** 20
/** How long an open batch waits when the loop has run dry, and when it has not, ms. */
const lingerMs = 3
const busyLingerMs = 20
const idleMs = 200

/** One thread's work; `options.events` tells what happens to it. */
export class StreamThread {
  readonly tasks: TaskManager
  readonly member: GroupMember
  readonly #o: ThreadOptions
  readonly #unit: UnitOfWork
  readonly #collector: RecordCollector
  readonly #fetcher: Fetcher
  readonly #reader: ChangelogReader
  readonly #committer: Committer
  readonly #pump: RecordPump
  readonly #persister: Persister
  readonly #slices: Slices
  readonly #safePoints: SafePoints
  readonly #membership: Membership
  readonly #opened: OpeningResult[] = []
  readonly #retry = backOff()
  #failure: { readonly error: unknown } | undefined
  #closing = false
  #work: Promise<void> | undefined
  #step = 'starting'
  #wasRunning = false

  constructor(options: ThreadOptions) {
    this.#o = options
    const { client, config, directory, clock } = options
    const isolation = config.exactlyOnce ? 'read_committed' : 'read_uncommitted'
    this.#unit = unitOfWork({
      client,
      exactlyOnce: config.exactlyOnce,
      transactionalId: `${config.applicationId}-${directory.processId}-1`,
      transactionTimeoutMs: config.transactionTimeoutMs,
      delay: options.delay,
    })
    this.#collector = new RecordCollector({
      producer: this.#unit,
      clock,
      maxRecordBytes: config.maxRequestSize,
    })
    this.#fetcher = client.fetcher({ isolation })
    this.#pump = new RecordPump(this.#fetcher)
    this.#safePoints = new SafePoints(() => this.#fetcher.wake())
    this.#persister = new Persister({
      config,
      clock,
      failed: (error) => this.#fail(error),
      reached: options.reached,
    })
    this.#slices = new Slices({
      running: () => this.tasks.running.values(),
      clock,
      failed: (error) => this.#fail(error),
      wake: () => this.#fetcher.wake(),
    })
    const environment = {
      ...options.environment(this.#collector),
      wake: () => this.#fetcher.wake(),
    }
    this.#reader = new ChangelogReader({ ...environment, client, isolation })
    this.#membership = new Membership(options, () => ({
      tasks: this.tasks,
      committer: this.#committer,
      pump: this.#pump,
      safePoints: this.#safePoints,
      abandon: () => this.#abandon({ keepAssigned: false }),
      failed: (error) => this.#fail(error),
    }))
    this.member = this.#membership.member
    this.tasks = new TaskManager(
      {
        topology: options.topology,
        config,
        environment,
        client,
        member: this.member,
        directory,
        memoryDatabase: options.memoryDatabase,
        reader: this.#reader,
        lagOf: (queue) => this.#pump.lagOf(queue),
        reached: options.reached && ((step) => options.reached!(`open.${step}`)),
      },
      (result) => {
        this.#opened.push(result)
        this.#fetcher.wake()
      },
    )
    this.#committer = new Committer({
      config,
      clock,
      running: () => this.tasks.running.values(),
      collector: this.#collector,
      unit: this.#unit,
      member: this.member,
      purge: new RepartitionPurge(client.admin, environment),
      settled: async () => {
        await this.#slices.settle()
        this.#throwFailure()
      },
      committed: options.committed,
      reached: options.reached,
    })
  }

  /** Begins; resolves once the group is being joined. @throws KafkaError when the log refuses us. */
  async start(): Promise<void> {
    await this.#unit.renew()
    if (this.#closing) return
    this.member.start()
    this.#work = this.#run()
  }

  /** Whether every assigned task processes. */
  get isRunning(): boolean {
    return this.#membership.isSettled && this.tasks.allRunning
  }

  /** Records that stores which are being restored still miss. */
  get recordsToRestore(): number {
    return this.#reader.remaining
  }

  /** Records in the log that are not fetched yet, over all partitions. */
  get lag(): number {
    let lag = 0
    for (const { sources } of this.tasks.running.values())
      for (const source of sources) lag += this.#pump.lagOf(source) ?? 0
    return lag
  }

  /** Where it stands, for logs and tests. */
  describe(): string {
    const buffered = this.tasks.tasks.map((t) => `${t.taskId}:${t.group.byteLength}`).join(' ')
    return `${this.#step}, buffered ${buffered || 'nothing'}, waiting ${this.#safePoints.waiting}`
  }

  /** Ends the calls that are open, where closing takes too long; they are made again later. */
  giveUp(): void {
    this.tasks.giveUp()
  }

  /** Finishes the iteration, commits, persists, leaves the group. */
  async close(): Promise<void> {
    this.#closing = true
    this.#fetcher.wake()
    if (this.#work === undefined) await this.#closeParts()
    else await this.#work
  }

  // ---------- the loop

  async #run(): Promise<void> {
    while (!this.#closing) {
      try {
        await this.#iterate()
      } catch (error) {
        if (this.#closing) break
        // What gave tasks up comes first: their calls fail because of it.
        if (!(await this.#recovered(this.#failure === undefined ? error : this.#failure.error)))
          return
      }
    }
    await this.#shutDown()
  }

  async #iterate(): Promise<void> {
    this.#throwFailure()
    this.#step = 'commands'
    if (this.isRunning !== this.#wasRunning) {
      this.#wasRunning = this.isRunning
      this.#o.events.changed()
    }
    if (await this.#safePoints.reached(() => this.#slices.settle())) this.#o.events.changed()
    this.#adoptOpened()
    const { clock } = this.#o
    const nowMs = clock.nowMs()
    this.#membership.followUp(nowMs)
    for (const { task } of this.tasks.running.values()) task.systemTimeMs = nowMs
    this.#step = 'processing'
    this.#pump.poll(this.tasks)
    const processed = this.#slices.process(nowMs)
    this.#pump.resume()
    const punctuated = this.#slices.punctuate()
    this.#throwFailure()
    this.#step = 'committing'
    await this.#committer.commitIfDue()
    this.#persister.persistWhereDue(this.tasks.running.values())
    // During a rebalance nobody knows yet what stays here.
    if (this.#wasRunning) this.tasks.cleanState()
    this.#handOver(processed === 0)
    if (this.#collector.pendingBytes > maxPendingBytes)
      await this.#collector.drained(maxPendingBytes / 2)
    if (processed > 0) this.#retry.reset()
    this.#step = 'idle'
    if (processed === 0 && !punctuated) await this.#idle()
    else await this.#o.yieldTurn()
  }

  #handOver(dry: boolean): void {
    const since = this.#collector.openSinceMs
    if (since < 0) return
    const waitedMs = this.#o.clock.nowMs() - since
    const isDue = dry
      ? this.#unit.pendingBytes === 0 || waitedMs >= lingerMs
      : waitedMs >= busyLingerMs
    if (isDue) this.#collector.handOver()
  }

  async #idle(): Promise<void> {
    if (this.#safePoints.waiting > 0 || this.#opened.length > 0 || this.#closing) return
    const { clock } = this.#o
    const nowMs = clock.nowMs()
    let dueMs = nowMs + idleMs
    if (this.#collector.openSinceMs >= 0) dueMs = Math.min(dueMs, nowMs + lingerMs)
    for (const running of this.tasks.running.values()) {
      const { task } = running
      if (task.needsCommit) dueMs = Math.min(dueMs, this.#committer.dueMs)
      // A busy task wakes the thread when it is through.
      const wallDueMs = running.busy === undefined ? task.wallPunctuations.nextDueMs : undefined
      if (wallDueMs !== undefined) dueMs = Math.min(dueMs, wallDueMs)
      dueMs = Math.min(dueMs, this.#persister.dueMs(running))
      // Another partition is waited for, and its being empty wakes nobody.
      if (running.busy === undefined && !task.group.isEmpty) dueMs = Math.min(dueMs, nowMs + 10)
    }
    await this.#fetcher.wait(Math.max(1, dueMs - nowMs))
    // An embedded log may answer at once; the event loop still has its turn.
    await this.#o.yieldTurn()
  }

  // ---------- what waits for the end of an iteration

  #adoptOpened(): void {
    for (let result = this.#opened.shift(); result; result = this.#opened.shift()) {
      if ('error' in result) throw result.error
      const running = this.tasks.adopt(result)
      if (running !== undefined) this.#pump.start(result)
      this.#o.events.changed()
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    // Nothing of them will be committed, so nobody is to wait for it.
    this.tasks.giveUp()
    this.#fetcher.wake()
  }

  #throwFailure(): void {
    const failure = this.#failure
    if (failure === undefined) return
    this.#failure = undefined
    throw failure.error
  }

  // ---------- when something went wrong

  /** Makes the tasks anew from the last commit where that can help; false when the thread has ended. */
  async #recovered(cause: unknown): Promise<boolean> {
    this.#step = 'recovering'
    let error = cause
    while (isSurvivable(error)) {
      const delayMs = this.#retry.next()
      this.#o.environmentLogger.warn(
        { error, delayMs },
        'processing is taken up again from the last commit',
      )
      try {
        const fenced = isFenced(error)
        if (error instanceof TaskCorruptedError && error.task !== undefined)
          this.tasks.markCorrupted(error.task)
        await this.#abandon({ keepAssigned: true })
        await this.#o.delay(delayMs)
        if (this.#closing) return true
        await this.#unit.renew()
        if (fenced) this.member.rejoin()
        this.tasks.reopen()
        this.#o.events.changed()
        return true
      } catch (next) {
        if (this.#closing) return true
        error = next
      }
    }
    await this.#end(error instanceof FinalError ? error.error : error)
    return false
  }

  /** Drops what is not committed and closes every task; their committed rows stay. */
  async #abandon(how: { readonly keepAssigned: boolean }): Promise<void> {
    this.tasks.giveUp()
    await this.#slices.settle()
    const ids = this.tasks.assignedIds
    this.#pump.stop(ids, this.tasks)
    this.#failure = undefined
    this.#opened.length = 0
    try {
      await this.tasks.close(ids, { abort: true, keepAssigned: how.keepAssigned })
    } finally {
      this.#collector.discard()
    }
    if (!how.keepAssigned) await this.#unit.renew()
  }

  async #end(error: unknown): Promise<void> {
    this.#closing = true
    this.#o.events.failing(error)
    const steps: (() => Promise<void>)[] = [
      () => this.#abandon({ keepAssigned: true }),
      () => this.#closeParts(),
    ]
    for (const step of steps)
      try {
        await step()
      } catch (another) {
        this.#o.environmentLogger.error({ error: another }, 'closing after a failure')
      }
    this.#o.events.failed(error)
  }

  async #shutDown(): Promise<void> {
    this.#step = 'closing'
    try {
      await this.#slices.settle()
      this.#throwFailure()
      await this.#committer.commit()
    } catch (error) {
      this.#o.environmentLogger.error(
        { error },
        'the last commit failed; it will be processed again',
      )
      await this.#abandon({ keepAssigned: true }).catch(() => {})
    }
    try {
      this.#pump.stop(this.tasks.assignedIds, this.tasks)
      await this.tasks.close(this.tasks.assignedIds, { abort: false })
    } catch (error) {
      this.#o.environmentLogger.error({ error }, 'closing tasks after the last commit')
    } finally {
      await this.#closeParts()
    }
  }

  async #closeParts(): Promise<void> {
    this.#safePoints.end()
    await this.#reader.close().catch(() => {})
    await this.member.close().catch(() => {})
    await this.#unit.close().catch(() => {})
    await this.#fetcher.close().catch(() => {})
  }
}
