// What one core does without a broker: the path from decoded records or fetched bytes to bytes that
// would be sent. Rates are records a second of the best of several runs; a run begins with a fresh
// task and a warm-up.
import { FlowRecord } from '../src/topology/stream-record.js'
import { HeaderList } from '../src/serde/record-headers.js'
import { runAll } from '../src/runtime/node-runner.js'
import type { Topology } from '../src/index.js'
import { BenchTask, encodeBatches, type BenchTaskOptions } from './bench-task.js'
import { generate } from './generator.js'
import { joinTopologies } from './joins.js'
import { longRetention } from './long-retention.js'
import { manyKeys } from './many-keys.js'
import { statefulTopologies } from './stateful.js'
import type { Result } from './result.js'
import { sixNodes, t1, t2, t3, t4 } from './topologies.js'

const runs = 3
const million = 1_000_000

async function measured(
  topology: () => Topology<any>,
  batches: readonly Buffer[],
  options: Partial<BenchTaskOptions> = {},
): Promise<{ rate: number; out: number; cpuUs: number }> {
  let best = { rate: 0, out: 0, cpuUs: Infinity }
  for (let run = 0; run < runs; run++) {
    const bench = await BenchTask.open(topology(), { topic: 'in', ...options })
    await bench.run(batches.slice(0, Math.ceil(batches.length / 10)))
    const { wallUs, cpuUs } = await bench.cost(batches)
    const rate = 1e6 / wallUs
    if (rate > best.rate) best = { rate, out: bench.output.records, cpuUs }
    await bench.close()
  }
  return best
}

const encoded =
  (topology: () => Topology<any>, keys: number, expected?: number, o?: Partial<BenchTaskOptions>) =>
  async (): Promise<Result> => {
    const batches = encodeBatches(generate(million, keys))
    const { rate, out, cpuUs } = await measured(topology, batches, o)
    return { rate, expected, note: `${cpuUs.toFixed(2)} µs CPU a record, ${out} sent` }
  }

/** Six nodes from records that are decoded already to a sink that throws them away. */
async function stateless(): Promise<Result> {
  const bench = await BenchTask.open(sixNodes(), { topic: 'in', engine: 'memory' })
  const source = bench.task.queue({ topic: 'in', partition: 0 })
  if (source === undefined) throw new Error('the task has no queue')
  const metadata = { topic: 'in', partition: 0, offset: 0 }
  const records = Array.from(
    generate(100_000, 1000),
    ({ key, value, timestampMs }) =>
      new FlowRecord(key, value, timestampMs, new HeaderList(), metadata),
  )
  // The sink is where bytes begin: what arrives there is dropped.
  const discard = { process() {} }
  let runner = source.runner
  while (runner.children[0] !== undefined) runner = runner.children[0]
  runner.processor = discard
  let best = 0
  for (let run = 0; run < 20; run++) {
    const startedMs = performance.now()
    for (const record of records) {
      const result = runAll(source.runner.children, record)
      if (result !== undefined) await result
    }
    best = Math.max(best, (records.length * 1000) / (performance.now() - startedMs))
  }
  await bench.close()
  return { rate: best, expected: 3 * million, note: 'no bytes' }
}

/** Operators against `count`, by the CPU time of a record. */
const againstCount = (topologies: typeof statefulTopologies) => async (): Promise<Result> => {
  const batches = encodeBatches(generate(million / 5, 1000))
  let count = 0
  const lines: string[] = []
  const all = { count: statefulTopologies['count']!, ...topologies }
  for (const [name, topology] of Object.entries(all)) {
    const { cpuUs, rate } = await measured(topology, batches)
    count ||= cpuUs
    const ratio = (cpuUs / count).toFixed(1).padStart(5)
    lines.push(
      `  ${name.padEnd(32)} ${cpuUs.toFixed(2).padStart(6)} µs ${ratio} x count, ${Math.round(rate / 1000)} k/s`,
    )
  }
  return { rate: million / count, expected: undefined, note: `\n${lines.join('\n')}` }
}

/** By name, as `npm run bench -- NAME` takes them. */
export const inProcess: Readonly<Record<string, () => Promise<Result>>> = {
  'stateless-decoded': stateless,
  'stateless-encoded': encoded(sixNodes, 1000),
  'json-filter': encoded(t1, 1000),
  'json-map': encoded(t2, 1000),
  'count-1k': encoded(() => t3(), 1000, million),
  'count-100k': encoded(() => t3(), 100_000),
  'count-1m': encoded(() => t3(), million),
  'many-keys': manyKeys,
  'long-retention': longRetention,
  'count-1k-uncached': encoded(() => t3('in', 'out', false), 1000),
  'windowed-average': encoded(() => t4(), 1000),
  stateful: againstCount(statefulTopologies),
  joins: againstCount(joinTopologies),
}
