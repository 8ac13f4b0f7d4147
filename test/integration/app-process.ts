// Starts workers in processes of their own and follows what they say. Every wait has a limit and
// ends when the process does.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { WorkerTask } from './worker.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = fileURLToPath(
  new URL('../../.cache/build/test/integration/worker.js', import.meta.url),
)

let compiled = false

function compileWorkers(): void {
  if (compiled) return
  compiled = true
  execFileSync(process.execPath, ['scripts/tools.js'], { cwd: root, stdio: ['ignore', 2, 2] })
}

export interface WorkerEvent {
  readonly event:
    | 'starting'
    | 'restoring'
    | 'running'
    | 'processing'
    | 'committed'
    | 'persisting'
    | 'persisted'
    | 'rebalancing'
    | 'stopped'
    | 'failed'
  readonly afterMs?: number
  /** By the clock of the machine. */
  readonly atMs?: number
  /** Whose rows are persisted. */
  readonly task?: string
  /** Records read from changelogs so far. */
  readonly restored?: number
  readonly message?: string
}

export class AppProcess {
  readonly events: WorkerEvent[] = []
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  #output = ''
  #errors = ''
  #waiting: (() => void)[] = []

  constructor(task: WorkerTask) {
    compileWorkers()
    this.#child = spawn(process.execPath, [program, JSON.stringify(task)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child.stdout?.on('data', (chunk: Buffer) => this.#read(chunk.toString()))
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()))
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', () => {
        this.#wake()
        resolve()
      })
    })
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** What it wrote to stderr: warnings, errors. */
  get errors(): string {
    return this.#errors
  }

  /** The first such event. @throws when the process ends, or fails, or `timeoutMs` pass before it. */
  async until(event: WorkerEvent['event'], timeoutMs = 30_000): Promise<WorkerEvent> {
    const deadlineMs = Date.now() + timeoutMs
    for (;;) {
      const found = this.events.find((e) => e.event === event)
      if (found) return found
      const failed = this.events.find((e) => e.event === 'failed')
      if (failed || this.hasEnded || Date.now() > deadlineMs)
        throw new Error(
          `no '${event}' after ${JSON.stringify(this.events)}${failed?.message ?? ''}\n${this.#errors.slice(-4000)}`,
        )
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(500, deadlineMs - Date.now() + 1))
        this.#waiting.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  /** SIGKILL: nothing is committed, nobody is told. */
  async kill(): Promise<void> {
    if (!this.hasEnded) this.#child.kill('SIGKILL')
    await this.#ended
  }

  /** SIGTERM and an orderly end; killed after 20 s. */
  async stop(): Promise<void> {
    if (this.hasEnded) return
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), 20_000)
    this.#child.kill('SIGTERM')
    await this.#ended
    clearTimeout(killer)
  }

  #read(text: string): void {
    this.#output += text
    const lines = this.#output.split('\n')
    this.#output = lines.pop() ?? ''
    for (const line of lines) this.events.push(JSON.parse(line) as WorkerEvent)
    this.#wake()
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
