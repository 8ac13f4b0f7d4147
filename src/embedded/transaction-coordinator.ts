// Transactions of the log. A transactional id has a producer id and an epoch; who has an older epoch
// is fenced. The end of a transaction is one batch of rows: a marker in each partition and the
// offsets of each group, so it happens everywhere or nowhere.
//
//   empty ──add──▶ ongoing ──end──▶ completing ──synced──▶ empty
//                     └─ time-out, or init by a successor: ended as aborted, epoch + 1
import type { Clock } from '../clock.js'
import { KafkaError, type PartitionOffset } from '../kafka/client.js'
import type { MarkerType } from '../kafka/record-batch.js'
import type { GroupOffsets } from './group-offsets.js'
import type { Journal } from './journal.js'
import { int64s, row } from './log-rows.js'
import type { PartitionLog } from './partition-log.js'

const maxEpoch = 32_766

/** What the log knows of a transactional id. */
export interface TransactionState {
  readonly transactionalId: string
  producerId: number
  epoch: number
  timeoutMs: number
  readonly partitions: Set<PartitionLog>
  readonly groups: Set<GroupOffsets>
  /** When the ongoing transaction began; `undefined` when there is none. */
  startedMs: number | undefined
  completing: Promise<void> | undefined
  timerSet: boolean
}

/** Who a producer is since its `init`. */
export interface TransactionIdentity {
  readonly state: TransactionState
  readonly producerId: number
  readonly epoch: number
}

export class TransactionCoordinator {
  readonly #journal: Journal
  readonly #newProducerId: () => number
  readonly #states = new Map<string, TransactionState>()

  constructor(journal: Journal, newProducerId: () => number) {
    this.#journal = journal
    this.#newProducerId = newProducerId
  }

  /** Ends the open transaction of a predecessor and fences it. */
  async init(
    transactionalId: string,
    timeoutMs: number,
    clock: Clock,
  ): Promise<TransactionIdentity> {
    const state = this.#states.get(transactionalId) ?? this.restore(transactionalId, -1, -1)
    // The predecessor is fenced first, so that it cannot begin anew while its end is written.
    this.#raiseEpoch(state)
    const identity = { state, producerId: state.producerId, epoch: state.epoch }
    state.timeoutMs = timeoutMs
    await state.completing
    if (state.startedMs !== undefined) await this.#complete(state, 'abort', clock)
    await this.#journal.synced()
    this.check(identity)
    return identity
  }

  /** Takes over a transactional id at a start. */
  restore(transactionalId: string, producerId: number, epoch: number): TransactionState {
    const state: TransactionState = {
      transactionalId,
      producerId,
      epoch,
      timeoutMs: 0,
      partitions: new Set(),
      groups: new Set(),
      startedMs: undefined,
      completing: undefined,
      timerSet: false,
    }
    this.#states.set(transactionalId, state)
    return state
  }

  /** @throws KafkaError of kind `fenced` when a successor has taken over, or the time was out. */
  check(identity: TransactionIdentity): void {
    const { state } = identity
    if (state.producerId !== identity.producerId || state.epoch !== identity.epoch)
      throw new KafkaError(
        `a newer producer uses the transactional id ${state.transactionalId}, or its transaction timed out`,
        'fenced',
        47,
      )
  }

  addPartition(identity: TransactionIdentity, partition: PartitionLog, clock: Clock): void {
    this.check(identity)
    this.#begin(identity.state, clock)
    identity.state.partitions.add(partition)
  }

  addOffsets(
    identity: TransactionIdentity,
    group: GroupOffsets,
    offsets: readonly PartitionOffset[],
    clock: Clock,
  ): void {
    this.check(identity)
    this.#begin(identity.state, clock)
    identity.state.groups.add(group)
    group.addPending(identity.producerId, offsets)
  }

  end(identity: TransactionIdentity, type: MarkerType, clock: Clock): void | Promise<void> {
    this.check(identity)
    if (identity.state.startedMs !== undefined) return this.#complete(identity.state, type, clock)
  }

  #begin(state: TransactionState, clock: Clock): void {
    if (state.startedMs !== undefined) return
    state.startedMs = clock.nowMs()
    if (!state.timerSet) this.#watch(state, clock, state.timeoutMs)
  }

  /** One timer for all transactions of an id, set anew while one is open: none is set per commit. */
  #watch(state: TransactionState, clock: Clock, delayMs: number): void {
    state.timerSet = true
    clock.setTimer(delayMs, () => {
      state.timerSet = false
      if (state.startedMs === undefined || state.completing !== undefined) return
      const leftMs = state.startedMs + state.timeoutMs - clock.nowMs()
      if (leftMs > 0) return this.#watch(state, clock, leftMs)
      this.#raiseEpoch(state)
      // A journal that fails says so to everyone who writes next.
      void Promise.resolve(this.#complete(state, 'abort', clock)).catch(() => {})
    })
  }

  #raiseEpoch(state: TransactionState): void {
    if (state.producerId < 0 || state.epoch >= maxEpoch) {
      if (state.startedMs === undefined || state.producerId < 0) {
        state.producerId = this.#newProducerId()
        state.epoch = -1
      }
    }
    state.epoch++
    const epoch = Buffer.alloc(2)
    epoch.writeInt16BE(state.epoch)
    this.#journal.put(
      row.producer(state.transactionalId),
      Buffer.concat([int64s(state.producerId), epoch]),
    )
  }

  #complete(state: TransactionState, type: MarkerType, clock: Clock): void | Promise<void> {
    const { producerId, epoch } = state
    const partitions = [...state.partitions].filter((p) => !p.deleted)
    const groups = [...state.groups]
    state.partitions.clear()
    state.groups.clear()
    const nowMs = clock.nowMs()
    const ends: number[] = []
    for (const partition of partitions) {
      partition.mark(type, producerId, epoch, nowMs)
      ends.push(partition.endOffset)
    }
    for (const group of groups) group.preparePending(producerId, type)
    const settle = (): void => {
      state.startedMs = undefined
      state.completing = undefined
      partitions.forEach((partition, n) => partition.settle(type, producerId, ends[n]!))
      for (const group of groups) group.settlePending(producerId, type)
    }
    const synced = this.#journal.synced(settle)
    if (synced === undefined) return
    state.completing = synced
    return synced
  }
}
