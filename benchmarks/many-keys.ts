// What a million keys cost: a count over so many, all of them there before, against one over a hundred
// thousand. Under exactly-once both are far more than one commit sees, under at-least-once a commit
// sees all of both. What differs is where rows are found, and how many are logged and persisted; a
// record cache adds that it saves more results of fewer keys, so that is measured without one as well.
// The third line has a million keys there, and a hundred thousand in use.
import type { Cost } from './bench-task.js'
import { measuredProcess } from './measured-process.js'
import type { Result } from './result.js'
import type { Load } from './steady-cost.js'

const million = 1_000_000
const records = 3 * million

/** A million keys against a hundred thousand, at both guarantees. */
export async function manyKeys(): Promise<Result> {
  const lines: string[] = []
  let rate = 0
  for (const guarantee of ['eos', 'alos'] as const)
    for (const caching of [true, false]) {
      const cost = (keys: number, inUse: number): Promise<Cost> => {
        // At-least-once commits every 30 seconds: that has to be in proportion.
        const rounds = guarantee === 'alos' ? 5 : 1
        const load: Load = { keys, inUse, records, rounds, guarantee, caching }
        return measuredProcess('steady-cost', load)
      }
      const few = await cost(million / 10, million / 10)
      const title = `${guarantee} ${caching ? 'cached' : 'uncached'}`
      const add = (name: string, { wallUs, cpuUs }: Cost): void => {
        const ratio = `${(wallUs / few.wallUs).toFixed(2)} time, ${(cpuUs / few.cpuUs).toFixed(2)} CPU`
        lines.push(
          `  ${title.padEnd(14)} ${name.padEnd(16)} ${wallUs.toFixed(2).padStart(6)} µs a record, ${cpuUs.toFixed(2)} µs CPU: ${ratio}`,
        )
      }
      add('100k', few)
      const many = await cost(million, million)
      rate ||= million / many.wallUs
      add('1m', many)
      if (caching) add('1m, 100k in use', await cost(million, million / 10))
    }
  return { rate, expected: undefined, note: `\n${lines.join('\n')}` }
}
