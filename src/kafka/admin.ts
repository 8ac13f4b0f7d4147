// Topics, configs and offsets. Making and deleting topics and reading their configs goes through
// kafkajs's admin client, which is opened for the call; what runs all the time, or needs what it
// does not tell (topic ids, last stable offsets), goes over our own connections.
import {
  KafkaError,
  partitionKey,
  type Admin,
  type CommittedOffset,
  type NewTopic,
  type TopicDescription,
  type TopicPartition,
} from './client.js'
import type { Cluster } from './cluster.js'
import { fetchCommitted } from './committed-offsets.js'
import {
  answerError,
  ErrorCode,
  errorKind,
  isConnectionError,
  isRetriableCode,
} from './error-codes.js'
import {
  fromKafkajs,
  kafkajsCodes,
  openAdmin,
  topicResource,
  type BrokerOptions,
  type KafkajsAdmin,
} from './kafkajs-bridge.js'
import { retry, type Lifetime } from './lifetime.js'
import type { Api, ResponseBody } from './protocol/api.js'
import { deleteRecords } from './protocol/messages/delete-records.js'
import { listOffsets } from './protocol/messages/list-offsets.js'
import type { Body, Shape } from './protocol/schema.js'

const earliest = -2
const latest = -1

/** What the requests by leader have for a topic. */
type ByTopic<T> = { name: string; partitions: T[] }[]

/** Every call is repeated while brokers are away, up to the client's admin time-out. */
export class KafkaAdmin implements Admin {
  readonly #cluster: Cluster
  readonly #lifetime: Lifetime
  readonly #brokers: BrokerOptions
  readonly #timeoutMs: number

  constructor(cluster: Cluster, brokers: BrokerOptions, timeoutMs: number) {
    this.#cluster = cluster
    this.#lifetime = cluster.lifetime
    this.#brokers = brokers
    this.#timeoutMs = timeoutMs
  }

  listTopics(): Promise<readonly string[]> {
    return this.#retry(() => this.#cluster.listTopics())
  }

