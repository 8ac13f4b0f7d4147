// Feeds recorded files through the pipeline, as fast as it goes or at a multiple of the speed at
// which they were recorded, and prints what comes out.
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { KafkaStreams, embedded, topicClient, type TopicClient } from 'millrace'
import { LiveView, Rate, grouped } from '../support/live-view.js'
import { Messages } from '../support/messages.js'
import type { ExampleOptions } from '../support/options.js'
import { Tail } from '../support/tail.js'
import { readRecords } from './read-file.js'
import replay, {
  hourlyMeansTopic,
  laneMinutesTopic,
  lanesTopic,
  laneSpeedsTopic,
  readingsTopic,
} from './topology.js'
import type { ReplayRecord } from './parse.js'

const applicationId = 'replay'
const partitions = 2
/** Where recorded data may lie beside the repository. */
const dataFolder = join('..', 'shared', 'data')
const defaultFiles = ['ndw-lanes.txt.gz', 'nab-machine-temperature.csv.gz']

/** Replays the files of the arguments; the exit code. */
export default async function main(options: ExampleOptions): Promise<number> {
  const present = defaultFiles.map((name) => join(dataFolder, name)).filter((f) => existsSync(f))
  const files = options.rest.length > 0 ? options.rest : present
  if (files.length === 0) {
    process.stderr.write(
      `no file given, and ${dataFolder} holds none: npm run example -- replay FILE.csv (lines 'timestamp,value') or FILE.txt (lines 'KEY= JSON'), gzipped or not\n`,
    )
    return 1
  }
  const folder = join(process.cwd(), '.demo', 'replay')
  rmSync(folder, { recursive: true, force: true }) // a replay begins from nothing
  const where = options.brokers ? { brokers: options.brokers } : { transport: embedded() }
  const log = topicClient(where)
  const results = [laneMinutesTopic, laneSpeedsTopic, hourlyMeansTopic]
  await log.createTopics(
    [lanesTopic, readingsTopic, ...results].map(({ name }) => ({ name, partitions })),
  )
  if (!(await isEmpty(log))) {
    process.stderr.write(
      `the topics ${lanesTopic.name} and ${readingsTopic.name} hold records of an earlier replay, which would count twice: delete them first\n`,
    )
    await log.close()
    return 1
  }
  const streams = new KafkaStreams(replay(), {
    ...where,
    applicationId,
    processingGuarantee: 'exactly_once_v2',
    stateDir: join(folder, 'state'),
    logger: new Messages(),
  })
  const stop = new AbortController()
  const onSignal = () => stop.abort()
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  if (options.seconds !== undefined)
    void delay(options.seconds * 1000, undefined, { signal: stop.signal }).then(onSignal, () => {})
  const view = new LiveView()
  const tails = {
    minutes: new Tail(log, laneMinutesTopic),
    speeds: new Tail(log, laneSpeedsTopic),
    hours: new Tail(log, hourlyMeansTopic),
  }
  const rate = new Rate()
  let last = ''
  const draw = async (sent: number, timeMs: number): Promise<void> => {
    await tails.minutes.read()
    for (const { key, value } of [...(await tails.speeds.read()), ...(await tails.hours.read())])
      if (value)
        last = `${key} ${new Date(value.fromMs).toISOString().slice(0, 16)} ${value.mean.toFixed(1)}`
    view.draw([
      `millrace: replaying ${files.join(', ')}`,
      `recorded time ${new Date(timeMs).toISOString().slice(0, 16)}   ${grouped(sent)} records (${grouped(rate.update(sent))}/s)`,
      `lane minutes ${grouped(tails.minutes.count)}   updates of five-minute speeds ${grouped(tails.speeds.count)}   of hourly means ${grouped(tails.hours.count)}`,
      `latest mean: ${last}`,
    ])
  }
  try {
    await streams.start()
    let sent = 0
    let timeMs = 0
    for (const file of files) {
      for await (const batch of paced(readRecords(file), options.speed, stop.signal)) {
        await send(log, batch)
        sent += batch.length
        timeMs = batch.at(-1)?.timeMs ?? timeMs
        await draw(sent, timeMs)
      }
    }
    await caughtUp(log)
    await streams.close()
    await draw(sent, timeMs)
    process.stdout.write(
      `${grouped(sent)} records gave ${grouped(tails.minutes.count)} lane minutes, ${grouped(tails.speeds.count)} updates of five-minute speeds and ${grouped(tails.hours.count)} of hourly means\n`,
    )
    return 0
  } finally {
    stop.abort()
    await streams.close()
    await log.close()
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}

async function isEmpty(log: TopicClient): Promise<boolean> {
  for (const { name } of [lanesTopic, readingsTopic])
    for (const [, end] of await log.endOffsets(name)) if (end > 0) return false
  return true
}

/** Gathers records into batches: a quarter second of replayed time, or 2,000 records at full speed. */
async function* paced(
  records: AsyncIterable<ReplayRecord>,
  speed: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<ReplayRecord[]> {
  let batch: ReplayRecord[] = []
  const startMs = Date.now()
  let firstMs: number | undefined
  for await (const record of records) {
    if (signal.aborted) break
    firstMs ??= record.timeMs
    if (speed !== undefined) {
      const dueMs = startMs + (record.timeMs - firstMs) / speed
      if (dueMs > Date.now() + 250) {
        if (batch.length > 0) yield batch
        batch = []
        await delay(dueMs - Date.now(), undefined, { signal }).catch(() => {})
        if (signal.aborted) break
      }
    }
    batch.push(record)
    if (batch.length < 2000) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

async function send(log: TopicClient, batch: readonly ReplayRecord[]): Promise<void> {
  const lanes = []
  const readings = []
  for (const record of batch)
    if (record.topic === 'lanes')
      lanes.push({ key: record.key, value: record.value, timestampMs: record.timeMs })
    else readings.push({ key: record.key, value: record.value, timestampMs: record.timeMs })
  if (lanes.length > 0) await log.send(lanesTopic, lanes)
  if (readings.length > 0) await log.send(readingsTopic, readings)
}

/** Waits until everything sent is processed and committed. @throws after a minute. */
async function caughtUp(log: TopicClient): Promise<void> {
  const deadlineMs = Date.now() + 60_000
  for (;;) {
    let behind = 0
    for (const { name } of [lanesTopic, readingsTopic]) {
      const committed = await log.committed(applicationId, name)
      for (const [partition, end] of await log.endOffsets(name))
        behind += end - (committed.get(partition) ?? 0)
    }
    if (behind === 0) return
    if (Date.now() > deadlineMs) throw new Error(`still ${behind} records behind after a minute`)
    await delay(100)
  }
}
