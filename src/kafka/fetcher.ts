// Reads assigned partitions in the background. As soon as an answer has been scanned by its batch
// headers the next one is asked for; decoding waits until somebody polls.
//
// Each broker has two lanes, a connection each: a request that a broker holds back for want of data
// must not keep partitions waiting that were added, resumed or drained since.
import type { Timer } from '../clock.js'
import {
  KafkaError,
  OffsetOutOfRangeError,
  partitionKey,
  type FetchedRecords,
  type Fetcher,
  type FetcherOptions,
  type TopicPartition,
} from './client.js'
import type { Cluster, PartitionMetadata, Role } from './cluster.js'
import { answerError, ErrorCode, errorKind, isRetriableCode, toKafkaError } from './error-codes.js'
import { FetchPosition } from './fetch-position.js'
import { Lifetime } from './lifetime.js'
import type { ResponseBody } from './protocol/api.js'
import { fetch } from './protocol/messages/fetch.js'

/** How long a topic may be missing, as a broker that lags behind does not know new ones. */
const missingMs = 5000
const retryMs = 100
/** The second lane comes back soon, so that partitions do not wait for it either. */
const secondLaneWaitMs = 100
/** How often a partition is read again whose checksum differs. */
const damagedRetries = 2

interface Lane {
  readonly role: Role
  readonly maxWaitMs: number
  /** Brokers with a request in flight on this lane. */
  readonly busy: Set<number>
}

/** One request: what is asked of one leader. */
interface Question {
  readonly position: FetchPosition
  readonly leader: PartitionMetadata
}

/** The fetcher of a Kafka cluster; see `Fetcher` for what it promises. */
export class KafkaFetcher implements Fetcher {
  readonly #cluster: Cluster
  readonly #lifetime: Lifetime
  readonly #committedOnly: boolean
  readonly #maxBytes: number
  readonly #maxPartitionBytes: number
  readonly #lanes: readonly Lane[]
  readonly #positions = new Map<string, FetchPosition>()
  #ready: FetchPosition[] = []
  #bufferedBytes = 0
  #scheduled = false
  #finding = false
  #timer: Timer | undefined
  #waiters: (() => void)[] = []
  #onClose: (() => void) | undefined

  constructor(cluster: Cluster, options: FetcherOptions, onClose?: () => void) {
    this.#cluster = cluster
    this.#onClose = onClose
    this.#lifetime = new Lifetime(cluster.settings.clock, 'fetcher')
    this.#committedOnly = options.isolation === 'read_committed'
    this.#maxBytes = options.maxBytes ?? 52_428_800
    this.#maxPartitionBytes = options.maxPartitionBytes ?? 1_048_576
    const maxWaitMs = options.maxWaitMs ?? 500
    const lane = (waitMs: number): Lane => ({
      role: `fetch-${cluster.nextRole()}`,
      maxWaitMs: waitMs,
      busy: new Set(),
    })
    this.#lanes = [lane(maxWaitMs), lane(Math.min(maxWaitMs, secondLaneWaitMs))]
  }

  add(partition: TopicPartition, offset: number): void {
    this.#lifetime.check()
    const key = partitionKey(partition)
    this.remove(partition)
    this.#positions.set(key, new FetchPosition(partition.topic, partition.partition, key, offset))
    this.#schedule()
  }

  remove(partition: TopicPartition): void {
    const key = partitionKey(partition)
    this.#bufferedBytes -= this.#positions.get(key)?.bufferedBytes ?? 0
    this.#positions.delete(key)
  }

  pause(partition: TopicPartition): void {
    const position = this.#positions.get(partitionKey(partition))
    if (position) position.paused = true
  }

  resume(partition: TopicPartition): void {
    const position = this.#positions.get(partitionKey(partition))
    if (!position?.paused) return
    position.paused = false
    if (position.ready) this.#enqueue(position)
    this.#schedule()
  }

  position(partition: TopicPartition): number | undefined {
    return this.#positions.get(partitionKey(partition))?.position
  }

  endOffset(partition: TopicPartition): number | undefined {
    return this.#positions.get(partitionKey(partition))?.endOffset
  }

