// Sends batches in order, each partition to its leader, five requests in flight for a broker. A
// batch that comes back is sent again, the same bytes under the same sequence number, before
// anything that follows it; an answer that says otherwise than retry fails the sender as a whole.
import type { Timer } from '../clock.js'
import { KafkaError, type TopicPartition } from './client.js'
import type { Cluster } from './cluster.js'
import { answerError, ErrorCode, errorKind, isRetriableCode, toKafkaError } from './error-codes.js'
import type { Lifetime } from './lifetime.js'
import { DrainWaiters } from './drain-waiters.js'
import { PartitionQueue, sequenceAfter, type OutgoingBatch } from './partition-queue.js'
import type { ResponseBody } from './protocol/api.js'
import { detailOf, movesLeader } from './produce-codes.js'
import { produce } from './protocol/messages/produce.js'
import type { RecordBatchBuilder } from './record-batch-builder.js'

const inFlightPerBroker = 5
/** What a request holds unless a single batch is larger. */
const requestBytes = 8 * 2 ** 20
/** On larger requests a broker hangs up without a word (socket.request.max.bytes, 100 MiB). */
const maxBatchBytes = 100 * 2 ** 20 - 2 ** 16
/** How long a broker may wait for its replicas. */
const replicationWaitMs = 15_000
const firstRetryMs = 20
const maxRetryMs = 1000

/** Who sends. */
export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
}

/** What a transaction asks of each batch. */
export interface SendGate {
  /** `alone`: with nothing else in flight · `wait`: not yet, `pump` will be called. */
  admit(topic: string, partition: number): 'open' | 'alone' | 'wait'
  /** A batch of this partition is about to leave, or has arrived. */
  sending(): void
  arrived(topic: string, partition: number): void
}

export interface BatchSenderOptions {
  readonly cluster: Cluster
  readonly lifetime: Lifetime
  readonly deliveryTimeoutMs: number
  readonly compression: 'none' | 'gzip'
  readonly transactionalId: string | null
  /** Turns an answer's code that no retry helps into an error. */
  readonly errorOf: (what: string, code: number, detail: string | null) => KafkaError
  /** Told once, with the first failure. */
  readonly onFailure?: (error: KafkaError) => void
}

export class BatchSender {
  /** Set before anything leaves. */
  identity: ProducerIdentity | undefined
  gate: SendGate | undefined
  /** Version 12 adds partitions to a transaction by itself. */
  maxVersion = 11
  readonly #options: BatchSenderOptions
  readonly #cluster: Cluster
  readonly #queues = new Map<string, Map<number, PartitionQueue>>()
  /** Queues in which something waits or has come back. */
  readonly #active = new Set<PartitionQueue>()
  readonly #perBroker = new Map<number, number>()
  #requests = 0
  /** Answers to requests of an older life are not for us. */
  #life = 0
  #alone = false
  #held = 0
  #pendingBytes = 0
  #failure: KafkaError | undefined
  #lastReason = ''
  readonly #waiters = new DrainWaiters()
  #quiet: (() => void)[] = []
  #scheduled = false
  #finding = false
  #timer: Timer | undefined

  constructor(options: BatchSenderOptions) {
    this.#options = options
    this.#cluster = options.cluster
  }

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  get failure(): KafkaError | undefined {
    return this.#failure
  }

