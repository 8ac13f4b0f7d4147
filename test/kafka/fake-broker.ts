// A broker for tests, made from the same protocol tables: a server on localhost that answers what a
// test tells it to. Whatever a test does not script is answered as a healthy one-node cluster would.
import { createServer, type Server, type Socket } from 'node:net'
import type { VirtualClock } from '../../src/clock.js'
import { FrameAssembler } from '../../src/kafka/frame-assembler.js'
import { apiVersionsKey, type Api, type RequestBody } from '../../src/kafka/protocol/api.js'
import { addOffsetsToTxn } from '../../src/kafka/protocol/messages/add-offsets-to-txn.js'
import { addPartitionsToTxn } from '../../src/kafka/protocol/messages/add-partitions-to-txn.js'
import { apiVersions } from '../../src/kafka/protocol/messages/api-versions.js'
import { deleteRecords } from '../../src/kafka/protocol/messages/delete-records.js'
import { endTxn } from '../../src/kafka/protocol/messages/end-txn.js'
import { fetch } from '../../src/kafka/protocol/messages/fetch.js'
import { findCoordinator } from '../../src/kafka/protocol/messages/find-coordinator.js'
import { heartbeat } from '../../src/kafka/protocol/messages/heartbeat.js'
import { initProducerId } from '../../src/kafka/protocol/messages/init-producer-id.js'
import { joinGroup } from '../../src/kafka/protocol/messages/join-group.js'
import { leaveGroup } from '../../src/kafka/protocol/messages/leave-group.js'
import { listOffsets } from '../../src/kafka/protocol/messages/list-offsets.js'
import { metadata } from '../../src/kafka/protocol/messages/metadata.js'
import { offsetCommit } from '../../src/kafka/protocol/messages/offset-commit.js'
import { offsetFetch } from '../../src/kafka/protocol/messages/offset-fetch.js'
import { produce } from '../../src/kafka/protocol/messages/produce.js'
import { saslAuthenticate } from '../../src/kafka/protocol/messages/sasl-authenticate.js'
import { saslHandshake } from '../../src/kafka/protocol/messages/sasl-handshake.js'
import { syncGroup } from '../../src/kafka/protocol/messages/sync-group.js'
import { txnOffsetCommit } from '../../src/kafka/protocol/messages/txn-offset-commit.js'
import { Reader } from '../../src/kafka/protocol/reader.js'
import {
  readShape,
  writeShape,
  type Body,
  type Parsed,
  type Shape,
} from '../../src/kafka/protocol/schema.js'
import { Writer } from '../../src/kafka/protocol/writer.js'

/** Every table. */
export const allApis: readonly Api[] = [
  addOffsetsToTxn,
  addPartitionsToTxn,
  apiVersions,
  deleteRecords,
  endTxn,
  fetch,
  findCoordinator,
  heartbeat,
  initProducerId,
  joinGroup,
  leaveGroup,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  produce,
  saslAuthenticate,
  saslHandshake,
  syncGroup,
  txnOffsetCommit,
] as unknown as readonly Api[]

/** What a broker does with a request: answers (what is left out is 0), keeps silent, or hangs up. */
export type Reaction<R extends Shape> = Partial<Body<R>> | 'silence' | 'close'

type Handler = (body: Parsed<Shape>, seen: Seen) => Reaction<Shape> | Promise<Reaction<Shape>>

/** A request that came in. */
export interface Seen {
  readonly api: string
  readonly version: number
  readonly clientId: string
  readonly body: Record<string, never>
  /** Which of the broker's connections, counted from 0. */
  readonly connection: number
}

export interface FakeBrokerOptions {
  readonly nodeId?: number
  /** Caps of versions by API name; 0 for an API that is not there. */
  readonly versions?: Readonly<Record<string, readonly [number, number] | undefined>>
  readonly features?: Readonly<Record<string, number>>
}

export class FakeBroker {
  readonly nodeId: number
  readonly seen: Seen[] = []
  readonly #options: FakeBrokerOptions
  readonly #server: Server
  readonly #handlers = new Map<number, Handler>()
  readonly #once = new Map<number, Handler[]>()
  readonly #sockets: Socket[] = []
  /** The brokers that metadata tell of; this one alone unless a test adds some. */
  cluster: FakeBroker[] = [this]
  /** Leaders by topic and partition. */
  readonly leaders = new Map<string, { leader: number; epoch: number }[]>()

