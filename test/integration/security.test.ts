// TLS, SASL and ACLs of a real broker: every mechanism that it offers, sessions that end, and refusals
// that name what is refused.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Client } from '../../src/kafka/client.js'
import { kafkaClient, type KafkaClientOptions } from '../../src/kafka/kafka-client.js'
import { RecordBatchBuilder } from '../../src/kafka/record-batch.js'
import { startKafka, type KafkaServer } from './kafka-server.js'
import { describeWithKafka, uniqueName } from './use-kafka.js'

const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'])
    return true
  } catch {
    return false
  }
})()

/** A certificate authority and a key store for 127.0.0.1, signed by it. */
function certificates(folder: string): { readonly ca: string; readonly keyStore: string } {
  const path = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  const key = ['-newkey', 'rsa:2048', '-nodes']
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    path('ca.key'),
    '-out',
    path('ca.pem'),
    '-subj',
    '/CN=ca',
  )
  openssl('req', ...key, '-keyout', path('key'), '-out', path('csr'), '-subj', '/CN=localhost')
  writeFileSync(path('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
  const signed = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial']
  openssl(
    'x509',
    '-req',
    '-in',
    path('csr'),
    ...signed,
    '-out',
    path('pem'),
    '-extfile',
    path('names'),
  )
  const parts = ['key', 'pem', 'ca.pem'].map((name) => readFileSync(path(name), 'utf8'))
  writeFileSync(path('store.pem'), parts.join(''))
  return { ca: path('ca.pem'), keyStore: path('store.pem') }
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
const plain =
  'org.apache.kafka.common.security.plain.PlainLoginModule required user_bob="bob-secret";'
/** Sessions end after this time. */
const sessionMs = 2000

describeWithKafka('a broker behind TLS and SASL', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-tls-'))
  let server: KafkaServer
  let broker: string
  let ca: Buffer
  const clients: Client[] = []

  const connect = (
    sasl: KafkaClientOptions['sasl'],
    ssl: KafkaClientOptions['ssl'] = { ca },
  ): Client => {
    const client = kafkaClient({ brokers: [broker], ssl, sasl, adminTimeoutMs: 5000 })
    clients.push(client)
    return client
  }
  const alice = { mechanism: 'scram-sha-512', username: 'alice', password: 'alice-secret' } as const
  const carol = { ...alice, username: 'carol', password: 'carol-secret' } as const

  beforeAll(async () => {
    if (!hasOpenssl) return
    const files = certificates(folder)
    ca = readFileSync(files.ca)
    const port = await freePort()
    broker = `127.0.0.1:${port}`
    const listeners = `PLAINTEXT://127.0.0.1:{port},SECURE://127.0.0.1:${port}`
    server = await startKafka({
      properties: {
        listeners: `${listeners},CONTROLLER://127.0.0.1:{controllerPort}`,
        'advertised.listeners': listeners,
        'listener.security.protocol.map':
          'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL',
        'inter.broker.listener.name': 'PLAINTEXT',
        'listener.name.secure.sasl.enabled.mechanisms': 'SCRAM-SHA-512,PLAIN',
        'listener.name.secure.scram-sha-512.sasl.jaas.config': scram,
        'listener.name.secure.plain.sasl.jaas.config': plain,
        'connections.max.reauth.ms': `${sessionMs}`,
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.location': files.keyStore,
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:ANONYMOUS;User:alice;User:bob',
      },
      format: [alice, carol].flatMap(({ username, password }) => [
        '--add-scram',
        `SCRAM-SHA-512=[name=${username},password=${password}]`,
      ]),
    })
  })

  afterAll(async () => {
    for (const client of clients) await client.close()
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const secured = (name: string, body: () => Promise<void>): void =>
    it(name, async (test) => {
      test.skip(!hasOpenssl, 'openssl is missing')
      test.skip(server?.pid === undefined, 'the broker was not started here')
      await body()
    })

  secured('takes SCRAM and PLAIN', async () => {
    await connect(alice).admin.listTopics()
    const bob = { mechanism: 'plain', username: 'bob', password: 'bob-secret' } as const
    await connect(bob).admin.listTopics()
  })

  secured('goes on working when sessions end, without a break', async () => {
    const client = connect(alice)
    const topic = uniqueName('session')
    await client.admin.createTopics([
      { name: topic, partitions: 1, replicationFactor: 1, configs: {} },
    ])
    const partition = { topic, partition: 0 }
    const fetcher = client.fetcher({ isolation: 'read_committed', maxWaitMs: 100 })
    fetcher.add(partition, 0)
    const producer = client.producer()
    let sent = 0
    let read = 0
    const untilMs = Date.now() + 3 * sessionMs
    while (Date.now() < untilMs) {
      const batch = new RecordBatchBuilder()
      batch.append(Date.now(), null, Buffer.from(`${sent++}`))
      producer.send(partition, batch)
      await producer.flush()
      for (let some = fetcher.poll(); some; some = fetcher.poll())
        for (const reader of some.batches) while (reader.next()) read++
      await fetcher.wait(20)
    }
    expect(read).toBeGreaterThan(sent / 2)
  })

  secured('refuses a wrong password in its own words, and says no secret', async () => {
    const error = await connect({ ...alice, password: 'guess' })
      .admin.listTopics()
      .catch((e: unknown) => e)
    expect(error).toMatchObject({ kind: 'authorization', errorCode: 58 })
    expect(String(error)).not.toContain('guess')
  })

  secured('names the topic, group or transactional id that one may not use', async () => {
    const { admin } = connect(carol)
    const topic = { name: 'forbidden', partitions: 1, replicationFactor: 1, configs: {} }
    const authorization = (what: string) => ({
      kind: 'authorization',
      message: expect.stringContaining(what) as string,
    })
    await expect(admin.createTopics([topic])).rejects.toMatchObject(authorization('forbidden'))
    await expect(
      admin.committed('their-group', [{ topic: 'a', partition: 0 }]),
    ).rejects.toMatchObject(authorization('their-group'))
    const producer = connect(carol).transactionalProducer({
      transactionalId: 'their-id',
      transactionTimeoutMs: 1000,
    })
    await expect(producer.init()).rejects.toMatchObject(authorization('their-id'))
  })

  secured('is not trusted without its authority', async () => {
    const client = kafkaClient({ brokers: [broker], ssl: true, sasl: alice, adminTimeoutMs: 300 })
    clients.push(client)
    await expect(client.admin.listTopics()).rejects.toThrow('certificate')
  })

  secured('says that it speaks TLS to who does not', async () => {
    const client = kafkaClient({ brokers: [broker], adminTimeoutMs: 300 })
    clients.push(client)
    await expect(client.admin.listTopics()).rejects.toThrow('set `ssl`')
  })
})
