// What a million keys cost: a count over so many, all of them there before, against one over a hundred
// thousand. Both are far more than one commit sees. What differs is where rows are found and how often
// they are persisted; a record cache adds that it saves more results of fewer keys, most of all with
// the long commit interval of at-least-once. So that is measured without one as well, where both do the
// same work for a record. The third line has a million keys there, and a hundred thousand in use.
import { BenchTask, encodeBatches, type Cost } from './bench-task.js'
import { each, generate } from './generator.js'
import type { Result } from './result.js'
import { t3 } from './topologies.js'

const million = 1_000_000
const records = 4 * million

interface Load {
  readonly guarantee: 'alos' | 'eos'
  readonly caching: boolean
}

/** The cost of one record once every key has a row and several persists are over. */
async function steadyCost(keys: number, inUse: number, load: Load): Promise<Cost> {
  const bench = await BenchTask.open(t3(), { topic: 'in', ...load })
  await bench.run(encodeBatches(each(keys)))
  const batches = encodeBatches(generate(records, inUse))
  await bench.run(batches.slice(0, batches.length / 4))
  const cost = await bench.cost(batches.slice(batches.length / 4))
  await bench.close()
  return cost
}

/** A million keys against a hundred thousand, at both guarantees. */
export async function manyKeys(): Promise<Result> {
  const lines: string[] = []
  let rate = 0
  for (const guarantee of ['eos', 'alos'] as const)
    for (const caching of [true, false]) {
      const load = { guarantee, caching }
      const few = await steadyCost(million / 10, million / 10, load)
      const title = `${guarantee} ${caching ? 'cached' : 'uncached'}`
      const add = (name: string, { wallUs, cpuUs }: Cost): void => {
        const ratio = `${(wallUs / few.wallUs).toFixed(2)} time, ${(cpuUs / few.cpuUs).toFixed(2)} CPU`
        lines.push(
          `  ${title.padEnd(14)} ${name.padEnd(16)} ${wallUs.toFixed(2).padStart(6)} µs a record, ${cpuUs.toFixed(2)} µs CPU: ${ratio}`,
        )
      }
      add('100k', few)
      const many = await steadyCost(million, million, load)
      rate ||= million / many.wallUs
      add('1m', many)
      if (caching) add('1m, 100k in use', await steadyCost(million, million / 10, load))
    }
  return { rate, expected: undefined, note: `\n${lines.join('\n')}` }
}
