// Simulated plants: no reading here comes from a real sensor. The same seed gives the same records.
// Disorder is as fleets have it: late and out-of-order readings, duplicates, uploads in bursts, a
// sensor that falls silent, one whose clock is an hour slow, one whose clock runs ahead.
import { plants, type Plant, type PlantEvent, type Sensor } from './events.js'

export interface SimulatedRecord {
  readonly plant: Plant
  readonly key: string
  readonly value: PlantEvent
  /** When the gateway received it and wrote it, in ms. The device's own time is in the value. */
  readonly arrivedMs: number
}

export interface SimulationOptions {
  readonly seed: number
  readonly sensorsPerPlant?: number | undefined
  readonly motorsPerPlant?: number | undefined
}

const types = [
  ['furnace-temperature', 'mK'],
  ['steam-flow', 'g/h'],
  ['flue-gas-flow', 'l/h'],
  ['power-output', 'W'],
] as const

/** mulberry32: a small generator with one 32-bit state; numbers in `[0, 1)`. */
function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const mix = (...parts: readonly number[]): number =>
  parts.reduce((hash, part) => Math.imul(hash ^ part, 0x9e3779b1) ^ (hash >>> 15), 0x2545f491)

const pad = (n: number): string => String(n).padStart(2, '0')
const sensorName = (plant: Plant, n: number): string => `${plant}-s${pad(n)}`

/** The fleet of one seed. Each second of simulated time is made independently of the others. */
export class Simulation {
  readonly #seed: number
  readonly #sensors: number
  readonly #motors: number

  constructor(options: SimulationOptions) {
    this.#seed = options.seed
    this.#sensors = options.sensorsPerPlant ?? 30
    this.#motors = options.motorsPerPlant ?? 4
  }

  /** Metadata of every sensor but the last of each plant, which nobody has registered. */
  metadata(): ReadonlyMap<string, Sensor> {
    const rows = new Map<string, Sensor>()
    for (const plant of plants)
      for (let n = 0; n < this.#sensors - 1; n++) {
        const [type, unit] = types[n % types.length] ?? types[0]
        rows.set(sensorName(plant, n), { type, unit, plant })
      }
    return rows
  }

  /** What arrives in the second that begins at `secondMs`, in order of arrival. */
  second(secondMs: number): SimulatedRecord[] {
    const tick = Math.floor(secondMs / 1000)
    const records: SimulatedRecord[] = []
    plants.forEach((plant, plantIndex) => {
      const roll = random(mix(this.#seed, tick, plantIndex))
      const arrive = (key: string, value: PlantEvent) => {
        const arrivedMs = tick * 1000 + Math.floor(roll() * 1000)
        records.push({ plant, key, value, arrivedMs })
      }
      for (let n = 0; n < this.#sensors; n++) this.#sensor(plant, n, tick, roll, arrive)
      for (let n = 0; n < this.#motors; n++) {
        if (roll() > 0.05) continue
        const draw = roll()
        const state = draw < 0.08 ? 'error' : draw < 0.3 ? 'stopped' : 'running'
        const motorId = `${plant}-m${pad(n)}`
        arrive(motorId, { motorId, datetime: iso(tick * 1000), state })
      }
    })
    return records.sort((a, b) => a.arrivedMs - b.arrivedMs)
  }

  #sensor(
    plant: Plant,
    n: number,
    tick: number,
    roll: () => number,
    arrive: (key: string, value: PlantEvent) => void,
  ): void {
    const sensorId = sensorName(plant, n)
    const reading = (atTick: number, clockErrorMs = 0): PlantEvent => {
      const draw = random(mix(this.#seed, atTick, n, plants.indexOf(plant), 7))
      const wave = Math.sin(atTick / 60 + n) * 90_000
      const value = Math.round(560_000 + wave + draw() * 120_000 + (draw() < 0.004 ? 200_000 : 0))
      const jitterMs = Math.floor(draw() * 1000)
      return { sensorId, datetime: iso(atTick * 1000 + jitterMs + clockErrorMs), value }
    }
    // Sensor 0 falls silent: it speaks for one minute in five.
    if (n === 0 && tick % 300 >= 60) return
    // Sensor 1's clock is an hour slow, sensor 2's runs two minutes ahead.
    if (n === 1) return arrive(sensorId, reading(tick, -3_600_000))
    if (n === 2) return arrive(sensorId, reading(tick, 120_000))
    // Sensor 3 uploads every 30 seconds what it has kept since.
    if (n === 3) {
      if (tick % 30 === 0) for (let t = tick - 29; t <= tick; t++) arrive(sensorId, reading(t))
      return
    }
    const draw = roll()
    // Readings of 1 to 20 seconds ago arrive beside the current one: out of order, some of them late.
    if (draw < 0.03) arrive(sensorId, reading(tick - 1 - Math.floor(roll() * 20)))
    arrive(sensorId, reading(tick))
    if (draw > 0.98) arrive(sensorId, reading(tick)) // sent twice
  }
}

const iso = (ms: number): string => new Date(ms).toISOString()
