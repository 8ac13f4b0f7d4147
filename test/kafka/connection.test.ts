// One connection against a scripted broker: versions, time-outs, what ends in-flight requests, and
// authentication.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { VirtualClock } from '../../src/clock.js'
import { Connection, type ConnectionSettings } from '../../src/kafka/connection.js'
import { apiVersions } from '../../src/kafka/protocol/messages/api-versions.js'
import { findCoordinator } from '../../src/kafka/protocol/messages/find-coordinator.js'
import { joinGroup } from '../../src/kafka/protocol/messages/join-group.js'
import { metadata } from '../../src/kafka/protocol/messages/metadata.js'
import { saslAuthenticate } from '../../src/kafka/protocol/messages/sasl-authenticate.js'
import { saslHandshake } from '../../src/kafka/protocol/messages/sasl-handshake.js'
import { reauthenticationDelayMs } from '../../src/kafka/sasl.js'
import { silentLogger } from '../../src/logger.js'
import { FakeBroker, quiet, until, type FakeBrokerOptions } from './fake-broker.js'

const clock = new VirtualClock(1000)
const settings: ConnectionSettings = {
  clientId: 'tester',
  tls: undefined,
  sasl: undefined,
  clock,
  logger: silentLogger,
  requestTimeoutMs: 1000,
  connectTimeoutMs: 1000,
}

let broker: FakeBroker
let connections: Connection[] = []

const start = async (options?: FakeBrokerOptions): Promise<void> => {
  await broker.close()
  broker = await FakeBroker.start(options)
}

const open = async (more: Partial<ConnectionSettings> = {}): Promise<Connection> => {
  const connection = await Connection.open(
    { host: '127.0.0.1', port: broker.port },
    { ...settings, ...more },
  )
  connections.push(connection)
  return connection
}

beforeEach(async () => {
  broker = await FakeBroker.start()
})

afterEach(async () => {
  for (const connection of connections) connection.close()
  connections = []
  await broker.close()
})

const allTopics = { topics: null }
const join = {
  groupId: 'g',
  sessionTimeoutMs: 1,
  memberId: '',
  protocolType: 'consumer',
  protocols: [],
}

describe('versions', () => {
  it('are asked for in version 4, which tells the finalized features', async () => {
    await start({ features: { 'transaction.version': 2 } })
    const connection = await open()
    expect(broker.seen[0]).toMatchObject({ api: 'ApiVersions', version: 4, clientId: 'tester' })
    expect(connection.feature('transaction.version')).toBe(2)
    expect(connection.feature('streams.version')).toBe(0)
  })

  it('are asked for again in the version that an older broker knows', async () => {
    await start({ versions: { ApiVersions: [0, 2] } })
    const connection = await open()
    expect(broker.seen.map((s) => s.version)).toEqual([2])
    expect(connection.version(apiVersions as never)).toBe(2)
  })

  it('are the highest that both sides know', async () => {
    await start({ versions: { Metadata: [0, 7], FindCoordinator: [2, 9] } })
    const connection = await open()
    expect(connection.version(metadata as never)).toBe(7)
    expect(connection.version(findCoordinator as never)).toBe(3)
    expect(connection.version(findCoordinator as never, 2)).toBe(2)
    await connection.send(metadata, allTopics)
    expect(broker.seen.at(-1)).toMatchObject({ api: 'Metadata', version: 7 })
  })

  it('are never guessed: without a common one nothing is sent', async () => {
    await start({ versions: { Metadata: [13, 13] } })
    const connection = await open()
    await expect(connection.send(metadata, allTopics)).rejects.toMatchObject({
      kind: 'fatal',
      errorCode: 35,
      message: expect.stringContaining('the broker has versions 13 to 13') as string,
    })
    expect(broker.seen).toHaveLength(1)
  })
})

