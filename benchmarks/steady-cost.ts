// The measured process of `many-keys`: the cost of one record of an aggregate once every key has a row and
// several persists are over, as one line of JSON. A process of its own, because what an earlier run
// leaves to the collector and to LevelDB would be counted too.
import { BenchTask, encodeBatches } from './bench-task.js'
import { each, generate } from './generator.js'
import { t3, totals } from './topologies.js'

export interface Load {
  /** How many keys have a row, and over how many of them the measured records are. */
  readonly keys: number
  readonly inUse: number
  readonly records: number
  /** How often they are measured, one time after the other. */
  readonly rounds: number
  readonly guarantee: 'alos' | 'eos'
  readonly caching: boolean
  /** What a row holds. */
  readonly rows: 'numbers' | 'objects'
}

const load = JSON.parse(process.argv[2] ?? '') as Load
const { guarantee, caching } = load
const topology = load.rows === 'numbers' ? t3() : totals()
const bench = await BenchTask.open(topology, { topic: 'in', guarantee, caching })
await bench.run(encodeBatches(each(load.keys)))
const batches = encodeBatches(generate(load.records, load.inUse))
await bench.run(batches.slice(0, batches.length / 4))
const measured = batches.slice(batches.length / 4)
const cost = await bench.cost(Array.from({ length: load.rounds }, () => measured).flat())
await bench.close()
process.stdout.write(`${JSON.stringify(cost)}\n`)
