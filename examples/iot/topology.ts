// The pipeline: alerts, measurements joined with their sensor's type, and windowed averages. A pure
// function, so that tests run it without a broker. One pipeline per plant: each has its own tasks
// and its own event time, so that a plant whose connection is slow does not make another one late.
import {
  StreamsBuilder,
  hopping,
  hours,
  json,
  minutes,
  seconds,
  string,
  tumbling,
  type KTable,
  type TimestampExtractor,
  type Topology,
  type Windowed,
} from 'millrace'
import {
  alertAbove,
  isMeasurement,
  plants,
  type Alert,
  type Average,
  type MotorState,
  type Plant,
  type PlantEvent,
} from './events.js'
import {
  alertsTopic,
  averagesTopic,
  enrichedTopic,
  hoppingTopic,
  plantTopic,
  sensorsTopic,
} from './topics.js'

/** How far a device's clock may run ahead of the gateway that wrote the record. */
export const maxAheadMs = minutes(1)
export const windowMs = minutes(1)
export const advanceMs = seconds(20)
export const graceMs = seconds(10)

/**
 * Event time is the device's `datetime`. One that is no time, or lies more than a minute ahead of
 * the moment at which the gateway wrote the record, is refused: it would close every window early.
 */
export const eventTime: TimestampExtractor<PlantEvent> = (event, _key, record) => {
  const timeMs = Date.parse(event.datetime)
  const refused = Number.isNaN(timeMs) || timeMs > record.timestampMs + maxAheadMs
  return refused ? -1 : timeMs
}

const isBroken = (event: PlantEvent): event is MotorState =>
  !isMeasurement(event) && event.state === 'error'

/** The tables that the demo asks while it runs. */
export type IotStores = Readonly<Record<string, KTable<Windowed<string>, Average, never>>>

export default function iot(): Topology<IotStores> {
  const builder = new StreamsBuilder({ key: string(), value: json() })
  const sensors = builder.globalTable(sensorsTopic)
  const stores: Record<string, KTable<Windowed<string>, Average, never>> = {}

  const pipeline = (plant: Plant): void => {
    const events = builder.stream(plantTopic(plant), { timestamp: eventTime })

    const { high, broken } = events
      .split()
      .branch('high', (event) => isMeasurement(event) && event.value > alertAbove)
      .branch('broken', isBroken)
      .noDefaultBranch()
    const alert = (reason: string) => (event: PlantEvent, source: string) =>
      ({ plant, source, datetime: event.datetime, reason }) satisfies Alert
    high.mapValues(alert(`value above ${alertAbove}`)).to(alertsTopic)
    broken.mapValues(alert('motor in state error')).to(alertsTopic)

    const measurements = events.filter(isMeasurement).join(
      sensors,
      (measurement) => measurement.sensorId,
      (measurement, sensor) => ({ ...measurement, type: sensor.type }),
    )
    measurements.to(enrichedTopic)

    const bySensor = measurements.groupByKey()
    const variants = [
      ['averages', averagesTopic, tumbling({ sizeMs: windowMs, graceMs })],
      ['averages-hopping', hoppingTopic, hopping({ sizeMs: windowMs, advanceMs, graceMs })],
    ] as const
    for (const [name, output, windows] of variants) {
      const averages = bySensor.windowedBy(windows).aggregate({
        initial: () => ({ sum: 0, count: 0 }),
        add: (a, m) => ({ sum: a.sum + m.value, count: a.count + 1 }),
        store: `${name}-${plant}`,
        retentionMs: hours(2), // so that the live view can look back
      })
      averages
        .toStream()
        .map((a, window) => [
          window.key,
          { plant, fromMs: window.startMs, mean: a.sum / a.count, count: a.count },
        ])
        .to(output)
      stores[`${name}-${plant}`] = averages
    }
  }

  for (const plant of plants) pipeline(plant)
  return builder.build(stores)
}