  /** @throws KafkaError when the sender has failed. */
  send(
    partition: TopicPartition,
    builder: RecordBatchBuilder,
    acknowledged?: (baseOffset: number) => void,
  ): void {
    if (this.#failure) throw this.#failure
    const queue = this.#queue(partition)
    const byteLength = builder.byteLength
    if (byteLength > maxBatchBytes && this.#options.compression === 'none')
      return this.fail(tooLarge(queue, byteLength))
    queue.waiting.push({
      queue,
      builder,
      byteLength,
      acknowledged,
      deadlineMs: this.#options.lifetime.clock.nowMs() + this.#options.deliveryTimeoutMs,
      bytes: undefined,
    })
    this.#pendingBytes += byteLength
    this.#active.add(queue)
    this.pump()
  }

  /** Resolves when at most `bytes` are unacknowledged, or the sender failed. */
  drained(bytes: number): Promise<void> {
    if (this.#pendingBytes <= bytes || this.#failure) return Promise.resolve()
    return this.#waiters.drained(bytes)
  }

  /** @throws KafkaError, the first failure. */
  flush(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure)
    if (this.#pendingBytes === 0) return Promise.resolve()
    return this.#waiters.flushed()
  }

  /** Resolves when no request is in flight. */
  quiet(): Promise<void> {
    if (this.#requests === 0) return Promise.resolve()
    return new Promise((resolve) => this.#quiet.push(resolve))
  }

  /** Runs `work` while nothing is in flight and nothing leaves. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    this.#held++
    try {
      await this.quiet()
      return await work()
    } finally {
      this.#held--
      this.pump()
    }
  }

  /**
   * Drops everything that is not acknowledged. Whether that leaves a gap in the sequence numbers,
   * so that nothing can be sent any more under the same producer epoch.
   */
  drop(): boolean {
    let gap = false
    for (const partitions of this.#queues.values())
      for (const queue of partitions.values()) if (queue.clear()) gap = true
    this.#active.clear()
    this.#life++
    this.#pendingBytes = 0
    this.#waiters.tell(
      0,
      this.#failure ?? new KafkaError('what was not acknowledged was dropped', 'abortable'),
    )
    return gap
  }

  /**
   * Starts anew under another producer epoch: sequences begin at 0, no failure. Without an identity
   * nothing leaves until there is one.
   */
  restart(identity: ProducerIdentity | undefined): void {
    this.#failure = undefined
    this.identity = identity
    this.drop()
    this.#queues.clear()
  }

  /** Ends everything with an error. */
  fail(error: KafkaError): void {
    if (this.#failure) return
    this.#failure = error
    this.drop()
    this.#timer?.cancel()
    this.#options.onFailure?.(error)
  }

  /** Sends what may leave, at the end of this turn. */
  pump(): void {
    if (this.#scheduled || !this.identity) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      while (this.#pumpOnce()) continue
    })
  }

  #queue({ topic, partition }: TopicPartition): PartitionQueue {
    let partitions = this.#queues.get(topic)
    if (!partitions) this.#queues.set(topic, (partitions = new Map<number, PartitionQueue>()))
    let queue = partitions.get(partition)
    if (!queue) partitions.set(partition, (queue = new PartitionQueue(topic, partition)))
    return queue
  }

  /** One request for each broker that can take one; whether there may be more to send. */
  #pumpOnce(): boolean {
    if (this.#failure || this.#options.lifetime.closed || this.#held > 0 || this.#alone)
      return false
    const nowMs = this.#options.lifetime.clock.nowMs()
    const byNode = new Map<number, { batches: OutgoingBatch[]; bytes: number; alone: boolean }>()
    const leaderless = new Set<string>()
    let soonestMs = Infinity
    for (const queue of this.#active) {
      queue.requeue()
      const head = queue.waiting[0]
      if (!head) {
        if (queue.idle) this.#active.delete(queue)
        continue
      }
      if (queue.returning || queue.onWire.length >= (queue.established ? inFlightPerBroker : 1))
        continue
      if (queue.notBeforeMs > nowMs) {
        soonestMs = Math.min(soonestMs, queue.notBeforeMs)
        continue
      }
      if (head.deadlineMs <= nowMs) {
        this.fail(this.#late(queue))
        return false
      }
      const leader = this.#cluster.leader(queue.topic, queue.partition)?.leader
      if (leader === undefined) {
        leaderless.add(queue.topic)
        continue
      }
      if (queue.onWire.length > 0 && queue.nodeId !== leader) continue
      if ((this.#perBroker.get(leader) ?? 0) >= inFlightPerBroker) continue
      const admitted = this.gate?.admit(queue.topic, queue.partition) ?? 'open'
      if (admitted === 'wait') continue
      let request = byNode.get(leader)
      if (!request) byNode.set(leader, (request = { batches: [], bytes: 0, alone: false }))
      if (request.batches.length > 0 && request.bytes + head.byteLength > requestBytes) continue
      request.batches.push(head)
      request.bytes += head.byteLength
      if (admitted === 'alone') request.alone = true
    }
    this.#wakeAt(soonestMs, nowMs)
    if (leaderless.size > 0 && !this.#finding) void this.#findLeaders(leaderless)
    return this.#send(byNode)
  }

  #send(
    byNode: ReadonlyMap<number, { batches: OutgoingBatch[]; bytes: number; alone: boolean }>,
  ): boolean {
    for (const [nodeId, { batches, alone }] of byNode) {
      if (!alone) continue
      // Nothing else leaves either, else its turn might never come.
      if (this.#requests === 0) this.#request(nodeId, batches, true)
      return false
    }
    for (const [nodeId, { batches }] of byNode) this.#request(nodeId, batches, false)
    return byNode.size > 0
  }

  #request(nodeId: number, batches: readonly OutgoingBatch[], alone: boolean): void {
    const topics = new Map<string, { index: number; records: Buffer }[]>()
    for (const batch of batches) {
      const { queue } = batch
      queue.waiting.shift()
      queue.onWire.push(batch)
      queue.nodeId = nodeId
      const part = { index: queue.partition, records: (batch.bytes ??= this.#finish(batch)) }
      const same = topics.get(queue.topic)
      if (same) same.push(part)
      else topics.set(queue.topic, [part])
    }
    this.gate?.sending()
    this.#requests++
    this.#perBroker.set(nodeId, (this.#perBroker.get(nodeId) ?? 0) + 1)
    this.#alone = alone
    const life = this.#life
    this.#cluster
      .send(
        nodeId,
        'control',
        produce,
        {
          transactionalId: this.#options.transactionalId,
          acks: -1,
          timeoutMs: replicationWaitMs,
          topicData: Array.from(topics, ([name, partitionData]) => ({ name, partitionData })),
        },
        { waitMs: replicationWaitMs, maxVersion: this.maxVersion },
      )
      .then(
        (answer) => this.#done(nodeId, life, () => this.#answered(batches, answer)),
        (error: unknown) =>
          this.#done(nodeId, life, () => this.#unanswered(batches, toKafkaError(error))),
      )
      .catch((error: unknown) => this.fail(toKafkaError(error)))
  }

  #finish(batch: OutgoingBatch): Buffer {
    const { queue, builder } = batch
    const identity = this.identity as ProducerIdentity
    const baseSequence = queue.nextSequence
    queue.nextSequence = sequenceAfter(baseSequence, builder.count)
    return builder.finish({
      ...identity,
      baseSequence,
      transactional: this.#options.transactionalId !== null,
      compression: this.#options.compression,
    })
  }

  #done(nodeId: number, life: number, handle: () => void): void {
    this.#requests--
    this.#perBroker.set(nodeId, (this.#perBroker.get(nodeId) ?? 1) - 1)
    this.#alone = false
    if (life === this.#life) handle()
    if (this.#requests === 0) {
      const quiet = this.#quiet
      this.#quiet = []
      for (const resolve of quiet) resolve()
    }
    this.pump()
  }

  #answered(batches: readonly OutgoingBatch[], answer: ResponseBody<typeof produce>): void {
    const parts = new Map(
      answer.responses.flatMap(({ name, partitionResponses }) =>
        partitionResponses.map((part) => [`${name}-${part.index}`, part] as const),
      ),
    )
    const life = this.#life
    for (const batch of batches) {
      if (life !== this.#life) return
      const { queue } = batch
      const part = parts.get(`${queue.topic}-${queue.partition}`)
      if (!part) {
        this.#giveBack(batch, 'the answer left the partition out')
      } else if (part.errorCode === ErrorCode.none) this.#accepted(batch, part.baseOffset)
      else this.#refused(batch, part.errorCode, detailOf(part))
    }
    this.#waiters.tell(this.#pendingBytes, this.#failure)
  }

  #accepted(batch: OutgoingBatch, baseOffset: number): void {
    const { queue } = batch
    queue.settle(batch)
    queue.established = true
    queue.failures = 0
    this.#pendingBytes -= batch.byteLength
    this.gate?.arrived(queue.topic, queue.partition)
    batch.acknowledged?.(baseOffset)
  }

  #refused(batch: OutgoingBatch, code: number, detail: string | null): void {
    const { queue } = batch
    // One that follows a batch which came back is out of order for that reason alone.
    const consequence = code === ErrorCode.outOfOrderSequence && queue.returning
    if (consequence || isRetriableCode(code)) {
      if (!consequence && movesLeader(code))
        this.#cluster.forgetLeader(queue.topic, queue.partition)
      this.#giveBack(batch, answerError('Produce', code).message)
      return
    }
    this.fail(this.#options.errorOf(`Produce to ${queue.topic}-${queue.partition}`, code, detail))
  }

  #unanswered(batches: readonly OutgoingBatch[], error: KafkaError): void {
    if (error.kind !== 'retriable') return this.fail(error)
    for (const batch of batches) {
      this.#cluster.forgetLeader(batch.queue.topic, batch.queue.partition)
      this.#giveBack(batch, error.message)
    }
  }

  #giveBack(batch: OutgoingBatch, reason: string): void {
    const { queue } = batch
    const nowMs = this.#options.lifetime.clock.nowMs()
    this.#lastReason = reason
    // Batches behind it come back for the same reason: one failure, one delay.
    if (!queue.returning) {
      queue.notBeforeMs = nowMs + Math.min(maxRetryMs, firstRetryMs * 2 ** queue.failures)
      queue.failures = Math.min(queue.failures + 1, 10)
    }
    queue.giveBack(batch)
    this.#active.add(queue)
    if (batch.deadlineMs <= nowMs) this.fail(this.#late(queue))
  }

  #late(queue: PartitionQueue): KafkaError {
    const { deliveryTimeoutMs } = this.#options
    const reason = this.#lastReason === '' ? 'no leader is known' : this.#lastReason
    return new KafkaError(
      `a batch for ${queue.topic}-${queue.partition} was not acknowledged within ${deliveryTimeoutMs} ms: ${reason}`,
      'retriable',
      ErrorCode.requestTimedOut,
    )
  }

  async #findLeaders(topics: ReadonlySet<string>): Promise<void> {
    this.#finding = true
    const { lifetime } = this.#options
    let failure: KafkaError | undefined
    try {
      await this.#cluster.refresh(topics)
    } catch (error) {
      failure = toKafkaError(error)
      this.#lastReason = failure.message
    }
    this.#finding = false
    if (lifetime.closed) return
    if (failure && failure.kind !== 'retriable') return this.fail(failure)
    const nowMs = lifetime.clock.nowMs()
    for (const queue of this.#active) {
      const { topic, partition } = queue
      if (!topics.has(topic)) continue
      const known = this.#cluster.topic(topic)
      if (known && errorKind(known.errorCode) === 'authorization')
        return this.fail(this.#options.errorOf(`Metadata of ${topic}`, known.errorCode, null))
      if (!this.#cluster.leader(topic, partition)) queue.notBeforeMs = nowMs + 100
    }
    this.pump()
  }

  #wakeAt(soonestMs: number, nowMs: number): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (soonestMs < Infinity)
      this.#timer = this.#options.lifetime.clock.setTimer(soonestMs - nowMs, () => this.pump())
  }
}

const tooLarge = ({ topic, partition }: PartitionQueue, byteLength: number): KafkaError =>
  new KafkaError(
    `a batch of ${byteLength} bytes for ${topic}-${partition} is larger than a request may be`,
    'tooLarge',
    ErrorCode.messageTooLarge,
  )