  poll(): FetchedRecords | undefined {
    for (let position = this.#ready.shift(); position; position = this.#ready.shift()) {
      position.queued = false
      if (position.paused || !this.#current(position)) continue
      const fetched = this.#take(position)
      if (position.ready) this.#enqueue(position)
      if (fetched) {
        this.#schedule()
        return fetched
      }
    }
    this.#pump()
    return undefined
  }

  wait(timeoutMs: number): Promise<void> {
    if (this.#lifetime.closed || this.#ready.some((p) => !p.paused && this.#current(p)))
      return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel()
        resolve()
      }
      const timer = this.#cluster.settings.clock.setTimer(timeoutMs, () => {
        this.#waiters = this.#waiters.filter((w) => w !== done)
        resolve()
      })
      this.#waiters.push(done)
    })
  }

  wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const done of waiters) done()
  }

  close(): Promise<void> {
    this.#lifetime.close()
    this.#timer?.cancel()
    this.#positions.clear()
    this.#ready = []
    this.wake()
    for (const lane of this.#lanes) this.#cluster.closeRole(lane.role)
    this.#onClose?.()
    this.#onClose = undefined
    return Promise.resolve()
  }

  #current(position: FetchPosition): boolean {
    return this.#positions.get(position.key) === position
  }

  #enqueue(position: FetchPosition): void {
    if (position.paused) return
    if (!position.queued) {
      position.queued = true
      this.#ready.push(position)
    }
    if (this.#waiters.length > 0) this.wake()
  }

  #take(position: FetchPosition): FetchedRecords | undefined {
    const before = position.bufferedBytes
    try {
      const fetched = position.take(this.#committedOnly)
      if (fetched) {
        position.damaged = 0
        return fetched
      }
    } catch (thrown) {
      const error = toKafkaError(thrown)
      position.drop()
      if (error.errorCode === ErrorCode.corruptMessage && position.damaged < damagedRetries) {
        this.#positions.set(position.key, position.again())
        return undefined
      }
      position.fail(error)
    } finally {
      this.#bufferedBytes += position.bufferedBytes - before
    }
    const { failure } = position
    position.failure = undefined
    if (failure) throw failure
    return undefined
  }

  /** Asks once for all that changed in this turn. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#pump()
    })
  }

  #pump(): void {
    if (this.#lifetime.closed) return
    // What paused partitions hold must not keep the others from reading.
    const limit = this.#bufferedBytes >= this.#maxBytes ? 0 : this.#maxPartitionBytes
    const nowMs = this.#lifetime.clock.nowMs()
    const byNode = new Map<number, Question[]>()
    const leaderless = new Set<string>()
    let soonestMs = Infinity
    for (const position of this.#positions.values()) {
      if (position.paused || position.inFlight || position.stopped) continue
      if (position.bufferedBytes > limit) continue
      if (position.notBeforeMs > nowMs) {
        soonestMs = Math.min(soonestMs, position.notBeforeMs)
        continue
      }
      const leader = this.#cluster.leader(position.topic, position.partition)
      if (!leader) {
        leaderless.add(position.topic)
        continue
      }
      const questions = byNode.get(leader.leader)
      if (questions) questions.push({ position, leader })
      else byNode.set(leader.leader, [{ position, leader }])
    }
    for (const [nodeId, questions] of byNode) {
      const lane = this.#lanes.find(({ busy }) => !busy.has(nodeId))
      if (lane) this.#ask(nodeId, lane, questions)
    }
    if (leaderless.size > 0 && !this.#finding) void this.#findLeaders(leaderless)
    this.#wakeAt(soonestMs, nowMs)
  }

  #wakeAt(soonestMs: number, nowMs: number): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (soonestMs < Infinity)
      this.#timer = this.#lifetime.clock.setTimer(soonestMs - nowMs, () => this.#pump())
  }

  #ask(nodeId: number, lane: Lane, questions: readonly Question[]): void {
    const topics = new Map<string, Question[]>()
    for (const question of questions) {
      question.position.inFlight = true
      const { topic } = question.position
      const same = topics.get(topic)
      if (same) same.push(question)
      else topics.set(topic, [question])
    }
    lane.busy.add(nodeId)
    this.#cluster
      .send(
        nodeId,
        lane.role,
        fetch,
        {
          maxWaitMs: lane.maxWaitMs,
          minBytes: 1,
          maxBytes: this.#maxBytes,
          isolationLevel: this.#committedOnly ? 1 : 0,
          topics: Array.from(topics, ([topic, asked]) => ({
            topic,
            partitions: asked.map(({ position, leader }) => ({
              partition: position.partition,
              currentLeaderEpoch: leader.leaderEpoch,
              fetchOffset: position.nextOffset,
              partitionMaxBytes: this.#maxPartitionBytes,
            })),
          })),
        },
        { waitMs: lane.maxWaitMs },
      )
      .then(
        (answer) => this.#answered(questions, answer),
        (error: unknown) => this.#unanswered(questions, toKafkaError(error)),
      )
      .finally(() => {
        lane.busy.delete(nodeId)
        this.#pump()
      })
      .catch((error: unknown) => {
        for (const { position } of questions) this.#fail(position, toKafkaError(error))
      })
  }

  #answered(questions: readonly Question[], answer: ResponseBody<typeof fetch>): void {
    const asked = new Map<string, FetchPosition>()
    for (const { position } of questions) {
      position.inFlight = false
      asked.set(position.key, position)
    }
    for (const { topic, partitions } of answer.responses)
      for (const data of partitions) {
        const position = asked.get(partitionKey({ topic, partition: data.partitionIndex }))
        if (!position || !this.#current(position)) continue
        const code = answer.errorCode || data.errorCode
        if (code !== ErrorCode.none) {
          this.#refused(position, code)
          continue
        }
        position.missingSinceMs = undefined
        position.endOffset = this.#committedOnly ? data.lastStableOffset : data.highWatermark
        if (data.records?.length)
          this.#arrived(position, data.records as Buffer, data.abortedTransactions)
      }
  }

  #arrived(
    position: FetchPosition,
    records: Buffer,
    aborted: readonly { readonly producerId: number; readonly firstOffset: number }[],
  ): void {
    // Who got something is asked for last: only the first of a request is sure to get a record that
    // is larger than the bounds.
    this.#positions.delete(position.key)
    this.#positions.set(position.key, position)
    const before = position.bufferedBytes
    try {
      position.arrive(records, aborted)
    } catch (error) {
      this.#fail(position, toKafkaError(error))
    }
    this.#bufferedBytes += position.bufferedBytes - before
    if (position.ready) this.#enqueue(position)
  }

  #refused(position: FetchPosition, code: number): void {
    const { topic, partition } = position
    if (code === ErrorCode.offsetOutOfRange)
      return this.#fail(
        position,
        new OffsetOutOfRangeError({ topic, partition }, position.nextOffset),
      )
    if (!isRetriableCode(code))
      return this.#fail(position, answerError(`Fetch from ${position.key}`, code))
    this.#cluster.forgetLeader(topic, partition)
    position.notBeforeMs = this.#lifetime.clock.nowMs() + retryMs
  }

  /** The broker is away: the partitions may have another leader by now. */
  #unanswered(questions: readonly Question[], error: KafkaError): void {
    const nowMs = this.#lifetime.clock.nowMs()
    for (const { position } of questions) {
      position.inFlight = false
      if (!this.#current(position)) continue
      if (error.kind !== 'retriable') {
        this.#fail(position, error)
        continue
      }
      this.#cluster.forgetLeader(position.topic, position.partition)
      position.notBeforeMs = nowMs + retryMs
    }
  }

  #fail(position: FetchPosition, error: KafkaError): void {
    position.inFlight = false
    if (!this.#current(position)) return
    position.fail(error)
    this.#enqueue(position)
  }

  async #findLeaders(topics: ReadonlySet<string>): Promise<void> {
    this.#finding = true
    let failure: KafkaError | undefined
    try {
      await this.#cluster.refresh(topics)
    } catch (error) {
      failure = toKafkaError(error)
    }
    this.#finding = false
    if (this.#lifetime.closed) return
    for (const position of this.#positions.values())
      if (topics.has(position.topic)) this.#look(position, failure)
    this.#pump()
  }

  /** What new metadata mean for a partition. */
  #look(position: FetchPosition, failure: KafkaError | undefined): void {
    const nowMs = this.#lifetime.clock.nowMs()
    const topic = this.#cluster.topic(position.topic)
    if (failure || !topic) {
      if (failure && failure.kind !== 'retriable') this.#fail(position, failure)
      else position.notBeforeMs = nowMs + retryMs
      return
    }
    const what = `Metadata of ${position.topic}`
    if (errorKind(topic.errorCode) === 'authorization')
      return this.#fail(position, answerError(what, topic.errorCode))
    const known = topic.partitions[position.partition]
    if (topic.errorCode !== ErrorCode.none || !known) {
      position.missingSinceMs ??= nowMs
      if (nowMs - position.missingSinceMs >= missingMs)
        return this.#fail(
          position,
          answerError(what, topic.errorCode || ErrorCode.unknownTopicOrPartition, 'unknownTopic'),
        )
    } else if (topic.topicId !== undefined) {
      position.topicId ??= topic.topicId
      if (position.topicId !== topic.topicId)
        return this.#fail(
          position,
          answerError(what, ErrorCode.unknownTopicOrPartition, 'unknownTopic', 'it was made anew'),
        )
    }
    if (!this.#cluster.leader(position.topic, position.partition))
      position.notBeforeMs = nowMs + retryMs
  }
}
