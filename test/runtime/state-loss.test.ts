// What becomes of local state that is damaged, cannot be written, or belongs to another topology.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.js'
import { StateStoreError, TaskCorruptedError } from '../../src/errors.js'
import { clientOf } from '../../src/kafka/transport.js'
import { silentLogger } from '../../src/logger.js'
import { StreamsApplication } from '../../src/runtime/streams-application.js'
import { resolveConfig } from '../../src/runtime/streams-config.js'
import { long, string } from '../../src/serde/serdes.js'
import type { Database } from '../../src/state/bytes-store.js'
import { MemoryDatabase } from '../../src/state/memory-database.js'
import { keyValueStore } from '../../src/state/stores.js'
import { countTopology, EmbeddedBench } from './embedded-bench.js'

let bench: EmbeddedBench
beforeEach(async () => void (bench = await EmbeddedBench.open('in', 'out')))
afterEach(() => bench.close())

const counts = async (total: number): Promise<number[]> =>
  (await bench.received('out', total))
    .map(({ value }) => Number(value!.readBigInt64BE()))
    .toSorted((a, b) => a - b)

/** The same application on databases that `open` makes; folders are names in memory. */
function appOn(open: (taskId: string) => Promise<Database>): {
  app: StreamsApplication
  removed: string[]
} {
  const removed: string[] = []
  const config = resolveConfig({
    applicationId: 'app',
    transport: bench.transport,
    processingGuarantee: 'exactly_once_v2',
    commitIntervalMs: 5,
    persistIntervalMs: 5,
    logger: silentLogger,
  })
  const app = new StreamsApplication(countTopology().freeze(), config, {
    clock: systemClock,
    openClient: () => clientOf(bench.transport, { clock: systemClock, logger: silentLogger }),
    openDirectory: () => ({
      directory: 'memory',
      processId: 'process',
      taskIds: () => [],
      open,
      remove: async (taskId) => void removed.push(taskId),
      release: () => {},
    }),
    memoryDatabase: () => new MemoryDatabase(),
    yieldTurn: () => new Promise((resolve) => setImmediate(resolve)),
  })
  return { app, removed }
}

/** A memory database whose writes or reads fail as told. */
class FailingDatabase extends MemoryDatabase {
  constructor(
    readonly failure: () => Error | undefined,
    readonly on: 'read' | 'write',
  ) {
    super()
  }

  override get(key: Uint8Array): Uint8Array | undefined {
    const failure = this.on === 'read' ? this.failure() : undefined
    if (failure !== undefined) throw failure
    return super.get(key)
  }

  override async write(...args: Parameters<MemoryDatabase['write']>): Promise<void> {
    const failure = this.on === 'write' ? this.failure() : undefined
    if (failure !== undefined) throw failure
    return super.write(...args)
  }
}

it('a full disk ends it with a remedy, and nothing is lost', async () => {
  await bench.send('in', ['a', '1'])
  const full = new StateStoreError(
    'cannot write the database in x: the disk is full; free some space',
  )
  const { app } = appOn(async () => new FailingDatabase(() => full, 'write'))
  const ended = new Promise<void>((resolve) => {
    app.listen((next) => next === 'ERROR' && resolve())
  })
  await app.start().catch(() => {})
  await ended
  expect((app.failure as Error).message).toMatch(/disk is full/)
  await bench.send('in', ['a', '2'])
  await bench.app(countTopology()).start()
  expect(await counts(2)).toEqual([1, 2])
})

it('a database found damaged while it is read is dropped and restored', async () => {
  await bench.send('in', ['a', '1'])
  let isDamaged = false
  const damaged = (): Error | undefined =>
    isDamaged ? new TaskCorruptedError('the database is damaged') : undefined
  // They outlive the application, as folders do: what begins without rows is not read.
  const databases = new Map<string, Database>()
  const open = async (taskId: string): Promise<Database> => {
    const database = databases.get(taskId) ?? new FailingDatabase(damaged, 'read')
    database.close = async () => {}
    databases.set(taskId, database)
    return database
  }
  const before = appOn(open)
  await before.app.start()
  await counts(1)
  await before.app.close()
  const { app, removed } = appOn(async (taskId) =>
    removed.includes(taskId) ? new MemoryDatabase() : open(taskId),
  )
  await app.start()
  isDamaged = true
  await bench.send('in', ['a', '2'], ['a', '3'])
  expect(await counts(3)).toEqual([1, 2, 3])
  expect(removed).toHaveLength(1)
  expect(app.metrics.totals().get('state-wiped-total')).toBe(1)
  await app.close()
})

it('a store that is added to a running application starts empty, and the others go on', async () => {
  await bench.send('in', ['a', '1'])
  const first = bench.app(countTopology())
  await first.start()
  await counts(1)
  await first.close()
  const more = countTopology().addProcessor('more', () => ({ process() {} }), {
    parents: ['in'],
    stores: { more: keyValueStore({ key: string(), value: long() }) },
  })
  await bench.send('in', ['a', '2'])
  const second = bench.app(more)
  await second.start()
  expect(await counts(2)).toEqual([1, 2])
  expect(await second.store('more').get('a')).toBeUndefined()
})

it('a task folder that was deleted is restored from the changelog', async () => {
  await bench.send('in', ['a', '1'], ['a', '2'])
  const first = bench.app(countTopology())
  await first.start()
  await counts(2)
  await first.close()
  rmSync(join(bench.stateDir, 'app', '0_1'), { recursive: true })
  await bench.send('in', ['a', '3'])
  await bench.app(countTopology()).start()
  expect(await counts(3)).toEqual([1, 2, 3])
})
