// The replay pipeline against a plain script: totals and every mean, on recorded data when it lies
// beside the repository, and on a small sample in any case.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { TopologyTestDriver } from 'millrace/testing'
import { parseLine, type ReplayRecord } from '../../examples/replay/parse.js'
import { readRecords } from '../../examples/replay/read-file.js'
import replay, {
  hourlyMeansTopic,
  laneMinutesTopic,
  lanesTopic,
  laneSpeedsTopic,
  readingsTopic,
  type Mean,
} from '../../examples/replay/topology.js'

const sample = [
  'a/p1/lane1= {"flow":360,"period":60,"timestamp":"2017-03-15 14:41:00.0","num_lanes":1}',
  'a/p1/lane1= {"speed":92,"timestamp":"2017-03-15 14:41:00.0","num_lanes":1}',
  'a/p1/lane2= {"speed":80,"timestamp":"2017-03-15 14:41:00.0","num_lanes":2}',
  'a/p1/lane1= {"flow":420,"period":60,"timestamp":"2017-03-15 14:42:00.0","num_lanes":1}',
  'a/p1/lane1= {"speed":95,"timestamp":"2017-03-15 14:42:00.0","num_lanes":1}',
  'a/p1/lane1= {"speed":70,"timestamp":"2017-03-15 14:46:00.0","num_lanes":1}',
  'timestamp,value',
  '2013-12-02 21:15:00,73.5',
  '2013-12-02 21:20:00,74.5',
  '2013-12-02 22:20:00,80',
]

/** What the pipeline gives, and what a loop gives. */
async function compare(records: readonly ReplayRecord[]) {
  const driver = new TopologyTestDriver(replay())
  const lanes = driver.createInputTopic(lanesTopic)
  const readings = driver.createInputTopic(readingsTopic)
  const model = { minutes: 0, flow: 0, means: new Map<string, { sum: number; count: number }>() }
  const flows = new Map<string, number>()
  const fold = (key: string, timeMs: number, sizeMs: number, value: number) => {
    const name = `${key}@${timeMs - (timeMs % sizeMs)}`
    const { sum, count } = model.means.get(name) ?? { sum: 0, count: 0 }
    model.means.set(name, { sum: sum + value, count: count + 1 })
  }
  for (const record of records) {
    const { key, timeMs } = record
    if (record.topic === 'readings') {
      await readings.pipeInput(key, record.value, { timestampMs: timeMs })
      fold(key, timeMs, 3_600_000, record.value.value)
      continue
    }
    await lanes.pipeInput(key, record.value, { timestampMs: timeMs })
    if ('flow' in record.value) flows.set(key, record.value.flow)
    else {
      fold(key, timeMs, 300_000, record.value.speed)
      const flow = flows.get(key)
      if (flow !== undefined) {
        model.minutes++
        model.flow += flow
      }
    }
  }
  const minutes = driver.createOutputTopic(laneMinutesTopic).readValuesToList()
  const means = new Map<string, Mean>()
  for (const topic of [laneSpeedsTopic, hourlyMeansTopic])
    for (const [key, value] of driver.createOutputTopic(topic).readKeyValuesToList())
      if (value !== null) means.set(`${key}@${value.fromMs}`, value)
  await driver.close()
  const flow = minutes.reduce((sum, minute) => sum + (minute?.flow ?? 0), 0)
  return { pipeline: { minutes: minutes.length, flow, means }, model }
}

async function expectEqual(records: readonly ReplayRecord[]): Promise<void> {
  const { pipeline, model } = await compare(records)
  expect(pipeline.minutes).toBe(model.minutes)
  expect(pipeline.flow).toBe(model.flow)
  expect(pipeline.means.size).toBe(model.means.size)
  for (const [name, { sum, count }] of model.means)
    expect(pipeline.means.get(name)).toMatchObject({ count, mean: sum / count })
}

const data = fileURLToPath(new URL('../../../shared/data/', import.meta.url))

describe('the replay example', () => {
  it('joins speeds with the flow before them and averages, as a plain loop does', async () => {
    const records = sample.flatMap((line) => parseLine(line, 'machine') ?? [])
    expect(records).toHaveLength(sample.length - 1)
    await expectEqual(records)
  })

  it('passes over headings and lines that are no records', () => {
    for (const line of ['', 'timestamp,value', 'x,1', '2013-12-02 21:15:00,', 'a= b'])
      expect(parseLine(line, 's')).toBeUndefined()
  })

  it(
    'gives the totals of the recorded lanes and temperatures',
    { timeout: 120_000 },
    async ({ skip }) => {
      skip(!existsSync(data), `there is no recorded data in ${data}`)
      const records: ReplayRecord[] = []
      for (const file of ['ndw-lanes.txt.gz', 'nab-machine-temperature.csv.gz'])
        for await (const record of readRecords(`${data}${file}`)) records.push(record)
      expect(records).toHaveLength(68_400 + 22_695)
      await expectEqual(records)
    },
  )
})