  private constructor(options: FakeBrokerOptions) {
    this.#options = options
    this.nodeId = options.nodeId ?? 1
    this.#server = createServer((socket) => this.#accept(socket))
    this.#defaults()
  }

  static async start(options: FakeBrokerOptions = {}): Promise<FakeBroker> {
    const broker = new FakeBroker(options)
    await new Promise<void>((resolve) => broker.#server.listen(0, '127.0.0.1', resolve))
    return broker
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Connections ever accepted. */
  get connections(): number {
    return this.#sockets.length
  }

  /** Gives a topic partitions that are led here. */
  topic(name: string, partitions = 1, leader: number = this.nodeId): void {
    this.leaders.set(
      name,
      Array.from({ length: partitions }, () => ({ leader, epoch: 0 })),
    )
  }

  /** From now on. */
  on<Q extends Shape, R extends Shape>(
    api: Api<Q, R>,
    handler: (body: Parsed<Q>, seen: Seen) => Reaction<R> | Promise<Reaction<R>>,
  ): void {
    this.#handlers.set(api.key, handler as unknown as Handler)
  }

  /** For the next request of this kind, before `on`. */
  once<Q extends Shape, R extends Shape>(
    api: Api<Q, R>,
    handler: (body: Parsed<Q>, seen: Seen) => Reaction<R> | Promise<Reaction<R>>,
  ): void {
    const queue = this.#once.get(api.key) ?? []
    queue.push(handler as unknown as Handler)
    this.#once.set(api.key, queue)
  }

  /** The bodies of all requests of a kind so far. */
  requests<A extends Api<Shape, Shape>>(api: { readonly name: string } & A): RequestBody<A>[] {
    return this.seen
      .filter((s) => s.api === api.name)
      .map((s) => s.body as unknown as RequestBody<A>)
  }

  /** Ends the n-th connection from the broker's side. */
  disconnect(connection: number): void {
    this.#sockets[connection]?.destroy()
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(socket: Socket): void {
    const connection = this.#sockets.push(socket) - 1
    // Answers to pipelined requests must not wait for acknowledgements of the network.
    socket.setNoDelay(true)
    // As a broker does: one request of a connection after the other.
    let last = Promise.resolve()
    const frames = new FrameAssembler((frame) => {
      const copy = Buffer.from(frame)
      last = last.then(() => this.#serve(socket, connection, copy))
    })
    socket.on('data', (chunk) => frames.add(chunk))
    socket.on('error', () => {})
  }

  async #serve(socket: Socket, connection: number, frame: Buffer): Promise<void> {
    const head = new Reader(frame, 0, false)
    const key = head.int16()
    const version = head.int16()
    const correlationId = head.int32()
    const clientId = head.string() ?? ''
    const table = allApis.find((a) => a.key === key)
    const [min, max] = table ? this.#range(table) : [0, -1]
    const unknown = version < min || version > max
    if (!table || (unknown && key !== apiVersionsKey)) {
      socket.destroy()
      return
    }
    if (unknown) {
      const refused = {
        errorCode: 35,
        apiKeys: [{ apiKey: key, minVersion: min, maxVersion: max }],
      }
      return this.#answer(socket, table, 0, correlationId, refused as Body<Shape>)
    }
    const flexible = version >= table.flexibleFrom
    const reader = new Reader(frame, version, flexible, head.at)
    if (flexible) reader.uvarint()
    const body = readShape(reader, table.request)
    if (reader.left > 0)
      throw new Error(`${table.name} v${version} has ${reader.left} bytes too many`)
    const seen = { api: table.name, version, clientId, body: body as Seen['body'], connection }
    this.seen.push(seen)
    const handler = this.#once.get(key)?.shift() ?? this.#handlers.get(key)
    const reaction = handler ? await handler(body, seen) : 'close'
    if (reaction === 'close') socket.destroy()
    else if (reaction !== 'silence') this.#answer(socket, table, version, correlationId, reaction)
  }

  #answer(
    socket: Socket,
    table: Api,
    version: number,
    correlationId: number,
    body: Partial<Body<Shape>>,
  ): void {
    const flexible = version >= table.flexibleFrom
    const writer = new Writer(version, flexible)
    writer.int32(correlationId)
    if (flexible && table.key !== apiVersionsKey) writer.uvarint(0)
    // Defaults for what a test leaves out.
    const zeros = Object.fromEntries(
      Object.entries(table.response).flatMap(([name, f]) => (f.tag < 0 ? [[name, f.or]] : [])),
    )
    writeShape(writer, table.response, { ...zeros, ...body } as Body<Shape>)
    const bytes = Buffer.concat(writer.chunks())
    const size = Buffer.alloc(4)
    size.writeInt32BE(bytes.length)
    if (!socket.destroyed) socket.write(Buffer.concat([size, bytes]))
  }

  #range(table: Api): readonly [number, number] {
    return this.#options.versions?.[table.name] ?? [table.minVersion, table.maxVersion]
  }

  #defaults(): void {
    this.on(apiVersions, () => ({
      errorCode: 0,
      apiKeys: allApis.flatMap((table) => {
        const [minVersion, maxVersion] = this.#range(table)
        return maxVersion < 0 ? [] : [{ apiKey: table.key, minVersion, maxVersion }]
      }),
      throttleTimeMs: 0,
      supportedFeatures: [],
      finalizedFeatures: Object.entries(this.#options.features ?? {}).map(([name, level]) => ({
        name,
        maxVersionLevel: level,
        minVersionLevel: level,
      })),
    }))
    this.on(metadata, ({ topics }) => ({
      throttleTimeMs: 0,
      brokers: this.cluster.map((b) => ({ nodeId: b.nodeId, host: '127.0.0.1', port: b.port })),
      topics: (topics.length > 0 ? topics.map((t) => t.name ?? '') : [...this.leaders.keys()]).map(
        (name) => ({
          errorCode: this.leaders.has(name) ? 0 : 3,
          name,
          topicId: Buffer.from(name.padEnd(16).slice(0, 16)).toString('hex'),
          partitions: (this.leaders.get(name) ?? []).map(({ leader, epoch }, partitionIndex) => ({
            errorCode: leader < 0 ? 5 : 0,
            partitionIndex,
            leaderId: leader,
            leaderEpoch: epoch,
            replicaNodes: [],
            isrNodes: [],
            offlineReplicas: [],
          })),
        }),
      ),
    }))
    this.on(findCoordinator, () => ({
      throttleTimeMs: 0,
      errorCode: 0,
      errorMessage: null,
      nodeId: this.nodeId,
      host: '127.0.0.1',
      port: this.port,
    }))
    this.on(initProducerId, ({ producerEpoch, producerId }) => ({
      throttleTimeMs: 0,
      errorCode: 0,
      producerId: producerId < 0 ? 7000 : producerId,
      producerEpoch: producerEpoch + 1,
    }))
    this.on(produce, ({ topicData }) =>
      producedAt(topicData, () => ({ errorCode: 0, baseOffset: 0 })),
    )
  }
}

