// What a million keys cost: a count over so many, all of them there before, against one over a hundred
// thousand. Both are far more than one commit sees, so that each record under exactly-once costs a
// changelog record and an output; what differs is where rows are found and how often they are persisted.
import { BenchTask, encodeBatches, type Cost } from './bench-task.js'
import { each, generate } from './generator.js'
import type { Result } from './result.js'
import { t3 } from './topologies.js'

const million = 1_000_000

/** The cost of one record once every key has a row and several persists are over. */
async function steadyCost(keys: number, records: number, guarantee: 'alos' | 'eos'): Promise<Cost> {
  const bench = await BenchTask.open(t3(), { topic: 'in', guarantee })
  await bench.run(encodeBatches(each(keys)))
  const batches = encodeBatches(generate(records, keys))
  await bench.run(batches.slice(0, batches.length / 4))
  const cost = await bench.cost(batches.slice(batches.length / 4))
  await bench.close()
  return cost
}

/** A million keys against a hundred thousand, at both guarantees. */
export async function manyKeys(): Promise<Result> {
  const lines: string[] = []
  let rate = 0
  for (const guarantee of ['eos', 'alos'] as const) {
    const few = await steadyCost(million / 10, 4 * million, guarantee)
    const many = await steadyCost(million, 4 * million, guarantee)
    rate ||= million / many.wallUs
    const line = (name: string, { wallUs, cpuUs }: Cost): string =>
      `  ${guarantee} ${name.padEnd(8)} ${wallUs.toFixed(2).padStart(6)} µs a record, ${cpuUs.toFixed(2)} µs CPU`
    lines.push(line('100k', few), line('1m', many))
    const ratios = [many.wallUs / few.wallUs, many.cpuUs / few.cpuUs]
    lines.push(
      `  ${guarantee} ${'1m:100k'.padEnd(8)} ${ratios[0]!.toFixed(2).padStart(6)} time, ${ratios[1]!.toFixed(2)} CPU`,
    )
  }
  return { rate, expected: undefined, note: `\n${lines.join('\n')}` }
}
