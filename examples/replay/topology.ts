// Motorway lanes: each minute's speed joined with the flow of that lane, and the average speed per
// five minutes. Series of readings: the average per hour. Flow and speed share a topic, so that a
// speed always meets the flow that was written before it.
import {
  StreamsBuilder,
  hours,
  json,
  minutes,
  required,
  string,
  topic,
  tumbling,
  type Topology,
} from 'millrace'
import { parseTime, type LaneRecord, type Reading } from './parse.js'

export const lanesTopic = topic('lanes', { key: required(string()), value: json<LaneRecord>() })
export const readingsTopic = topic('readings', { key: required(string()), value: json<Reading>() })

/** Speed and flow of a lane in one minute; vehicles on a kilometre of it are `flow / speed`. */
export interface LaneMinute {
  readonly timestamp: string
  readonly flow: number
  readonly speed: number
}
export interface Mean {
  readonly fromMs: number
  readonly mean: number
  readonly count: number
}
export const laneMinutesTopic = topic('lane-minutes', { key: string(), value: json<LaneMinute>() })
export const laneSpeedsTopic = topic('lane-speeds', { key: string(), value: json<Mean>() })
export const hourlyMeansTopic = topic('hourly-means', { key: string(), value: json<Mean>() })

type Flow = Extract<LaneRecord, { flow: number }>
type Speed = Extract<LaneRecord, { speed: number }>

const eventTime = (value: { readonly timestamp: string }): number => {
  const timeMs = parseTime(value.timestamp)
  return Number.isNaN(timeMs) ? -1 : timeMs // dropped and counted
}
const initial = () => ({ sum: 0, count: 0 })

export default function replay(): Topology {
  const builder = new StreamsBuilder({ key: string(), value: json() })

  const lanes = builder.stream(lanesTopic, { timestamp: eventTime })
  const flows = lanes
    .filter((r): r is Flow => 'flow' in r)
    .toTable({ store: 'flows', value: json<Flow>() })
  const speeds = lanes.filter((r): r is Speed => 'speed' in r)

  speeds
    .join(flows, ({ timestamp, speed }, { flow }) => ({ timestamp, flow, speed }))
    .to(laneMinutesTopic)

  speeds
    .groupByKey({ value: json<Speed>() })
    .windowedBy(tumbling({ sizeMs: minutes(5), graceMs: minutes(5) }))
    .aggregate({
      initial,
      add: (a, { speed }) => ({ sum: a.sum + speed, count: a.count + 1 }),
      store: 'lane-speeds',
    })
    .toStream()
    .map((a, w) => [w.key, { fromMs: w.startMs, mean: a.sum / a.count, count: a.count }])
    .to(laneSpeedsTopic)

  builder
    .stream(readingsTopic, { timestamp: eventTime })
    .groupByKey()
    .windowedBy(tumbling({ sizeMs: hours(1), graceMs: hours(1) }))
    .aggregate({
      initial,
      add: (a, { value }) => ({ sum: a.sum + value, count: a.count + 1 }),
      store: 'hourly-means',
    })
    .toStream()
    .map((a, w) => [w.key, { fromMs: w.startMs, mean: a.sum / a.count, count: a.count }])
    .to(hourlyMeansTopic)

  return builder.build()
}
