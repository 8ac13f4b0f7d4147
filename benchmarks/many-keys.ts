// What a million keys cost: a count over so many, all of them there before, against one over a hundred
// thousand. Under exactly-once both are far more than one commit sees, under at-least-once a commit
// sees all of both. What differs is where rows are found, and how many are logged and persisted; a
// record cache adds that it saves more results of fewer keys, so that is measured without one as well.
// The third line has a million keys there, and a hundred thousand in use. Objects in place of numbers
// have to be decoded and encoded with each use where there are very many.
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
  const compare = async (
    title: string,
    shared: Pick<Load, 'guarantee' | 'caching' | 'rows'>,
    others: readonly (readonly [name: string, keys: number, inUse: number])[],
  ): Promise<void> => {
    const cost = (keys: number, inUse: number): Promise<Cost> => {
      // Commits every 30 seconds, under at-least-once, and the last persist, for which a run waits, have to be
      // in proportion.
      const rounds = shared.guarantee === 'eos' ? 3 : 5
      const load: Load = { ...shared, keys, inUse, records, rounds }
      return measuredProcess('steady-cost', load)
    }
    const few = await cost(million / 10, million / 10)
    const add = (name: string, { wallUs, cpuUs }: Cost): void => {
      const ratio = `${(wallUs / few.wallUs).toFixed(2)} time, ${(cpuUs / few.cpuUs).toFixed(2)} CPU`
      lines.push(
        `  ${title.padEnd(14)} ${name.padEnd(16)} ${wallUs.toFixed(2).padStart(6)} µs a record, ${cpuUs.toFixed(2)} µs CPU: ${ratio}`,
      )
    }
    add('100k', few)
    for (const [name, keys, inUse] of others) {
      const many = await cost(keys, inUse)
      rate ||= million / many.wallUs
      add(name, many)
    }
  }
  const all = ['1m', million, million] as const
  const partly = ['1m, 100k in use', million, million / 10] as const
  for (const guarantee of ['eos', 'alos'] as const) {
    const rows = 'numbers'
    await compare(`${guarantee} cached`, { guarantee, caching: true, rows }, [all, partly])
    await compare(`${guarantee} uncached`, { guarantee, caching: false, rows }, [all])
    await compare(`${guarantee} objects`, { guarantee, caching: true, rows: 'objects' }, [all])
  }
  return { rate, expected: undefined, note: `\n${lines.join('\n')}` }
}
