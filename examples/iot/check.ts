// The summary of a run: feeds the plain model with all that ever arrived and compares what it says
// with all that the pipeline ever wrote.
import type { Topic, TopicClient } from 'millrace'
import { plants, type Average, type Plant, type Sensor, type WindowMean } from './events.js'
import { IotModel } from './model.js'
import {
  alertsTopic,
  averagesTopic,
  enrichedTopic,
  hoppingTopic,
  plantTopic,
  sensorsTopic,
} from './topics.js'

/** Where each run of the program began to read: by plant, by partition. */
export type RunStart = Readonly<Record<string, Readonly<Record<number, number>>>>

export interface CheckRow {
  readonly what: string
  readonly pipeline: number
  readonly model: number
  readonly equal: boolean
}

export interface Summary {
  readonly rows: readonly CheckRow[]
  readonly model: IotModel
  readonly inputs: number
}

/** Reads the whole log. Everything that arrived must have been processed. */
export async function summarize(log: TopicClient, runs: readonly RunStart[]): Promise<Summary> {
  const sensors = new Map<string, Sensor>()
  for await (const { key, value } of log.read(sensorsTopic))
    if (key !== null && value !== null) sensors.set(key, value)
  const model = new IotModel(sensors)
  let inputs = 0
  for (const plant of plants) inputs += await feedPlant(log, plant, runs, model)

  const averages = await windowsOf(log, averagesTopic)
  const hopping = await windowsOf(log, hoppingTopic)
  const rows = [
    count('alerts', await countOf(log, alertsTopic), model.alerts),
    count('measurements with their type', await countOf(log, enrichedTopic), model.enriched),
    windows('one-minute averages', averages, model.averages),
    windows('hopping averages', hopping, model.hopping),
  ]
  return { rows, model, inputs }
}

async function feedPlant(
  log: TopicClient,
  plant: Plant,
  runs: readonly RunStart[],
  model: IotModel,
): Promise<number> {
  let inputs = 0
  for await (const { key, value, timestampMs, partition, offset } of log.read(plantTopic(plant))) {
    if (runs.some((run) => (run[plant]?.[partition] ?? 0) === offset))
      model.restart(plant, partition)
    if (key === null || value === null) continue
    model.feed({ plant, partition, key, value, arrivedMs: timestampMs })
    inputs++
  }
  return inputs
}

async function countOf(log: TopicClient, topic: Topic<string, never> | Topic<string, any>) {
  let n = 0
  for await (const _ of log.read(topic)) n++
  return n
}

async function windowsOf(
  log: TopicClient,
  topic: Topic<string, WindowMean>,
): Promise<Map<string, WindowMean>> {
  const last = new Map<string, WindowMean>()
  for await (const { key, value } of log.read(topic))
    if (value !== null) last.set(`${key}@${value.fromMs}`, value)
  return last
}

const count = (what: string, pipeline: number, model: number): CheckRow => ({
  what,
  pipeline,
  model,
  equal: pipeline === model,
})

function windows(
  what: string,
  pipeline: ReadonlyMap<string, WindowMean>,
  model: ReadonlyMap<string, Average>,
): CheckRow {
  const same = [...model].every(([name, { sum, count: n }]) => {
    const found = pipeline.get(name)
    return found?.count === n && found.mean === sum / n
  })
  const equal = same && pipeline.size === model.size
  return { what, pipeline: pipeline.size, model: model.size, equal }
}
