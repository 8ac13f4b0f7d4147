// `npm run bench -- NAME… [--brokers HOST:PORT]`: measures and prints rates, and their ratio to what
// is expected. Without a name: everything in process. What needs a broker starts one of its own
// unless it is given an address, and runs in three rounds: the rate is the median, as it was when
// the expected rates were measured. Never part of the tests.
import { cpus } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { inProcess } from './in-process.js'
import { startKafka } from '../test/integration/kafka-server.js'
import { overBroker } from './over-broker.js'
import type { Result } from './result.js'

/** Time for a broker to write and to compact what it has just got. */
const settleMs = 3000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { brokers: { type: 'string' } },
})
const names = positionals.length > 0 ? positionals : Object.keys(inProcess)

const unknown = names.filter((name) => !(name in inProcess) && !(name in overBroker))
if (unknown.length > 0) {
  for (const name of unknown) process.stderr.write(`there is no benchmark '${name}'\n`)
  process.stderr.write(`in process: ${Object.keys(inProcess).join(', ')}\n`)
  process.stderr.write(`over a broker: ${Object.keys(overBroker).join(', ')}\n`)
  process.exit(1)
}

const server =
  values.brokers === undefined && names.some((name) => name in overBroker)
    ? await startKafka({ heapMb: 1024 })
    : undefined
const brokers = server?.brokers ?? values.brokers?.split(',') ?? []

const thousands = (n: number): string => `${Math.round(n / 1000).toLocaleString('en-US')} k/s`
process.stdout.write(`Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model})\n`)
process.stdout.write(
  `${'benchmark'.padEnd(20)} ${'rate'.padStart(11)} ${'expected'.padStart(14)} ${'ratio'.padStart(6)}\n`,
)
const print = (name: string, { rate, expected, note }: Result): void => {
  const ratio = expected === undefined ? '' : (rate / expected).toFixed(2)
  const against = expected === undefined ? '' : `>= ${thousands(expected)}`
  process.stdout.write(
    `${name.padEnd(20)} ${thousands(rate).padStart(11)} ${against.padStart(14)} ${ratio.padStart(6)}  ${note}\n`,
  )
}

for (const name of names) if (name in inProcess) print(name, await inProcess[name]!())

const overBrokerNames = names.filter((name) => name in overBroker)
const results = new Map<string, Result[]>(overBrokerNames.map((name) => [name, []]))
for (let round = 0; round < 3; round++)
  for (const [name, found] of results) {
    // What the last run wrote is not to be part of the next one.
    await delay(settleMs)
    found.push(await overBroker[name]!(brokers))
  }
for (const [name, found] of results) {
  found.sort((a, b) => a.rate - b.rate)
  const [low, median, high] = found as [Result, Result, Result]
  const range = `${thousands(low.rate)} to ${thousands(high.rate)}`
  print(name, { ...median, note: `${range}, ${median.note}` })
}
await server?.stop()
