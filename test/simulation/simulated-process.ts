// A process of an application on a virtual clock, disk and log: it can be cut off at any await, and
// started again with what its disk had synced.
import type { Clock } from '../../src/clock.js'
import type { EmbeddedClient } from '../../src/embedded/embedded-client.js'
import type { EmbeddedTransport } from '../../src/embedded/embedded.js'
import { openClient } from '../../src/kafka/transport.js'
import { silentLogger, type Logger } from '../../src/logger.js'
import type { StateDirectory } from '../../src/runtime/state-directory.js'
import { StreamsApplication } from '../../src/runtime/streams-application.js'
import { resolveConfig, type CommonConfig } from '../../src/runtime/streams-config.js'
import { MemoryDatabase } from '../../src/state/memory-database.js'
import type { FrozenTopology } from '../../src/topology/topology-node.js'
import { VirtualDisk } from '../state/virtual-disk.js'

export interface ProcessOptions {
  readonly name: string
  readonly topology: FrozenTopology
  readonly config: CommonConfig
  readonly transport: EmbeddedTransport
  readonly clock: Clock
  readonly logger?: Logger
  /** Called at every await of opening, commit and persist; may never return. */
  readonly reached: (step: string) => void | Promise<void>
}

/** One machine: its disk survives, its processes do not. */
export class SimulatedProcess {
  readonly disk = new VirtualDisk()
  readonly #o: ProcessOptions
  #tasks = new Set<string>()
  #client: EmbeddedClient | undefined
  app: StreamsApplication | undefined
  /** Grows with each start; what an earlier process still tries is ignored by it. */
  life = 0

  constructor(options: ProcessOptions) {
    this.#o = options
  }

  get client(): EmbeddedClient | undefined {
    return this.#client
  }

  start(): void {
    const { topology, config, transport, clock, reached } = this.#o
    const logger = this.#o.logger ?? silentLogger
    const life = ++this.life
    const alive = (): boolean => this.life === life
    this.app = new StreamsApplication(topology, resolveConfig({ ...config, logger, transport }), {
      clock,
      openClient: async () => {
        const client = await transport[openClient]({ clock, logger })
        if (alive()) this.#client = client
        else await client.kill()
        return client
      },
      openDirectory: () => this.#directory(),
      memoryDatabase: () => new MemoryDatabase(),
      yieldTurn: () => new Promise((resolve) => setImmediate(resolve)),
      reached: (step) => (alive() ? reached(step) : new Promise(() => {})),
    })
    this.app.start().catch(() => {})
  }

  /** Power off: nothing more is sent, and the disk keeps `keep` of its unsynced writes. */
  crash(keep: number): void {
    this.life++
    void this.#client?.kill()
    this.#client = undefined
    this.app = undefined
    this.disk.crash(keep)
  }

  async close(): Promise<void> {
    await this.app?.close()
  }

  /** Tasks with a folder on the disk. */
  get folders(): readonly string[] {
    return [...this.#tasks].toSorted()
  }

  /** Everything on the disk is gone. */
  wipe(): void {
    ;(this as { disk: VirtualDisk }).disk = new VirtualDisk()
    this.#tasks = new Set()
  }

  #directory(): StateDirectory {
    const tasks = this.#tasks
    const { disk, life } = this
    return {
      directory: `/${this.#o.name}`,
      processId: this.#o.name,
      taskIds: () => [...tasks],
      open: (taskId) => {
        if (this.life !== life) return new Promise(() => {})
        tasks.add(taskId)
        return disk.open(taskId)
      },
      remove: async (taskId) => {
        if (this.life !== life) return new Promise(() => {})
        disk.remove(taskId)
        tasks.delete(taskId)
      },
      release: () => {},
    }
  }
}
