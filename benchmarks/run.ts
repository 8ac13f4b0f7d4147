// `npm run bench -- NAME… [--brokers HOST:PORT]`: measures and prints rates, and their ratio to what
// is expected. Without a name: everything in process. What needs a broker starts one of its own
// unless it is given an address. Never part of the tests.
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { inProcess, type Result } from './in-process.js'
import { startKafka } from '../test/integration/kafka-server.js'
import { overBroker } from './over-broker.js'

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
for (const name of names) {
  const { rate, expected, note }: Result =
    name in inProcess ? await inProcess[name]!() : await overBroker[name]!(brokers)
  const ratio = expected === undefined ? '' : (rate / expected).toFixed(2)
  const against = expected === undefined ? '' : `>= ${thousands(expected)}`
  process.stdout.write(
    `${name.padEnd(20)} ${thousands(rate).padStart(11)} ${against.padStart(14)} ${ratio.padStart(6)}  ${note}\n`,
  )
}
await server?.stop()
