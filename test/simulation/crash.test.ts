// Crashes at every await of opening, commit and persist, lost answers and rebalances, on seeded
// schedules: results are exactly-once. A failing seed replays with `SEED=n`, and `SEEDS=n` tries
// more; one that failed goes into `failed-seeds.txt`, which is always run.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { consoleLogger } from '../../src/logger.js'
import { crashRun, type RunOptions, type RunSummary } from './crash-run.js'

const only = process.env['SEED']
const seeds = Number(process.env['SEEDS'] ?? 240)
const kept = readFileSync(new URL('failed-seeds.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => /^\d+/.test(line))
  .map((line) => Number.parseInt(line, 10))

const groups: number[][] =
  only === undefined
    ? [
        kept,
        ...Array.from({ length: 12 }, (_, g) =>
          Array.from({ length: seeds / 12 }, (_, n) => 1 + g * (seeds / 12) + n),
        ),
      ]
    : [[Number(only)]]

/** The first so many seeds, or the one that is replayed. */
const upTo = (count: number): number[] =>
  only === undefined ? Array.from({ length: count }, (_, n) => n + 1) : [Number(only)]

/** @throws with the seed what the run threw */
const run = async (seed: number, options?: RunOptions): Promise<RunSummary> => {
  try {
    return await crashRun(seed, only ? consoleLogger({ verbose: true }) : undefined, options)
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
  }
}

describe('exactly-once over crashes', () => {
  it.each(groups.filter((g) => g.length > 0))('holds for seeds from %i', async (...group) => {
    let crashes = 0
    for (const seed of group) crashes += (await run(seed)).crashes
    if (only === undefined && group.length > 10) expect(crashes).toBeGreaterThan(0)
  })
})

describe('at-least-once over crashes', () => {
  it('loses nothing', async () => {
    for (const seed of upTo(40)) await run(seed, { atLeastOnce: true })
  })
})

describe('crashes while calls are open', () => {
  it('leave results exactly-once', async () => {
    for (const seed of upTo(seeds / 2)) await run(seed, { calls: true })
  })
})

describe('crashes while changed rows are bytes', () => {
  for (const crowded of ['numbers', 'objects'] as const)
    it.each([false, true])(`of ${crowded} are survived, at least once: %s`, async (atLeastOnce) => {
      for (const seed of upTo(seeds / 3)) await run(seed, { atLeastOnce, crowded })
    })
})
