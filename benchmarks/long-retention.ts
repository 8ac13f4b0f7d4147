// What a record costs when windows are kept for a month instead of about as long as they change:
// twenty times as many records are in the store at the end of a run, in order of time.
import {
  StreamsBuilder,
  bytes,
  hours,
  seconds,
  session,
  sliding,
  string,
  tumbling,
  type Topology,
} from '../src/index.js'
import { BenchTask, encodeBatches } from './bench-task.js'
import { generate } from './generator.js'
import type { Result } from './result.js'

const stream = () => {
  const builder = new StreamsBuilder({ key: string(), value: bytes() })
  return { builder, records: builder.stream<string, Uint8Array>('in') }
}

type Kind = 'tumbling' | 'sparse' | 'sliding' | 'session'

const windowed = (kind: Kind, retentionMs: number): Topology => {
  const { builder, records } = stream()
  const graceMs = seconds(1)
  const grouped = records.groupByKey()
  const windows = {
    tumbling: () => grouped.windowedBy(tumbling({ sizeMs: seconds(10), graceMs })),
    sparse: () => grouped.windowedBy(tumbling({ sizeMs: seconds(1), graceMs })),
    sliding: () => grouped.windowedBy(sliding({ differenceMs: seconds(1), graceMs })),
    session: () => grouped.windowedBy(session({ gapMs: seconds(1), graceMs })),
  }[kind]()
  windows
    .count({ retentionMs })
    .toStream()
    .forEach(() => {})
  return builder.build()
}

const joined = (outer: boolean, graceMs: number): Topology => {
  const { builder, records } = stream()
  const left = records.filter((_value, _key, { timestampMs }) => timestampMs % 2 === 0)
  const right = records.filter((_value, _key, { timestampMs }) => timestampMs % 2 === 1)
  const within = { beforeMs: seconds(1), afterMs: seconds(1), graceMs }
  const first = (a: unknown, b: unknown): unknown => a ?? b
  const results = outer
    ? left.outerJoin(right, first, { within })
    : left.join(right, first, { within })
  results.forEach(() => {})
  return builder.build()
}

const monthMs = hours(24 * 30)

/** By operator: the topology with a short and with a long retention. */
const retentions: Readonly<Record<string, readonly [() => Topology, () => Topology]>> = {
  'tumbling window': [() => windowed('tumbling', seconds(11)), () => windowed('tumbling', monthMs)],
  'a window for each record': [
    () => windowed('sparse', seconds(2)),
    () => windowed('sparse', monthMs),
  ],
  'sliding window': [() => windowed('sliding', seconds(3)), () => windowed('sliding', monthMs)],
  session: [() => windowed('session', seconds(3)), () => windowed('session', monthMs)],
  'stream-stream join': [() => joined(false, seconds(1)), () => joined(false, monthMs)],
  'stream-stream outer join': [() => joined(true, seconds(1)), () => joined(true, monthMs)],
}

const rounds = 3
const records = 400_000

/** Microseconds of CPU time a record; the first tenth is the warm-up. */
async function cost(topology: Topology, batches: readonly Buffer[]): Promise<number> {
  const bench = await BenchTask.open(topology, { topic: 'in' })
  const warm = Math.ceil(batches.length / 10)
  await bench.run(batches.slice(0, warm))
  const { cpuUs } = await bench.cost(batches.slice(warm))
  await bench.close()
  return cpuUs
}

/** Both in turn, the best of each counts. */
export async function longRetention(): Promise<Result> {
  const batches = encodeBatches(generate(records, 1000))
  const lines: string[] = []
  let rate = 0
  for (const [name, [short, long]] of Object.entries(retentions)) {
    let shortUs = Infinity
    let longUs = Infinity
    for (let round = 0; round < rounds; round++) {
      shortUs = Math.min(shortUs, await cost(short(), batches))
      longUs = Math.min(longUs, await cost(long(), batches))
    }
    rate ||= 1e6 / longUs
    lines.push(
      `  ${name.padEnd(26)} ${shortUs.toFixed(2).padStart(6)} µs CPU for seconds, ${longUs.toFixed(2)} for a month: ${(longUs / shortUs).toFixed(2)} times`,
    )
  }
  return { rate, expected: undefined, note: `\n${lines.join('\n')}` }
}
