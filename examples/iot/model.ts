// The same results as the topology, written down plainly: maps and loops, no library. It is fed the
// input topics in arrival order and says what the output topics must hold.
import {
  alertAbove,
  isMeasurement,
  type Average,
  type Plant,
  type PlantEvent,
  type Sensor,
} from './events.js'

export interface ModelInput {
  readonly plant: Plant
  /** Records of one plant and partition share an order and an event time. */
  readonly partition: number
  readonly key: string
  readonly value: PlantEvent
  /** When the gateway wrote it. */
  readonly arrivedMs: number
}

const sizeMs = 60_000
const advanceMs = 20_000
const graceMs = 10_000
const maxAheadMs = 60_000

export class IotModel {
  readonly #sensors: ReadonlyMap<string, Sensor>
  /** Per plant and partition, the highest event time that reached the averages. */
  readonly #streamTimeMs = new Map<string, number>()
  alerts = 0
  enriched = 0
  /** Clock too far ahead. */
  refused = 0
  /** Measurements of sensors without metadata. */
  unknown = 0
  /** One per window that was closed already. */
  late = 0
  /** By `sensor@windowStart`. */
  readonly averages = new Map<string, Average>()
  readonly hopping = new Map<string, Average>()

  constructor(sensors: ReadonlyMap<string, Sensor>) {
    this.#sensors = sensors
  }

  /** The program was started anew at this point: windows judge lateness from the next record on. */
  restart(plant: Plant, partition: number): void {
    this.#streamTimeMs.delete(`${plant}/${partition}`)
  }

  feed(input: ModelInput): void {
    const { value: event, key } = input
    const timeMs = Date.parse(event.datetime)
    if (Number.isNaN(timeMs) || timeMs > input.arrivedMs + maxAheadMs) {
      this.refused++
      return
    }
    if (!isMeasurement(event)) {
      if (event.state === 'error') this.alerts++
      return
    }
    if (event.value > alertAbove) this.alerts++
    if (!this.#sensors.has(event.sensorId)) {
      this.unknown++
      return
    }
    this.enriched++
    const source = `${input.plant}/${input.partition}`
    const streamTimeMs = Math.max(this.#streamTimeMs.get(source) ?? -1, timeMs)
    this.#streamTimeMs.set(source, streamTimeMs)
    const closeMs = streamTimeMs - graceMs
    this.#fold(this.averages, key, event.value, timeMs, sizeMs, closeMs)
    this.#fold(this.hopping, key, event.value, timeMs, advanceMs, closeMs)
  }

  #fold(
    windows: Map<string, Average>,
    key: string,
    value: number,
    timeMs: number,
    stepMs: number,
    closeMs: number,
  ): void {
    const first = Math.floor(Math.max(0, timeMs - sizeMs + stepMs) / stepMs) * stepMs
    for (let startMs = first; startMs <= timeMs; startMs += stepMs) {
      if (startMs + sizeMs <= closeMs) {
        this.late++
        continue
      }
      const name = `${key}@${startMs}`
      const a = windows.get(name) ?? { sum: 0, count: 0 }
      windows.set(name, { sum: a.sum + value, count: a.count + 1 })
    }
  }
}
