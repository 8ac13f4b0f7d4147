// What is known of the cluster and the connections into it. Each (broker, role) has a connection of
// its own, because a request that a broker holds back (JoinGroup, Fetch) blocks all that follow it
// on the same socket.
import type { Logger } from '../logger.js'
import { KafkaError } from './client.js'
import {
  Connection,
  type Address,
  type ConnectionSettings,
  type SendOptions,
} from './connection.js'
import { answerError, connectionError, ErrorCode, errorKind } from './error-codes.js'
import type { BrokerOptions } from './kafkajs-bridge.js'
import { Backoff, Lifetime } from './lifetime.js'
import type { Api, ResponseBody } from './protocol/api.js'
import { findCoordinator } from './protocol/messages/find-coordinator.js'
import { metadata } from './protocol/messages/metadata.js'
import { noUuid, type Body, type Shape } from './protocol/schema.js'

/**
 * What a connection is for: `control` carries everything that is answered at once, produce requests
 * included; every fetcher and every group member has roles of its own.
 */
export type Role = 'control' | `fetch-${number}` | `group-${number}`

export interface PartitionMetadata {
  /** -1 while there is none. */
  readonly leader: number
  /** -1 where the broker does not tell. */
  readonly leaderEpoch: number
}

export interface TopicMetadata {
  readonly name: string
  readonly topicId: string | undefined
  readonly errorCode: number
  /** By partition number. */
  readonly partitions: readonly PartitionMetadata[]
}

export type CoordinatorKind = 'group' | 'transaction'

interface Slot {
  address: Address
  connection: Connection | undefined
  opening: Promise<Connection> | undefined
  /** While it is being opened. */
  unfinished: Connection | undefined
  readonly backoff: Backoff
  notBeforeMs: number
}

interface MetadataRequest {
  readonly topics: Set<string>
  readonly done: Promise<void>
}

const reportEveryMs = 10_000

/** One per client. All methods reject with KafkaErrors of kind `retriable` while a broker is away. */
export class Cluster {
  readonly settings: ConnectionSettings
  readonly lifetime: Lifetime
  readonly #options: BrokerOptions
  readonly #logger: Logger
  readonly #brokers = new Map<number, Address>()
  readonly #slots = new Map<string, Slot>()
  readonly #bootstrap = new Map<string, Slot>()
  readonly #topics = new Map<string, TopicMetadata>()
  readonly #coordinators = new Map<string, Promise<number>>()
  readonly #asked = new Map<string, Promise<void>>()
  #gathering: MetadataRequest | undefined
  #roles = 0
  #reportedMs = -Infinity
  #away = false

  constructor(options: BrokerOptions, settings: ConnectionSettings) {
    this.#options = options
    this.settings = settings
    this.#logger = settings.logger
    this.lifetime = new Lifetime(settings.clock, 'client')
  }

  /** A number for a role that nobody else has. */
  nextRole(): number {
    return this.#roles++
  }

  /** Sends to one broker. */
  async send<Q extends Shape, R extends Shape>(
    nodeId: number,
    role: Role,
    api: Api<Q, R>,
    body: Body<Q>,
    options?: SendOptions,
  ): Promise<ResponseBody<Api<Q, R>>> {
    const connection = this.open(nodeId, role) ?? (await this.connection(nodeId, role))
    return connection.send(api, body, options)
  }

  /** The connection when it is there already. */
  open(nodeId: number, role: Role): Connection | undefined {
    const connection = this.#slots.get(`${nodeId}/${role}`)?.connection
    return connection?.closed ? undefined : connection
  }

  /** The connection to a broker for a role, opened when it is not; waits out the back-off. */
  async connection(nodeId: number, role: Role): Promise<Connection> {
    const address = this.#brokers.get(nodeId)
    if (!address) throw connectionError(`broker ${nodeId} is not known`)
    const key = `${nodeId}/${role}`
    let slot = this.#slots.get(key)
    if (slot && !sameAddress(slot.address, address)) {
      slot.connection?.close()
      slot = undefined
    }
    if (!slot) this.#slots.set(key, (slot = newSlot(address)))
    return this.#openSlot(slot)
  }

  /** Closes the connections of a role, as its owner goes away. */
  closeRole(role: Role): void {
    for (const [key, slot] of this.#slots) {
      if (!key.endsWith(`/${role}`)) continue
      this.#slots.delete(key)
      closeSlot(slot)
    }
  }