interface ProducedTopic {
  readonly name: string
  readonly partitionData: readonly { readonly index: number; readonly records: Uint8Array | null }[]
}

/** An answer to Produce with one verdict a partition. */
export const producedAt = (
  topicData: readonly ProducedTopic[],
  verdict: (partition: number, topic: string) => { errorCode: number; baseOffset: number },
) => ({
  responses: topicData.map(({ name, partitionData }) => ({
    name,
    partitionResponses: partitionData.map(({ index }) => ({
      index,
      ...verdict(index, name),
      recordErrors: [],
      errorMessage: null,
    })),
  })),
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A test that hangs is ended by this; nothing else depends on it. */
const hangMs = 10_000

/** Lets sockets work until something holds; the clock stands still. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const beganMs = performance.now()
  while (!holds()) {
    if (performance.now() - beganMs > hangMs) throw new Error(`does not happen: ${what}`)
    await turn()
  }
}

/** Gives the network a while without anything happening; for what must not come. */
export async function quiet(turns = 200): Promise<void> {
  for (let n = 0; n < turns; n++) await turn()
}

/** How many steps the virtual clock takes for one wait; after them only the network goes on. */
const maxSteps = 5000

/** Lets sockets work and time go by until something holds. */
export async function untilWith(
  clock: VirtualClock,
  what: string,
  holds: () => boolean,
  stepMs = 5,
): Promise<void> {
  const beganMs = performance.now()
  for (let steps = 0; !holds(); steps++) {
    if (performance.now() - beganMs > hangMs) throw new Error(`does not happen: ${what}`)
    for (let n = 0; n < 6; n++) await turn()
    if (steps < maxSteps) clock.advance(stepMs)
  }
}

/** The result of a call while time goes by. */
export async function during<T>(clock: VirtualClock, call: Promise<T>, stepMs = 5): Promise<T> {
  let done = false
  const settled = call.finally(() => (done = true))
  settled.catch(() => {})
  await untilWith(clock, 'the call returns', () => done, stepMs)
  return settled
}
