// t1, t3 and t4 of the comparison with Kafka Streams over a real broker: the whole program in a
// process of its own, four partitions, one thread, nothing tuned. The rate is that of all records
// from the first processed to the last committed, in a cold process.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { string, topicClient } from '../src/index.js'
import { generate } from './generator.js'
import { measuredProcess } from './measured-process.js'
import type { Result } from './result.js'

const million = 1_000_000
const partitions = 4

/** The prototype's plain rates, k records/s: half of them is expected. */
const prototype: Readonly<Record<string, number>> = {
  't1-alos': 998,
  't1-eos': 806,
  't3-1k-alos': 3887,
  't3-1k-eos': 2879,
  't3-100k-alos': 726,
  't3-100k-eos': 246,
  't4-alos': 863,
  't4-eos': 839,
}

/** Loads an input topic unless it is there already. */
async function load(brokers: readonly string[], keys: number, count: number): Promise<string> {
  const topic = `bench-${keys}-${count}`
  const log = topicClient({ brokers })
  await log.createTopics([{ name: topic, partitions, configs: { 'retention.ms': '-1' } }])
  const ends = [...(await log.endOffsets(topic)).values()].reduce((sum, end) => sum + end, 0)
  if (ends === 0)
    await log.send({ name: topic, key: string(), value: string() }, generate(count, keys))
  else if (ends !== count) throw new Error(`${topic} holds ${ends} records: delete it first`)
  await log.close()
  return topic
}

interface WorkerReport {
  readonly processed: number
  readonly seconds: number
  readonly cpuUs: number
  readonly rssMb: number
}

const over =
  (
    topology: 't1' | 't3' | 't4',
    keys: number,
    count: number,
    guarantee: 'alos' | 'eos',
    name: string,
  ) =>
  async (brokers: readonly string[]): Promise<Result> => {
    const input = await load(brokers, keys, count)
    const output = `${input}-${name}-${Date.now().toString(36)}`
    const log = topicClient({ brokers })
    await log.createTopics([{ name: output, partitions }])
    await log.close()
    const stateDir = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
    try {
      const task = { topology, input, output, count, guarantee, brokers, stateDir }
      const report = await measuredProcess<WorkerReport>('worker', task)
      const { processed, seconds, cpuUs, rssMb } = report
      const expected = (prototype[name] ?? 0) * 500
      const note = `${cpuUs.toFixed(2)} µs CPU a record, ${rssMb.toFixed(0)} MB, ${seconds.toFixed(1)} s`
      return { rate: processed / seconds, expected, note }
    } finally {
      rmSync(stateDir, { recursive: true, force: true })
    }
  }

/** By name. */
export const overBroker: Readonly<Record<string, (brokers: readonly string[]) => Promise<Result>>> =
  Object.fromEntries(
    (['alos', 'eos'] as const).flatMap((guarantee) =>
      (
        [
          ['t1', 't1', 1000, 2 * million],
          ['t3-1k', 't3', 1000, 2 * million],
          ['t3-100k', 't3', 100_000, million],
          ['t4', 't4', 1000, million],
        ] as const
      ).map(([stem, topology, keys, count]) => {
        const name = `${stem}-${guarantee}`
        return [name, over(topology, keys, count, guarantee, name)]
      }),
    ),
  )