describe('a broker that does not answer', () => {
  it('loses the connection, and everything in flight is rejected', async () => {
    const connection = await open()
    broker.on(metadata, () => 'silence')
    const first = connection.send(metadata, allTopics)
    const second = connection.send(metadata, allTopics)
    await until('the requests arrive', () => broker.requests(metadata).length === 2)
    clock.advance(999)
    expect(connection.closed).toBe(false)
    clock.advance(1)
    await expect(first).rejects.toMatchObject({ kind: 'retriable', errorCode: -1 })
    await expect(second).rejects.toMatchObject({ kind: 'retriable' })
    expect(connection.closed).toBe(true)
    await expect(connection.send(metadata, allTopics)).rejects.toMatchObject({ kind: 'retriable' })
  })

  it('has the time that the request itself declares on top', async () => {
    const connection = await open()
    broker.on(joinGroup, () => 'silence')
    const held = connection.send(joinGroup, join, { waitMs: 5000 })
    clock.advance(5999)
    expect(connection.closed).toBe(false)
    clock.advance(1)
    await expect(held).rejects.toThrow('did not answer JoinGroup')
  })

  it('is found out by the request that waited longest, whatever was sent since', async () => {
    const connection = await open()
    broker.on(metadata, () => 'silence')
    const late = connection.send(metadata, allTopics)
    clock.advance(900)
    const later = connection.send(metadata, allTopics)
    clock.advance(100)
    await expect(late).rejects.toThrow('did not answer Metadata')
    await expect(later).rejects.toThrow('did not answer Metadata')
  })

  it('cannot be connected to for ever', async () => {
    const opening = open({ connectTimeoutMs: 50 })
    broker.on(apiVersions, () => 'silence')
    await until('the request arrives', () => broker.seen.length === 1)
    clock.advance(1000)
    await expect(opening).rejects.toMatchObject({ kind: 'retriable' })
  })
})

describe('the end of a connection', () => {
  it('rejects everything in flight when it is closed here', async () => {
    const connection = await open()
    broker.on(metadata, () => 'silence')
    const pending = connection.send(metadata, allTopics)
    let told = 0
    connection.onClose(() => told++)
    connection.close()
    await expect(pending).rejects.toMatchObject({ kind: 'retriable' })
    connection.onClose(() => told++)
    expect(told).toBe(2)
  })

  it('rejects everything in flight when the broker hangs up, and names the request', async () => {
    const connection = await open()
    broker.on(metadata, () => 'close')
    await expect(connection.send(metadata, allTopics)).rejects.toThrow(
      'closed the connection instead of answering Metadata v12',
    )
    expect(connection.closed).toBe(true)
  })

  it('is refused with what the network says', async () => {
    const { port } = broker
    await broker.close()
    const opening = Connection.open({ host: '127.0.0.1', port }, settings)
    await expect(opening).rejects.toMatchObject({ kind: 'retriable' })
    broker = await FakeBroker.start()
  })
})

