// Connections to a real broker that break, stall and lose answers all the time: what was committed is
// there once and in order, what was not is nowhere, and offsets say the same. The seed is printed.
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  KafkaError,
  type Client,
  type Isolation,
  type TopicPartition,
  type TransactionalProducer,
} from '../../src/kafka/client.js'
import { kafkaClient } from '../../src/kafka/kafka-client.js'
import { RecordBatchBuilder } from '../../src/kafka/record-batch.js'
import { startKafka, type KafkaServer } from './kafka-server.js'
import { describeWithKafka, uniqueName } from './use-kafka.js'

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
const partitions = 3
/** A broker of somebody else's does not advertise our bad network. */
const foreign = 'the broker was not started here'

/** A generator of numbers in [0, 1), the same for the same seed. */
const randomOf = (from: number): (() => number) => {
  let state = from
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return state / 2 ** 31
  }
}

/** Stands between the client and the broker. */
class BadNetwork {
  readonly #server: Server
  readonly #links = new Set<{ cut(): void; mute(): void; stall(): void }>()
  targetPort = 0
  breaks = 0

  constructor() {
    this.#server = createServer((client) => this.#link(client))
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as { port: number }).port
  }

  /** Does something to some of the connections every few milliseconds until it is told to stop. */
  trouble(random: () => number): () => void {
    const timer = setInterval(() => {
      for (const link of this.#links) {
        const luck = random()
        if (luck > 0.08) continue
        this.breaks++
        if (luck < 0.04) link.cut()
        else if (luck < 0.07) link.mute()
        else link.stall()
      }
    }, 50)
    return () => clearInterval(timer)
  }

  close(): void {
    for (const link of this.#links) link.cut()
    this.#server.close()
  }

  #link(client: Socket): void {
    const broker = connect(this.targetPort, '127.0.0.1')
    let toBroker = true
    let toClient = true
    const link = {
      cut: () => {
        client.destroy()
        broker.destroy()
        this.#links.delete(link)
      },
      /** Answers are lost, then the connection. */
      mute: () => {
        toClient = false
        setTimeout(() => link.cut(), 100)
      },
      /** Silently dead: only a time-out finds out. */
      stall: () => void (toBroker = toClient = false),
    }
    this.#links.add(link)
    client.on('data', (data) => toBroker && broker.write(data))
    broker.on('data', (data) => toClient && client.write(data))
    for (const socket of [client, broker]) {
      socket.on('close', () => link.cut())
      socket.on('error', () => link.cut())
    }
  }
}

const batchOf = (...values: readonly number[]): RecordBatchBuilder => {
  const builder = new RecordBatchBuilder()
  for (const value of values) builder.append(Date.now(), null, Buffer.from(`${value}`))
  return builder
}

const partitionsOf = (topic: string): TopicPartition[] =>
  Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))

/** Everything in a topic, by partition. */
async function readAll(client: Client, topic: string, isolation: Isolation): Promise<number[][]> {
  const ends = await client.admin.offsets(partitionsOf(topic), 'latest')
  const fetcher = client.fetcher({ isolation, maxWaitMs: 100 })
  const found: number[][] = partitionsOf(topic).map(() => [])
  for (const partition of partitionsOf(topic)) fetcher.add(partition, 0)
  const untilMs = Date.now() + 20_000
  const behind = (p: TopicPartition) =>
    (fetcher.position(p) ?? 0) < (ends.get(`${p.topic}-${p.partition}`) ?? 0)
  while (partitionsOf(topic).some(behind) && Date.now() < untilMs) {
    for (let some = fetcher.poll(); some; some = fetcher.poll())
      for (const reader of some.batches)
        while (reader.next()) found[some.partition]?.push(Number(reader.value()?.toString()))
    await fetcher.wait(100)
  }
  await fetcher.close()
  return found
}

