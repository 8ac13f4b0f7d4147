// Which folders of tasks are deleted, and when, on a clock that the test moves.
import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../../src/clock.js'
import { EmbeddedTransport } from '../../src/embedded/embedded.js'
import { openClient } from '../../src/kafka/transport.js'
import { silentLogger } from '../../src/logger.js'
import { StateCleaner } from '../../src/runtime/state-cleaner.js'
import { SimulatedProcess } from '../simulation/simulated-process.js'
import { countTopology } from './embedded-bench.js'

const minuteMs = 60_000

class Scene {
  readonly clock = new VirtualClock(5_000)
  readonly folders = new Set<string>()
  readonly owned = new Map<string, true>()
  readonly cleaner: StateCleaner
  fails = false

  constructor(delayMs: number) {
    this.cleaner = new StateCleaner({
      directory: {
        taskIds: () => {
          if (this.fails) throw new Error('the disk is away')
          return [...this.folders]
        },
        remove: async (id) => {
          if (this.fails) throw new Error('the disk is away')
          this.folders.delete(id)
        },
      },
      delayMs,
      clock: this.clock,
      logger: silentLogger,
    })
  }

  own(id: string): void {
    this.folders.add(id)
    this.owned.set(id, true)
    this.cleaner.keep(id)
  }

  /** Lets time pass, looking every second. */
  pass(ms: number): string[] {
    for (let passed = 0; passed < ms; passed += 1_000) {
      this.clock.advance(1_000)
      this.cleaner.clean(this.owned)
    }
    return [...this.folders]
  }
}

describe('a folder', () => {
  it('is deleted when its task was elsewhere for the whole delay, not before', () => {
    const scene = new Scene(10 * minuteMs)
    scene.own('0_0')
    scene.own('0_1')
    scene.pass(20 * minuteMs)
    scene.owned.delete('0_1')
    expect(scene.pass(9.9 * minuteMs)).toEqual(['0_0', '0_1'])
    expect(scene.pass(minuteMs)).toEqual(['0_0'])
  })

  it('of an earlier run waits for the delay too', () => {
    const scene = new Scene(10 * minuteMs)
    scene.folders.add('0_1')
    expect(scene.pass(9.9 * minuteMs)).toEqual(['0_1'])
    expect(scene.pass(minuteMs)).toEqual([])
  })

  it('is kept when its task comes back, however short it stays', () => {
    const scene = new Scene(10 * minuteMs)
    scene.folders.add('0_1')
    scene.pass(9 * minuteMs)
    scene.own('0_1')
    scene.owned.delete('0_1')
    expect(scene.pass(9.9 * minuteMs)).toEqual(['0_1'])
    expect(scene.pass(minuteMs)).toEqual([])
  })

  it('is deleted at once where there is no delay, and never where the delay is infinite', () => {
    const now = new Scene(0)
    now.folders.add('0_1')
    expect(now.pass(2_000)).toEqual([])
    const never = new Scene(Infinity)
    never.folders.add('0_1')
    expect(never.pass(100 * minuteMs)).toEqual(['0_1'])
  })

  it('may be left where the disk does not answer', async () => {
    const scene = new Scene(minuteMs)
    scene.folders.add('0_1')
    scene.fails = true
    scene.pass(5 * minuteMs)
    await Promise.resolve()
    scene.fails = false
    expect(scene.pass(2 * minuteMs)).toEqual([])
  })
})

describe('the folder of a task that moved to another process', () => {
  const turns = async (clock: VirtualClock, done: () => boolean): Promise<void> => {
    for (let n = 0; n < 5_000 && !done(); n++) {
      for (let k = 0; k < 3; k++) await new Promise((resolve) => setImmediate(resolve))
      clock.advance(50)
    }
    expect(done()).toBe(true)
  }

  it('is deleted after the delay; what the processes own stays', async () => {
    const clock = new VirtualClock(0)
    const transport = new EmbeddedTransport({})
    const client = await transport[openClient]({ clock, logger: silentLogger })
    const topic = { partitions: 2, replicationFactor: -1, configs: {} }
    await client.admin.createTopics([
      { name: 'in', ...topic },
      { name: 'out', ...topic },
    ])
    const [first, second] = ['first', 'second'].map(
      (name) =>
        new SimulatedProcess({
          name,
          topology: countTopology().freeze(),
          config: { applicationId: 'app', sessionTimeoutMs: 300, stateCleanupDelayMs: minuteMs },
          transport,
          clock,
          reached: () => {},
        }),
    ) as [SimulatedProcess, SimulatedProcess]
    const running = (process: SimulatedProcess): boolean => process.app?.state === 'RUNNING'
    first.start()
    await turns(clock, () => running(first) && first.folders.length === 2)
    second.start()
    await turns(clock, () => running(first) && running(second) && second.folders.length === 1)
    expect(first.folders).toEqual(['0_0', '0_1'])
    const movedMs = clock.nowMs()
    await turns(clock, () => first.folders.length === 1)
    expect(clock.nowMs() - movedMs).toBeGreaterThanOrEqual(minuteMs)
    expect([...first.folders, ...second.folders].toSorted()).toEqual(['0_0', '0_1'])
    const before = clock.nowMs()
    await turns(clock, () => clock.nowMs() - before > 3 * minuteMs)
    expect([...first.folders, ...second.folders].toSorted()).toEqual(['0_0', '0_1'])
    for (const process of [first, second]) {
      let closed = false
      void process.close().then(() => (closed = true))
      await turns(clock, () => closed)
    }
    await client.close()
  })
})
