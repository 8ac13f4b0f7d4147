// The embedded log against the contract of the port, in memory and on LevelDB.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, VirtualClock, type Clock } from '../../src/clock.js'
import { EmbeddedTransport, type EmbeddedSeams } from '../../src/embedded/embedded.js'
import { openClient } from '../../src/kafka/transport.js'
import { silentLogger } from '../../src/logger.js'
import { kafkaClientContract } from '../contract/kafka-client-contract.js'
import type { ContractLog } from '../contract/kafka-fixture.js'

const open = async (
  seams: EmbeddedSeams,
  clock: Clock,
  ended: () => void = () => {},
): Promise<ContractLog> => {
  const transport = new EmbeddedTransport(seams)
  const another = () => transport[openClient]({ clock, logger: silentLogger })
  const clients = [await another()]
  return {
    client: clients[0]!,
    another: async () => {
      const client = await another()
      clients.push(client)
      return client
    },
    clock: clock instanceof VirtualClock ? clock : undefined,
    close: async () => {
      await Promise.all(clients.map((client) => client.close()))
      ended()
    },
  }
}

kafkaClientContract('embedded, in memory', () => open({}, new VirtualClock(1_000_000)))

kafkaClientContract('embedded, in memory behind a network', () =>
  open(
    { faults: () => new Promise((resolve) => setImmediate(resolve)) },
    new VirtualClock(1_000_000),
  ),
)

kafkaClientContract('embedded, on LevelDB', () => {
  const directory = mkdtempSync(join(tmpdir(), 'embedded-'))
  return open({ directory }, systemClock, () => rmSync(directory, { recursive: true }))
})
