// Keeps a member in its group. The next heartbeat is scheduled after every outcome that does not end
// the membership, lost coordinators and silent brokers included.
import type { Timer } from '../clock.js'
import type { Cluster, Role } from './cluster.js'
import { answerError, ErrorCode, isCoordinatorCode, toKafkaError } from './error-codes.js'
import type { GroupMetadata, KafkaError } from './client.js'
import { heartbeat } from './protocol/messages/heartbeat.js'

export interface GroupHeartbeatOptions {
  readonly cluster: Cluster
  readonly role: Role
  readonly intervalMs: number
  readonly sessionTimeoutMs: number
  readonly onRebalance: () => void
  /** The membership that was asked about is gone, or may not be asked about. */
  readonly onEnd: (error: KafkaError) => void
}

/** Repeated after a failure, sooner than the interval. */
const retryMs = 100

export class GroupHeartbeat {
  readonly #options: GroupHeartbeatOptions
  #member: GroupMetadata | undefined
  #timer: Timer | undefined
  #life = 0

  constructor(options: GroupHeartbeatOptions) {
    this.#options = options
  }

  start(member: GroupMetadata): void {
    this.stop()
    this.#member = member
    this.#schedule(this.#options.intervalMs, this.#life)
  }

  /** What is in flight has no effect any more. */
  stop(): void {
    this.#life++
    this.#timer?.cancel()
  }

  #schedule(delayMs: number, life: number): void {
    if (life !== this.#life) return
    const { clock } = this.#options.cluster.settings
    this.#timer = clock.setTimer(delayMs, () => void this.#beat(life))
  }

  async #beat(life: number): Promise<void> {
    const { intervalMs } = this.#options
    let nextMs = intervalMs
    try {
      const error = await this.#ask()
      if (life !== this.#life) return
      if (error?.errorCode === ErrorCode.rebalanceInProgress) this.#options.onRebalance()
      else if (error && error.kind !== 'retriable') return this.#options.onEnd(error)
      else if (error) nextMs = Math.min(intervalMs, retryMs)
    } catch (thrown) {
      if (life !== this.#life) return
      const error = toKafkaError(thrown)
      if (error.kind !== 'retriable') return this.#options.onEnd(error)
      nextMs = Math.min(intervalMs, retryMs)
    }
    this.#schedule(nextMs, life)
  }

  async #ask(): Promise<KafkaError | undefined> {
    const { cluster, role, sessionTimeoutMs } = this.#options
    const member = this.#member
    if (!member) return undefined
    const { groupId, generationId, memberId, instanceId } = member
    const forget = (): void => cluster.forgetCoordinator('group', groupId)
    try {
      const { errorCode } = await cluster.send(
        await cluster.coordinator('group', groupId),
        role,
        heartbeat,
        { groupId, generationId, memberId, groupInstanceId: instanceId ?? null },
        { timeoutMs: Math.min(cluster.settings.requestTimeoutMs, sessionTimeoutMs) },
      )
      if (isCoordinatorCode(errorCode)) forget()
      return errorCode === ErrorCode.none
        ? undefined
        : answerError(`Heartbeat of group ${groupId}`, errorCode)
    } catch (error) {
      forget()
      throw error
    }
  }
}
