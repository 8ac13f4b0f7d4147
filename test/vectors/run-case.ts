// Runs one recorded case through the test driver and notes all that the case has on record.
import { string } from '../../src/index.js'
import { observeProduced, TopologyTestDriver } from '../../src/testing/topology-test-driver.js'
import { buildTopology } from './build-topology.js'
import { findDifference, type Observed } from './compare.js'
import { describeDifference } from './describe-graph.js'
import { readStore } from './read-store.js'
import type { OutputRecord, StoreContent, VectorCase } from './vector-case.js'

const base64 = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString('base64')

const droppedMetric = 'dropped-records-total'

/** Feeds the inputs of a case and gives what came of them. */
async function observe(
  vector: VectorCase,
  topology: ReturnType<typeof buildTopology>,
): Promise<Observed> {
  const outputs = new Map<string, OutputRecord[]>()
  let after = 0
  const driver = new TopologyTestDriver(topology, {
    startMs: 0,
    config: {
      applicationId: 'app',
      cacheMaxBytes: vector.config.caching ? 10_485_760 : 0,
      ...(vector.config.onProcessingError ? { processingHandler: 'continue' } : {}),
      ...(vector.config.onDeserializationError ? { deserializationHandler: 'continue' } : {}),
    },
    [observeProduced]({ topic, key, value, timestampMs, headers }) {
      const records = outputs.get(topic) ?? []
      outputs.set(topic, records)
      records.push({
        after,
        key: base64(key),
        value: base64(value),
        ts: timestampMs,
        headers: headers.map(([name, bytes]) => [name, base64(bytes)] as const),
      })
    },
  })
  try {
    const dropped: [number, number][] = []
    let total = 0
    for (const [i, input] of vector.inputs.entries()) {
      after = i
      if (input.advanceWallClock !== undefined)
        await driver.advanceWallClockTime(input.advanceWallClock)
      else
        await driver
          .createInputTopic(input.topic!, { key: string(), value: string() })
          .pipeInput(input.key!, input.value!, {
            timestampMs: input.ts,
            headers: input.headers ?? [],
          })
      const now = driver.metrics().get(droppedMetric) ?? 0
      if (now > total) dropped.push([i, now - total])
      total = now
    }
    const stores = new Map<string, StoreContent>()
    for (const [name, { kind }] of Object.entries(vector.stores))
      stores.set(name, { kind, rows: await readStore(driver, name, kind) })
    return { outputs, dropped, stores }
  } finally {
    await driver.close()
  }
}

/** Runs a case; the first difference, or `undefined` when all is equal. */
export async function runCase(vector: VectorCase): Promise<string | undefined> {
  const topology = buildTopology(vector)
  const described = describeDifference(vector.describe, topology.describe())
  if (described !== undefined) return described
  return findDifference(vector, await observe(vector, topology))
}

/** The longest time a case may take, far above what any needs. */
const caseLimitMs = 30_000

/** Like `runCase`, with every failure to run as a difference. */
export async function checkCase(vector: VectorCase): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`did not end within ${caseLimitMs} ms`), caseLimitMs)
  })
  try {
    return await Promise.race([runCase(vector), limit])
  } catch (error) {
    return `threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  } finally {
    clearTimeout(timer)
  }
}
