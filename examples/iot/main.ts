// Wiring: simulated plants feed the log, the pipeline runs on it, and a live view reads the results.
// A run that ends by itself checks everything ever written against the plain model.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { KafkaStreams, embedded, topicClient, type TopicClient } from 'millrace'
import { LiveView, Rate, grouped } from '../support/live-view.js'
import { Messages } from '../support/messages.js'
import type { ExampleOptions } from '../support/options.js'
import { Tail } from '../support/tail.js'
import { summarize, type RunStart, type Summary } from './check.js'
import { plants } from './events.js'
import { Simulation } from './simulate.js'
import iot from './topology.js'
import {
  alertsTopic,
  averagesTopic,
  enrichedTopic,
  hoppingTopic,
  plantTopic,
  sensorsTopic,
} from './topics.js'

const applicationId = 'iot-demo'
const partitions = 2
/** Simulated seconds per second, unless `--speed` says otherwise. */
const defaultSpeed = 20
/** The sensor that the live view asks the running store about. */
const asked = { plant: 'north', sensor: 'north-s05' } as const

/** Runs the example until Ctrl-C, or for `seconds`; the exit code. */
export default async function main(options: ExampleOptions): Promise<number> {
  const folder = join(process.cwd(), '.demo', options.brokers ? 'iot-kafka' : 'iot')
  if (options.fresh) rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const where = options.brokers
    ? { brokers: options.brokers }
    : { transport: embedded({ directory: join(folder, 'log') }) }

  const log = topicClient(where)
  const simulation = new Simulation({ seed: 1 })
  await prepareTopics(log, simulation)
  const arrivedMs = await lastArrival(log)
  const runs = await noteStart(log, join(folder, 'runs.json'))

  const messages = new Messages()
  const streams = new KafkaStreams(iot(), {
    ...where,
    applicationId,
    processingGuarantee: 'exactly_once_v2',
    stateDir: join(folder, 'state'),
    logger: messages,
  })
  const stop = new AbortController()
  const onSignal = () => stop.abort()
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  try {
    await streams.start()
    const endMs = options.seconds === undefined ? Infinity : Date.now() + options.seconds * 1000
    const simulator = simulate(
      log,
      simulation,
      arrivedMs,
      options.speed ?? defaultSpeed,
      stop.signal,
    )
    const view = watch(log, streams, simulator, messages, options, runs.length)
    while (Date.now() < endMs && !stop.signal.aborted) {
      await view.update()
      if (streams.state === 'ERROR') throw new Error('the pipeline has stopped with an error')
      await delay(250, undefined, { signal: stop.signal }).catch(() => {})
    }
    const endedByItself = !stop.signal.aborted
    stop.abort()
    await simulator.done
    if (!endedByItself) {
      process.stdout.write('\nstopping …\n')
      await streams.close()
      process.stdout.write('stopped; run the same command again to go on from here\n')
      return 0
    }
    await caughtUp(log)
    await view.update()
    await streams.close()
    return printSummary(await summarize(log, runs), runs.length)
  } finally {
    await streams.close()
    await log.close()
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}

async function prepareTopics(log: TopicClient, simulation: Simulation): Promise<void> {
  await log.createTopics([
    ...plants.map((plant) => ({ name: plantTopic(plant).name, partitions })),
    { name: sensorsTopic.name, configs: { 'cleanup.policy': 'compact' } },
    { name: alertsTopic.name },
    ...[enrichedTopic, averagesTopic, hoppingTopic].map(({ name }) => ({ name, partitions })),
  ])
  const ends = await log.endOffsets(sensorsTopic.name)
  if ([...ends.values()].some((end) => end > 0)) return
  const rows = [...simulation.metadata()].map(([key, value]) => ({ key, value }))
  await log.send(sensorsTopic, rows)
}

/** When the last record of an earlier run arrived, `undefined` in an empty log. */
async function lastArrival(log: TopicClient): Promise<number | undefined> {
  let lastMs: number | undefined
  for (const plant of plants)
    for await (const { timestampMs } of log.read(plantTopic(plant)))
      lastMs = Math.max(lastMs ?? 0, timestampMs)
  return lastMs
}

/** Notes where this run begins to read, which the model has to know, after those before it. */
async function noteStart(log: TopicClient, file: string): Promise<readonly RunStart[]> {
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as RunStart[]) : []
  const start: Record<string, Record<number, number>> = {}
  for (const plant of plants)
    start[plant] = Object.fromEntries(await log.committed(applicationId, plantTopic(plant).name))
  const runs = [...before, start]
  writeFileSync(file, JSON.stringify(runs))
  return runs
}

interface Simulator {
  readonly sent: () => number
  readonly nowMs: () => number
  readonly done: Promise<void>
}