describeWithKafka(`a bad network (SEED=${seed})`, () => {
  const network = new BadNetwork()
  let server: KafkaServer
  let client: Client
  let clean: Client

  beforeAll(async () => {
    const port = await network.listen()
    server = await startKafka({
      properties: { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}` },
    })
    network.targetPort = Number(server.brokers[0]?.split(':')[1])
    client = kafkaClient({ brokers: server.brokers, requestTimeoutMs: 1000 })
    clean = kafkaClient({ brokers: server.brokers })
  })

  afterAll(async () => {
    await client.close()
    await clean.close()
    network.close()
    await server.stop()
  })

  const topic = async (name: string): Promise<string> => {
    const unique = uniqueName(name)
    await clean.admin.createTopics([
      { name: unique, partitions, replicationFactor: 1, configs: {} },
    ])
    return unique
  }

  it('changes nothing that was committed, and shows nothing that was not', async (test) => {
    test.skip(server.pid === undefined, foreign)
    const random = randomOf(seed)
    const out = await topic('transactions')
    const input = { topic: out, partition: 0 }
    const groupId = uniqueName('group')
    const group = { groupId, generationId: -1, memberId: '', instanceId: undefined }
    const expected: number[][] = partitionsOf(out).map(() => [])
    let producer: TransactionalProducer | undefined
    const renewed = async (): Promise<TransactionalProducer> => {
      await producer?.close()
      producer = client.transactionalProducer({
        transactionalId: out,
        transactionTimeoutMs: 20_000,
      })
      await producer.init()
      return producer
    }
    const committedOffset = async (): Promise<number> =>
      (await clean.admin.committed(groupId, [input])).values().next().value?.offset ?? 0
    let current = await renewed()
    let next = 0
    let commits = 0
    const stop = network.trouble(random)
    const untilMs = Date.now() + 8000
    while (Date.now() < untilMs) {
      const mine: number[][] = partitionsOf(out).map(() => [])
      const keep = () => mine.forEach((values, n) => expected[n]?.push(...values))
      try {
        current.begin()
        for (let n = 0; n < 1 + random() * 10; n++) {
          const partition = Math.floor(random() * partitions)
          mine[partition]?.push(next)
          current.send({ topic: out, partition }, batchOf(next++))
          if (random() < 0.3) await new Promise((resolve) => setImmediate(resolve))
        }
        await current.sendOffsets([{ ...input, offset: next, metadata: '' }], group)
        if (random() < 0.15) await current.abort()
        else {
          await current.commit()
          commits++
          keep()
        }
      } catch (error) {
        // Whether it was committed is what the offsets say, once a successor has ended it.
        expect(error).toBeInstanceOf(KafkaError)
        current = await renewed()
        if ((await committedOffset()) === next) keep()
      }
    }
    stop()
    await producer?.close()
    expect(network.breaks).toBeGreaterThan(0)
    expect(commits).toBeGreaterThan(0)
    expect(await readAll(clean, out, 'read_committed')).toEqual(expected)
  })

  it('keeps the order of what an idempotent producer sends, each record once', async (test) => {
    test.skip(server.pid === undefined, foreign)
    const random = randomOf(seed + 1)
    const out = await topic('idempotent')
    const producer = client.producer()
    const sent: number[][] = partitionsOf(out).map(() => [])
    const offsets: [number, number][] = []
    const stop = network.trouble(random)
    const untilMs = Date.now() + 5000
    for (let n = 0; Date.now() < untilMs; n++) {
      const values = sent[n % partitions] ?? []
      const index = values.push(n) - 1
      producer.send({ topic: out, partition: n % partitions }, batchOf(n), (offset) =>
        offsets.push([index, offset]),
      )
      if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
      await producer.drained(100_000)
    }
    await producer.flush()
    stop()
    expect(offsets.filter(([index, offset]) => index !== offset)).toEqual([])
    expect(await readAll(clean, out, 'read_uncommitted')).toEqual(sent)
  })
})