  /** A connection to any broker, those that are open first, the configured ones last. */
  async anyConnection(): Promise<Connection> {
    for (const nodeId of this.#brokers.keys()) {
      const connection = this.open(nodeId, 'control')
      if (connection) return connection
    }
    let failure: unknown
    for (const nodeId of shuffled([...this.#brokers.keys()])) {
      try {
        return await this.connection(nodeId, 'control')
      } catch (error) {
        failure = error
      }
    }
    for (const [name, address] of await this.#configured()) {
      let slot = this.#bootstrap.get(name)
      if (!slot) this.#bootstrap.set(name, (slot = newSlot(address)))
      try {
        return await this.#openSlot(slot)
      } catch (error) {
        failure = error
        if (error instanceof KafkaError && error.kind !== 'retriable') throw error
      }
    }
    this.lifetime.check()
    this.#report(failure)
    throw failure
  }

  /** What is known of a topic, without asking. */
  topic(name: string): TopicMetadata | undefined {
    return this.#topics.get(name)
  }

  /** The leader of a partition as far as known; `undefined` asks for a `refresh`. */
  leader(topic: string, partition: number): PartitionMetadata | undefined {
    const known = this.#topics.get(topic)?.partitions[partition]
    return known && known.leader >= 0 && this.#brokers.has(known.leader) ? known : undefined
  }

  /** Forgets the leader of one partition, when its broker said that it is not. */
  forgetLeader(topic: string, partition: number): void {
    const known = this.#topics.get(topic)
    const old = known?.partitions[partition]
    if (!known || !old) return
    const partitions = [...known.partitions]
    partitions[partition] = { leader: -1, leaderEpoch: old.leaderEpoch }
    this.#topics.set(topic, { ...known, partitions })
  }

  /**
   * Asks for the metadata of topics. Those asked in the same turn share a request, and a topic that
   * is being asked for already is not asked again.
   */
  async refresh(names: Iterable<string>): Promise<void> {
    const waits = new Set<Promise<void>>()
    for (const name of names) {
      let asked = this.#asked.get(name)
      if (!asked) {
        const request = (this.#gathering ??= this.#gather())
        request.topics.add(name)
        this.#asked.set(name, (asked = request.done))
      }
      waits.add(asked)
    }
    await Promise.all(waits)
  }

  /** Metadata of all topics, internal ones of the broker left out. */
  async listTopics(): Promise<readonly string[]> {
    const answer = await this.#metadata(null)
    return answer.topics
      .filter((t) => !t.isInternal && t.name !== null)
      .map((t) => t.name as string)
  }

  /** The broker that coordinates a group or a transactional id, cached until `forgetCoordinator`. */
  coordinator(kind: CoordinatorKind, key: string): Promise<number> {
    const name = `${kind}:${key}`
    let found = this.#coordinators.get(name)
    if (!found) {
      found = this.#findCoordinator(kind, key)
      this.#coordinators.set(name, found)
      found.catch(() => this.#coordinators.delete(name))
    }
    return found
  }

  forgetCoordinator(kind: CoordinatorKind, key: string): void {
    this.#coordinators.delete(`${kind}:${key}`)
  }

  /** Closes every connection; what is in flight is rejected. */
  close(): void {
    this.lifetime.close()
    for (const slot of this.#slots.values()) closeSlot(slot)
    for (const slot of this.#bootstrap.values()) closeSlot(slot)
    this.#slots.clear()
    this.#bootstrap.clear()
  }

  #openSlot(slot: Slot): Promise<Connection> {
    if (slot.connection && !slot.connection.closed) return Promise.resolve(slot.connection)
    slot.opening ??= this.#reopen(slot).finally(() => (slot.opening = undefined))
    return slot.opening
  }

  async #reopen(slot: Slot): Promise<Connection> {
    slot.connection = undefined
    const { clock } = this.settings
    const waitMs = slot.notBeforeMs - clock.nowMs()
    if (waitMs > 0) await this.lifetime.sleep(waitMs)
    this.lifetime.check()
    try {
      const connection = await Connection.open(
        slot.address,
        this.settings,
        (unfinished) => (slot.unfinished = unfinished),
      )
      if (this.lifetime.closed || slot.notBeforeMs === Infinity) {
        connection.close()
        throw this.lifetime.closedError()
      }
      slot.backoff.reset()
      slot.connection = connection
      // A broker that accepts and then closes at once must not be tried in a tight loop.
      connection.onClose(() => (slot.notBeforeMs = clock.nowMs() + slot.backoff.nextMs()))
      if (this.#away)
        this.#logger.info({ broker: connection.name }, 'a broker can be reached again')
      this.#away = false
      return connection
    } catch (error) {
      if (slot.notBeforeMs !== Infinity) slot.notBeforeMs = clock.nowMs() + slot.backoff.nextMs()
      throw error
    }
  }

  #report(error: unknown): void {
    const nowMs = this.settings.clock.nowMs()
    this.#away = true
    if (nowMs - this.#reportedMs < reportEveryMs) return
    this.#reportedMs = nowMs
    const reason = error instanceof Error ? error.message : String(error)
    this.#logger.warn({ reason }, 'no broker can be reached, still trying')
  }

  async #configured(): Promise<ReadonlyMap<string, Address>> {
    const { brokers } = this.#options
    const names = typeof brokers === 'function' ? await brokers() : brokers
    return new Map(shuffled([...names]).map((name) => [name, parseAddress(name)]))
  }

  #gather(): MetadataRequest {
    const topics = new Set<string>()
    const done = Promise.resolve().then(async () => {
      this.#gathering = undefined
      try {
        this.#learn(await this.#metadata([...topics]))
      } finally {
        for (const name of topics) this.#asked.delete(name)
      }
    })
    return { topics, done }
  }

  async #metadata(names: readonly string[] | null): Promise<ResponseBody<typeof metadata>> {
    const connection = await this.anyConnection()
    const answer = await connection.send(metadata, {
      topics: names && names.map((name) => ({ name })),
      allowAutoTopicCreation: false,
    })
    if (answer.brokers.length > 0) this.#learnBrokers(answer, connection)
    return answer
  }

  #learnBrokers(answer: ResponseBody<typeof metadata>, connection: Connection): void {
    this.#brokers.clear()
    for (const { nodeId, host, port } of answer.brokers) {
      this.#brokers.set(nodeId, { host, port })
      // The connection that asked first becomes that broker's own.
      const slot = this.#bootstrap.get(`${host}:${port}`)
      const key = `${nodeId}/control`
      if (slot?.connection !== connection || this.#slots.has(key)) continue
      this.#bootstrap.delete(`${host}:${port}`)
      this.#slots.set(key, slot)
    }
    for (const [key, slot] of this.#slots) {
      if (this.#brokers.has(Number(key.slice(0, key.indexOf('/'))))) continue
      this.#slots.delete(key)
      closeSlot(slot)
    }
  }

  #learn(answer: ResponseBody<typeof metadata>): void {
    for (const topic of answer.topics) {
      if (topic.name === null) continue
      const old = this.#topics.get(topic.name)
      const topicId = topic.topicId === noUuid ? undefined : topic.topicId
      const partitions: PartitionMetadata[] = []
      for (const p of topic.partitions) {
        const known = old?.topicId === topicId ? old?.partitions[p.partitionIndex] : undefined
        // A broker that lags behind may tell of an older leader than another one did.
        const stale = known !== undefined && p.leaderEpoch >= 0 && p.leaderEpoch < known.leaderEpoch
        partitions[p.partitionIndex] = stale
          ? known
          : { leader: p.leaderId, leaderEpoch: p.leaderEpoch }
      }
      const { name, errorCode } = topic
      this.#topics.set(name, { name, topicId, errorCode, partitions })
    }
  }

  async #findCoordinator(kind: CoordinatorKind, key: string): Promise<number> {
    const connection = await this.anyConnection()
    const answer = await connection.send(findCoordinator, {
      key,
      keyType: kind === 'group' ? 0 : 1,
    })
    const { errorCode, nodeId, host, port } = answer
    if (errorCode !== ErrorCode.none)
      throw answerError(
        `FindCoordinator of ${kind === 'group' ? 'group' : 'transactional id'} ${key}`,
        errorCode,
        errorKind(errorCode),
        answer.errorMessage,
      )
    this.#brokers.set(nodeId, { host, port })
    return nodeId
  }
}

const newSlot = (address: Address): Slot => ({
  address,
  connection: undefined,
  opening: undefined,
  unfinished: undefined,
  backoff: new Backoff(50, 1000),
  notBeforeMs: 0,
})

/** A connection that is just being opened is closed as soon as it is there. */
const closeSlot = (slot: Slot): void => {
  slot.notBeforeMs = Infinity
  slot.unfinished?.close()
  slot.connection?.close()
}

const sameAddress = (a: Address, b: Address): boolean => a.host === b.host && a.port === b.port

const shuffled = <T>(items: T[]): T[] => {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    const item = items[i] as T
    items[i] = items[j] as T
    items[j] = item
  }
  return items
}

/** Reads `host:port`, IPv6 in brackets. @throws KafkaError when it is neither. */
export const parseAddress = (text: string): Address => {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text)
  if (!match)
    throw new KafkaError(`broker ${JSON.stringify(text)} is not of the form host:port`, 'fatal')
  return { host: (match[1] ?? match[2]) as string, port: Number(match[3]) }
}