  describeTopics(names: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>> {
    return this.#retry(async () => {
      if (names.length > 0) await this.#cluster.refresh(names)
      const found = new Map<string, TopicDescription>()
      for (const name of names) {
        const topic = this.#cluster.topic(name)
        const code = topic?.errorCode ?? ErrorCode.unknownTopicOrPartition
        if (code === ErrorCode.unknownTopicOrPartition) continue
        if (!topic || (code !== ErrorCode.none && !isRetriableCode(code)))
          throw answerError(`Metadata of ${name}`, code)
        if (topic.partitions.length > 0)
          found.set(name, { name, topicId: topic.topicId, partitions: topic.partitions.length })
      }
      return found
    })
  }

  async createTopics(topics: readonly NewTopic[]): Promise<void> {
    if (topics.length === 0) return
    const names = topics.map((t) => t.name)
    await this.#retry(() =>
      this.#withKafkajs(`CreateTopics of ${names.join(', ')}`, async (admin) => {
        try {
          await admin.createTopics({
            waitForLeaders: false,
            timeout: this.#cluster.settings.requestTimeoutMs,
            topics: topics.map((t) => ({
              topic: t.name,
              numPartitions: t.partitions,
              replicationFactor: t.replicationFactor,
              configEntries: Object.entries(t.configs).map(([name, value]) => ({ name, value })),
            })),
          })
        } catch (error) {
          if (!kafkajsCodes(error).every((code) => code === ErrorCode.topicAlreadyExists))
            throw error
        }
      }),
    )
    await this.#retry(async () => {
      await this.#cluster.refresh(names)
      for (const { name } of topics) {
        const topic = this.#cluster.topic(name)
        const led = topic?.partitions.length && topic.partitions.every((p) => p.leader >= 0)
        if (!led) throw answerError(`Metadata of ${name}`, ErrorCode.leaderNotAvailable)
      }
    })
  }

  async deleteTopics(names: readonly string[]): Promise<void> {
    if (names.length === 0) return
    await this.#retry(() =>
      this.#withKafkajs(`DeleteTopics of ${names.join(', ')}`, async (admin) => {
        try {
          await admin.deleteTopics({
            topics: [...names],
            timeout: this.#cluster.settings.requestTimeoutMs,
          })
        } catch (error) {
          if (!kafkajsCodes(error).every((code) => code === ErrorCode.unknownTopicOrPartition))
            throw error
        }
      }),
    )
    await this.#retry(async () => {
      if ((await this.describeTopics(names)).size > 0)
        throw new KafkaError(`topics ${names.join(', ')} are still there`, 'retriable')
    })
  }

  topicConfigs(name: string): Promise<Readonly<Record<string, string>>> {
    const what = `DescribeConfigs of ${name}`
    return this.#retry(() =>
      this.#withKafkajs(what, async (admin) => {
        const { resources } = await admin.describeConfigs({
          includeSynonyms: false,
          resources: [{ type: topicResource, name }],
        })
        const configs: Record<string, string> = {}
        for (const { errorCode, errorMessage, configEntries } of resources) {
          if (errorCode !== ErrorCode.none)
            throw answerError(what, errorCode, errorKind(errorCode), errorMessage)
          for (const { configName, configValue } of configEntries)
            if (configValue !== null) configs[configName] = configValue
        }
        return configs
      }),
    )
  }

  async offsets(
    partitions: readonly TopicPartition[],
    at: 'earliest' | 'latest' | 'stable' | number,
  ): Promise<ReadonlyMap<string, number>> {
    const timestamp = at === 'earliest' ? earliest : typeof at === 'number' ? at : latest
    const found = new Map<string, number>()
    await this.#perLeader(
      partitions,
      listOffsets,
      (topics) => ({
        isolationLevel: at === 'stable' ? 1 : 0,
        topics: topics.map(({ name, partitions: asked }) => ({
          name,
          partitions: asked.map(({ partition }) => ({ partitionIndex: partition, timestamp })),
        })),
      }),
      (answer, done) => {
        for (const topic of answer.topics)
          for (const { partitionIndex, errorCode, offset } of topic.partitions)
            if (done({ topic: topic.name, partition: partitionIndex }, errorCode) && offset >= 0)
              found.set(partitionKey({ topic: topic.name, partition: partitionIndex }), offset)
      },
    )
    return found
  }

  deleteRecords(before: readonly (TopicPartition & { readonly offset: number })[]): Promise<void> {
    const timeoutMs = this.#cluster.settings.requestTimeoutMs
    return this.#perLeader(
      before,
      deleteRecords,
      (topics) => ({
        timeoutMs,
        topics: topics.map(({ name, partitions: asked }) => ({
          name,
          partitions: asked.map(({ partition, offset }) => ({ partitionIndex: partition, offset })),
        })),
      }),
      (answer, done) => {
        for (const topic of answer.topics)
          for (const { partitionIndex, errorCode } of topic.partitions)
            done({ topic: topic.name, partition: partitionIndex }, errorCode)
      },
    )
  }

  committed(
    groupId: string,
    partitions: readonly TopicPartition[],
  ): Promise<ReadonlyMap<string, CommittedOffset>> {
    return fetchCommitted(this.#cluster, this.#lifetime, groupId, partitions, {
      stable: false,
      timeoutMs: this.#timeoutMs,
    })
  }

  #retry<T>(attempt: () => Promise<T>): Promise<T> {
    return retry(this.#lifetime, { timeoutMs: this.#timeoutMs, firstMs: 50, maxMs: 1000 }, attempt)
  }

  async #withKafkajs<T>(what: string, work: (admin: KafkajsAdmin) => Promise<T>): Promise<T> {
    // kafkajs would try for long; our own connection finds out sooner that no broker is there.
    await this.#cluster.anyConnection()
    let admin: KafkajsAdmin | undefined
    try {
      admin = await openAdmin(this.#brokers, this.#cluster.settings)
      return await work(admin)
    } catch (error) {
      throw fromKafkajs(what, error)
    } finally {
      await admin?.disconnect().catch(() => undefined)
    }
  }

  /** Asks each leader for its partitions, until every partition was answered without error. */
  #perLeader<P extends TopicPartition, Q extends Shape, R extends Shape>(
    partitions: readonly P[],
    api: Api<Q, R>,
    bodyOf: (topics: ByTopic<P>) => Body<Q>,
    read: (
      answer: ResponseBody<Api<Q, R>>,
      done: (partition: TopicPartition, errorCode: number) => boolean,
    ) => void,
  ): Promise<void> {
    const left = new Map(partitions.map((p) => [partitionKey(p), p]))
    return this.#retry(async () => {
      if (left.size === 0) return
      const unknown = new Set<string>()
      for (const { topic, partition } of left.values())
        if (!this.#cluster.leader(topic, partition)) unknown.add(topic)
      if (unknown.size > 0) await this.#cluster.refresh(unknown)
      const byNode = new Map<number, P[]>()
      let failure: KafkaError | undefined
      for (const p of left.values()) {
        const leader = this.#cluster.leader(p.topic, p.partition)?.leader
        if (leader === undefined) failure = this.#leaderless(p)
        else byNode.set(leader, [...(byNode.get(leader) ?? []), p])
      }
      const done = (p: TopicPartition, errorCode: number): boolean => {
        if (errorCode === ErrorCode.none) return left.delete(partitionKey(p))
        failure = answerError(`${api.name} of ${partitionKey(p)}`, errorCode)
        if (isRetriableCode(errorCode)) this.#cluster.forgetLeader(p.topic, p.partition)
        return false
      }
      await Promise.all(
        Array.from(byNode, async ([nodeId, asked]) => {
          try {
            read(await this.#cluster.send(nodeId, 'control', api, bodyOf(byTopic(asked))), done)
          } catch (error) {
            if (isConnectionError(error))
              for (const p of asked) this.#cluster.forgetLeader(p.topic, p.partition)
            throw error
          }
        }),
      )
      if (failure) throw failure
      if (left.size > 0) throw new KafkaError(`${api.name} left partitions out`, 'retriable')
    })
  }

  #leaderless({ topic, partition }: TopicPartition): KafkaError {
    const known = this.#cluster.topic(topic)
    const missing = known?.errorCode === ErrorCode.none && !known.partitions[partition]
    const code =
      known?.errorCode ||
      (missing ? ErrorCode.unknownTopicOrPartition : ErrorCode.leaderNotAvailable)
    return answerError(`Metadata of ${topic}-${partition}`, code)
  }
}

const byTopic = <P extends TopicPartition>(partitions: readonly P[]): ByTopic<P> => {
  const topics = new Map<string, P[]>()
  for (const p of partitions) {
    const same = topics.get(p.topic)
    if (same) same.push(p)
    else topics.set(p.topic, [p])
  }
  return Array.from(topics, ([name, asked]) => ({ name, partitions: asked }))
}
