// The simulator and the plain model of the example, without the library's runtime.
import { expect, it } from 'vitest'
import { isMeasurement, plants } from '../../examples/iot/events.js'
import { IotModel } from '../../examples/iot/model.js'
import { Simulation } from '../../examples/iot/simulate.js'

const startMs = Date.UTC(2026, 0, 1)
const seconds = (n: number) => Array.from({ length: n }, (_, i) => startMs + i * 1000)
const run = (seed: number, n = 120) => {
  const simulation = new Simulation({ seed })
  return seconds(n).flatMap((ms) => simulation.second(ms))
}

it('gives the same records for the same seed, and others for another', () => {
  expect(run(1)).toEqual(run(1))
  expect(run(1)).not.toEqual(run(2))
})

it('gives records in order of arrival, within the second asked for', () => {
  const records = run(3)
  const arrivals = records.map((r) => r.arrivedMs)
  expect(arrivals).toEqual([...arrivals].sort((a, b) => a - b))
  expect(new Simulation({ seed: 3 }).second(startMs).every((r) => r.arrivedMs < startMs + 1000))
})

it('contains each kind of disorder that it names', () => {
  const records = run(4, 400)
  const of = (sensor: string) => records.filter((r) => r.key === sensor)
  const behindMs = (r: (typeof records)[number]) => r.arrivedMs - Date.parse(r.value.datetime)
  const silentMs = startMs + 120_000
  expect(
    of('north-s00').filter((r) => r.arrivedMs > silentMs && r.arrivedMs < silentMs + 60_000),
  ).toEqual([])
  expect(of('north-s01').every((r) => behindMs(r) > 3_500_000)).toBe(true)
  expect(of('north-s02').every((r) => behindMs(r) < -60_000)).toBe(true)
  expect(of('north-s03').some((r) => behindMs(r) > 25_000)).toBe(true)
  const others = records.filter((r) => !/-s0[0-3]$/.test(r.key))
  expect(others.some((r) => behindMs(r) > 5_000)).toBe(true)
  const texts = others.map((r) => JSON.stringify(r.value))
  expect(new Set(texts).size).toBeLessThan(texts.length)
})

it('leaves one sensor of each plant without metadata', () => {
  const known = new Simulation({ seed: 1 }).metadata()
  const seen = new Set(run(1).flatMap((r) => (isMeasurement(r.value) ? [r.value.sensorId] : [])))
  expect([...seen].filter((s) => !known.has(s))).toHaveLength(plants.length)
})

it('has a model that counts every measurement in a window, as late, refused or unknown', () => {
  const simulation = new Simulation({ seed: 5 })
  const model = new IotModel(simulation.metadata())
  const records = run(5, 300)
  for (const { plant, key, value, arrivedMs } of records)
    model.feed({ plant, partition: 0, key, value, arrivedMs })
  const measurements = records.filter((r) => isMeasurement(r.value)).length
  expect(model.enriched + model.refused + model.unknown).toBe(measurements)
  const inWindows = [...model.averages.values()].reduce((n, a) => n + a.count, 0)
  const inHops = [...model.hopping.values()].reduce((n, a) => n + a.count, 0)
  // A measurement lies in one tumbling and three hopping windows.
  expect(inWindows + inHops + model.late).toBe(4 * model.enriched)
  expect(model.alerts).toBeGreaterThan(0)
  expect(model.late).toBeGreaterThan(0)
})