/** Sends second after second of simulated time until told to stop. */
function simulate(
  log: TopicClient,
  simulation: Simulation,
  lastMs: number | undefined,
  speed: number,
  signal: AbortSignal,
): Simulator {
  let secondMs = Math.floor((lastMs === undefined ? Date.now() : lastMs + 1000) / 1000) * 1000
  let sent = 0
  const run = async () => {
    let dueMs = Date.now()
    while (!signal.aborted) {
      const records = simulation.second(secondMs)
      for (const plant of plants)
        await log.send(
          plantTopic(plant),
          records
            .filter((r) => r.plant === plant)
            .map(({ key, value, arrivedMs }) => ({ key, value, timestampMs: arrivedMs })),
        )
      sent += records.length
      secondMs += 1000
      dueMs = Math.max(dueMs + 1000 / speed, Date.now() - 1000)
      await delay(Math.max(0, dueMs - Date.now()), undefined, { signal }).catch(() => {})
    }
  }
  return { sent: () => sent, nowMs: () => secondMs, done: run() }
}

function watch(
  log: TopicClient,
  streams: KafkaStreams<ReturnType<typeof iot>['~stores']>,
  simulator: Simulator,
  messages: Messages,
  options: ExampleOptions,
  runs: number,
) {
  const view = new LiveView()
  const alerts = new Tail(log, alertsTopic)
  const enriched = new Tail(log, enrichedTopic)
  const averages = new Tail(log, averagesTopic)
  const [inRate, outRate] = [new Rate(), new Rate()]
  let recent: string[] = []
  const means = new Map<string, string>()
  return {
    async update(): Promise<void> {
      for (const { value } of await alerts.read())
        if (value) recent.push(`${value.datetime}  ${value.source}: ${value.reason}`)
      recent = recent.slice(-3)
      await enriched.read()
      for (const { key, value } of await averages.read())
        if (key !== null && value)
          means.set(key, `${key} ${grouped(value.mean)} (${value.count} readings)`)
      const toMs = simulator.nowMs()
      const rows = await streams
        .store(`averages-${asked.plant}`)
        .fetch(asked.sensor, { fromMs: toMs - 180_000, toMs })
      const dropped = streams.metrics().get('dropped-records-total') ?? 0
      const clock = new Date(toMs).toISOString().slice(0, 19)
      view.draw([
        `millrace: simulated plants on ${options.brokers?.join(',') ?? 'an embedded log'}, run ${runs}, ${streams.state}`,
        `simulated time ${clock}   sent ${grouped(simulator.sent())} (${grouped(inRate.update(simulator.sent()))}/s)`,
        `joined with type ${grouped(enriched.count)} (${grouped(outRate.update(enriched.count))}/s)   alerts ${grouped(alerts.count)}   averages ${grouped(averages.count)} updates`,
        `dropped, as it should: ${grouped(dropped)} too late, or with a clock that runs ahead`,
        'latest alerts:',
        ...Array.from({ length: 3 }, (_, i) => `  ${recent[i] ?? ''}`),
        `averages: ${['harbour-s06', 'north-s06', 'south-s06'].map((s) => means.get(s) ?? s).join('   ')}`,
        `query: means of ${asked.sensor} in the last minutes: ${rows.map((r) => grouped(r.value.sum / r.value.count)).join(', ') || 'none yet'}`,
        ...(messages.last === '' ? [] : [`log: ${messages.last}`]),
        'Ctrl-C stops; the next run goes on from here',
      ])
    },
  }
}

/** Waits until the pipeline has committed everything that arrived. @throws after a minute. */
async function caughtUp(log: TopicClient): Promise<void> {
  const deadlineMs = Date.now() + 60_000
  for (;;) {
    let behind = 0
    for (const plant of plants) {
      const { name } = plantTopic(plant)
      const committed = await log.committed(applicationId, name)
      for (const [partition, end] of await log.endOffsets(name))
        behind += end - (committed.get(partition) ?? 0)
    }
    if (behind === 0) return
    if (Date.now() > deadlineMs) throw new Error(`still ${behind} records behind after a minute`)
    await delay(100)
  }
}

function printSummary({ rows, model, inputs }: Summary, runs: number): number {
  const lines = rows.map(
    ({ what, pipeline, model: expected, equal }) =>
      `  ${equal ? 'ok      ' : 'DIFFERS '} ${what}: ${grouped(pipeline)}, the model has ${grouped(expected)}`,
  )
  const differs = rows.some((row) => !row.equal)
  process.stdout.write(
    [
      '',
      `${grouped(inputs)} simulated records in ${runs} ${runs === 1 ? 'run' : 'runs'}; of them`,
      `  ${grouped(model.refused)} refused, their clock runs ahead · ${grouped(model.unknown)} of sensors that nobody registered`,
      `  ${grouped(model.late)} times too late for a window`,
      'results of all runs against the plain model:',
      ...lines,
      differs ? 'the results DIFFER from the model' : 'all results equal the model',
      '',
    ].join('\n'),
  )
  return differs ? 1 : 0
}
