// The measured process of an over-broker benchmark: runs the topology until all input is committed
// and reports as one line of JSON.
import { setTimeout as delay } from 'node:timers/promises'
import { KafkaStreams, topicClient } from '../src/index.js'
import { t1, t3, t4 } from './topologies.js'

interface Task {
  readonly topology: 't1' | 't3' | 't4'
  readonly input: string
  readonly output: string
  readonly count: number
  readonly guarantee: 'alos' | 'eos'
  readonly brokers: readonly string[]
  readonly stateDir: string
}

const task = JSON.parse(process.argv[2] ?? '') as Task
const { input, output, count, brokers, stateDir } = task
const topology = { t1, t3, t4 }[task.topology](input, output)
const streams = new KafkaStreams(topology, {
  applicationId: `bench-${output}`,
  brokers,
  stateDir,
  processingGuarantee: task.guarantee === 'eos' ? 'exactly_once_v2' : 'at_least_once',
})

/** `process-total` over all tasks; a repartitioned record would count twice, but none is here. */
const processed = (): number => {
  let sum = 0
  for (const [name, value] of streams.metrics()) if (name.startsWith('process-total')) sum += value
  return sum
}

await streams.start()
while (processed() === 0) await delay(1)
const cpu = process.cpuUsage()
const startedMs = performance.now()
while (processed() < count) {
  if (streams.state === 'ERROR') process.exit(1)
  await delay(10)
}
const seconds = (performance.now() - startedMs) / 1000
await streams.close()
const used = process.cpuUsage(cpu)

// What is committed must be all there is, else the rate means nothing.
const log = topicClient({ brokers })
const committed = await log.committed(`bench-${output}`, input)
const sum = [...committed.values()].reduce((a, b) => a + b, 0)
if (sum !== count) throw new Error(`${sum} of ${count} records are committed`)
await log.close()
const cpuUs = (used.user + used.system) / count
const rssMb = process.resourceUsage().maxRSS / 1024
process.stdout.write(`${JSON.stringify({ processed: count, seconds, cpuUs, rssMb })}\n`)
