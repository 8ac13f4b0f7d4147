// Reads recorded measurements line by line: motorway lanes (`KEY= JSON`) and `timestamp,value` CSV.
// Files hold local times without a zone; they are read as UTC, so that a replay is the same anywhere.

/** A minute of one motorway lane: how many vehicles an hour passed, or how fast they were in km/h. */
export type LaneRecord =
  | { readonly lane: string; readonly timestamp: string; readonly flow: number }
  | { readonly lane: string; readonly timestamp: string; readonly speed: number }

/** A value of a named series. */
export interface Reading {
  readonly series: string
  readonly timestamp: string
  readonly value: number
}

export type ReplayRecord =
  | {
      readonly topic: 'lanes'
      readonly key: string
      readonly value: LaneRecord
      readonly timeMs: number
    }
  | {
      readonly topic: 'readings'
      readonly key: string
      readonly value: Reading
      readonly timeMs: number
    }

/** `2017-03-15 14:41:00.0` as milliseconds, NaN when it is no time. */
export const parseTime = (text: string): number => Date.parse(`${text.trim().replace(' ', 'T')}Z`)

/** A record, or `undefined` for headings, blank lines and what is neither format. */
export function parseLine(line: string, series: string): ReplayRecord | undefined {
  const lane = /^(\S+)= (\{.*\})\s*$/.exec(line)
  if (lane?.[1] !== undefined && lane[2] !== undefined) return parseLane(lane[1], lane[2])
  const [timestamp = '', text = ''] = line.split(',')
  const timeMs = parseTime(timestamp)
  const value = Number(text)
  if (Number.isNaN(timeMs) || text.trim() === '' || Number.isNaN(value)) return undefined
  return { topic: 'readings', key: series, value: { series, timestamp, value }, timeMs }
}

function parseLane(path: string, json: string): ReplayRecord {
  const { timestamp, flow, speed } = JSON.parse(json) as {
    timestamp: string
    flow?: number
    speed?: number
  }
  // The path ends with the measuring point and the lane.
  const lane = path.split('/').slice(-2).join('/')
  const value =
    flow === undefined ? { lane, timestamp, speed: speed ?? NaN } : { lane, timestamp, flow }
  return { topic: 'lanes', key: lane, value, timeMs: parseTime(timestamp) }
}