describe('authentication', () => {
  const sasl = { mechanism: 'plain', username: 'bob', password: 'secret' } as const

  const accept = (sessionLifetimeMs: number): void => {
    broker.on(saslHandshake, () => ({ errorCode: 0, mechanisms: ['PLAIN'] }))
    broker.on(saslAuthenticate, () => ({
      errorCode: 0,
      errorMessage: null,
      authBytes: Buffer.alloc(0),
      sessionLifetimeMs,
    }))
  }

  it('sends what the mechanism says, before anything else', async () => {
    accept(0)
    await open({ sasl })
    expect(broker.seen.map((s) => s.api)).toEqual([
      'ApiVersions',
      'SaslHandshake',
      'SaslAuthenticate',
    ])
    expect(Buffer.from(broker.requests(saslAuthenticate)[0]?.authBytes ?? []).toString()).toBe(
      '\0bob\0secret',
    )
  })

  it('sends bearer tokens, asked for anew for each connection', async () => {
    broker.on(saslHandshake, () => ({ errorCode: 0, mechanisms: ['OAUTHBEARER'] }))
    broker.on(saslAuthenticate, () => ({ errorMessage: null, authBytes: Buffer.alloc(0) }))
    let tokens = 0
    const bearer = {
      mechanism: 'oauthbearer',
      oauthBearerProvider: () => Promise.resolve({ value: `token-${++tokens}` }),
    } as const
    await open({ sasl: bearer })
    await open({ sasl: bearer })
    expect(
      broker.requests(saslAuthenticate).map((r) => Buffer.from(r.authBytes).toString()),
    ).toEqual(['n,,\x01auth=Bearer token-1\x01\x01', 'n,,\x01auth=Bearer token-2\x01\x01'])
  })

  it('runs a mechanism of one’s own in the form of kafkajs', async () => {
    broker.on(saslHandshake, () => ({ errorCode: 0, mechanisms: ['OWN'] }))
    broker.on(saslAuthenticate, ({ authBytes }) => ({
      errorMessage: null,
      authBytes: Buffer.concat([Buffer.from('re:'), authBytes]),
    }))
    let answer = ''
    await open({
      sasl: {
        mechanism: 'own',
        authenticationProvider: ({ saslAuthenticate: step }) => ({
          authenticate: async () => {
            const framed = Buffer.concat([Buffer.from([0, 0, 0, 2]), Buffer.from('hi')])
            answer =
              (await step({
                request: { encode: () => framed },
                response: { decode: (raw) => raw.subarray(4), parse: (data) => data.toString() },
              })) ?? ''
          },
        }),
      },
    })
    expect(answer).toBe('re:hi')
  })

  it('fails with the broker’s words, and without the credentials', async () => {
    broker.on(saslHandshake, () => ({ errorCode: 0, mechanisms: ['PLAIN'] }))
    broker.on(saslAuthenticate, () => ({ errorCode: 58, errorMessage: 'wrong password' }))
    const error = await open({ sasl }).catch((e: unknown) => e)
    expect(error).toMatchObject({ kind: 'authorization', errorCode: 58 })
    expect(String(error)).toContain('wrong password')
    expect(String(error)).not.toContain('secret')
  })

  it('names the mechanisms that the broker has instead', async () => {
    broker.on(saslHandshake, () => ({ errorCode: 33, mechanisms: ['SCRAM-SHA-512'] }))
    await expect(open({ sasl })).rejects.toMatchObject({
      kind: 'authorization',
      message: expect.stringContaining('the broker offers SCRAM-SHA-512') as string,
    })
  })

  it('is retriable when the connection breaks in the middle', async () => {
    broker.on(saslHandshake, () => ({ errorCode: 0, mechanisms: ['PLAIN'] }))
    broker.on(saslAuthenticate, () => 'close')
    await expect(open({ sasl })).rejects.toMatchObject({ kind: 'retriable' })
  })

  it('is repeated before the session ends, and requests wait for it', async () => {
    accept(10_000)
    const connection = await open({ sasl })
    let release = (): void => {}
    broker.once(saslHandshake, async () => {
      await new Promise<void>((resolve) => (release = resolve))
      return { errorCode: 0, mechanisms: ['PLAIN'] }
    })
    clock.advance(8499)
    await quiet()
    expect(broker.requests(saslHandshake)).toHaveLength(1)
    clock.advance(1)
    await until('the second handshake', () => broker.requests(saslHandshake).length === 2)
    const waiting = connection.send(metadata, allTopics)
    await quiet()
    expect(broker.requests(metadata)).toHaveLength(0)
    release()
    await waiting
    expect(broker.seen.slice(-3).map((s) => s.api)).toEqual([
      'SaslHandshake',
      'SaslAuthenticate',
      'Metadata',
    ])
  })

  it('is repeated after a delay that a timer can hold', () => {
    expect(reauthenticationDelayMs(10_000)).toBe(8500)
    expect(reauthenticationDelayMs(2 ** 40)).toBe(2 ** 31 - 1)
    expect(reauthenticationDelayMs(10)).toBe(1000)
  })
})
