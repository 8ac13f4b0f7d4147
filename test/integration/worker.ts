// A program under test in a process of its own, so that it can be killed. Its argument is JSON; it
// reports as lines of JSON on stdout. SIGTERM stops it cleanly.
import { basename } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  KafkaStreams,
  StreamsBuilder,
  closeOnSignals,
  json,
  string,
  type StreamsConfig,
  type Topology,
} from '../../src/index.js'
import { KafkaTransactionalProducer } from '../../src/kafka/transactional-producer.js'
import { LevelDatabase } from '../../src/state/level-database.js'

/** Counts per group: the key's part before the dash, so that records change partition on the way. */
function counts(input: string, output: string): Topology {
  const builder = new StreamsBuilder({ key: string(), value: json() })
  builder
    .stream(input, { value: json<number>() })
    .groupBy((_value, key) => (key ?? '').split('-')[0] ?? '')
    .aggregate({
      initial: () => ({ count: 0, sum: 0 }),
      add: (a, value) => ({ count: a.count + 1, sum: a.sum + value }),
      store: 'counts',
      caching: false, // every update is a record, so that each one can be checked
    })
    .toStream()
    .to(output)
  return builder.build()
}

/** Keeps numbers above 10, adds one. */
function filtered(input: string, output: string): Topology {
  const builder = new StreamsBuilder({ key: string(), value: json() })
  builder
    .stream(input, { value: json<number>() })
    .filter((value) => value > 10)
    .mapValues((value) => value + 1)
    .to(output)
  return builder.build()
}

export interface WorkerTask {
  readonly topology: 'counts' | 'filtered'
  readonly input: string
  readonly output: string
  readonly config: StreamsConfig
}

const say = (event: object): void => void process.stdout.write(`${JSON.stringify(event)}\n`)

/** Notes each end of a transaction, and when a task's rows begin to be written and are on the disk. */
function noteCommitsAndPersists(): void {
  const { prototype } = KafkaTransactionalProducer
  const { commit } = prototype
  prototype.commit = async function () {
    await commit.call(this)
    say({ event: 'committed', atMs: Date.now() })
  }
  const { open } = LevelDatabase
  LevelDatabase.open = async (directory, options) => {
    const task = basename(directory)
    const database = await open(directory, options)
    const write = database.write.bind(database)
    database.write = async (batch, how) => {
      say({ event: 'persisting', task, atMs: Date.now() })
      await write(batch, how)
      say({ event: 'persisted', task, atMs: Date.now() })
    }
    return database
  }
}

const task = JSON.parse(process.argv[2] ?? '') as WorkerTask
const topology = { counts, filtered }[task.topology](task.input, task.output)
noteCommitsAndPersists()
const streams = new KafkaStreams(topology, task.config)
closeOnSignals(streams)
streams.onStateChange((next, before) => {
  if (before === 'RUNNING' && next === 'REBALANCING') say({ event: 'rebalancing' })
})

const sum = (name: string): number => {
  let total = 0
  for (const [key, value] of streams.metrics()) if (key.startsWith(name)) total += value
  return total
}

say({ event: 'starting', pid: process.pid })
const startedMs = Date.now()
let restoring = false
const restoreWatch = setInterval(() => {
  const restored = sum('restore-records-total')
  if (restored === 0 || restoring) return
  restoring = true
  say({ event: 'restoring', restored })
}, 5)
try {
  await streams.start()
  clearInterval(restoreWatch)
  say({ event: 'running', afterMs: Date.now() - startedMs, restored: sum('restore-records-total') })
  let reported = false
  for (;;) {
    const { state } = streams
    if (state === 'ERROR' || state === 'NOT_RUNNING') {
      say({ event: state === 'ERROR' ? 'failed' : 'stopped' })
      break
    }
    if (!reported && sum('process-total') > 0) {
      say({ event: 'processing', afterMs: Date.now() - startedMs })
      reported = true
    }
    await delay(20)
  }
} catch (error) {
  say({ event: 'failed', message: String(error) })
}
clearInterval(restoreWatch)
