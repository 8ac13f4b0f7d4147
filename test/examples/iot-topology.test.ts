// The pipeline of the plants against its plain model, in the test driver.
import { expect, it } from 'vitest'
import { TopologyTestDriver } from 'millrace/testing'
import type { WindowMean } from '../../examples/iot/events.js'
import { IotModel } from '../../examples/iot/model.js'
import { Simulation } from '../../examples/iot/simulate.js'
import {
  alertsTopic,
  averagesTopic,
  enrichedTopic,
  hoppingTopic,
  plantTopic,
  sensorsTopic,
} from '../../examples/iot/topics.js'
import iot from '../../examples/iot/topology.js'

const startMs = Date.UTC(2026, 0, 1)

it('gives what the model gives, to the record', { timeout: 60_000 }, async () => {
  const simulation = new Simulation({ seed: 11, sensorsPerPlant: 8 })
  const model = new IotModel(simulation.metadata())
  const driver = new TopologyTestDriver(iot(), { startMs })
  const metadata = driver.createInputTopic(sensorsTopic)
  for (const [id, sensor] of simulation.metadata()) await metadata.pipeInput(id, sensor)
  const inputs = new Map(
    (['harbour', 'north', 'south'] as const).map((p) => [
      p,
      driver.createInputTopic(plantTopic(p)),
    ]),
  )
  for (let second = 0; second < 200; second++)
    for (const { plant, key, value, arrivedMs } of simulation.second(startMs + second * 1000)) {
      await inputs.get(plant)!.pipeInput(key, value, { timestampMs: arrivedMs })
      model.feed({ plant, partition: 0, key, value, arrivedMs })
    }

  expect(driver.createOutputTopic(alertsTopic).queueSize).toBe(model.alerts)
  expect(driver.createOutputTopic(enrichedTopic).queueSize).toBe(model.enriched)
  for (const [topic, expected] of [
    [averagesTopic, model.averages],
    [hoppingTopic, model.hopping],
  ] as const) {
    const last = new Map<string, WindowMean>()
    for (const [key, value] of driver.createOutputTopic(topic).readKeyValuesToList())
      if (value !== null) last.set(`${key}@${value.fromMs}`, value)
    expect(last.size).toBe(expected.size)
    for (const [name, { sum, count }] of expected)
      expect(last.get(name)).toMatchObject({ count, mean: sum / count })
  }
  await driver.close()
})
