// How long a part of the client lives: waiting ends when it is closed, and work is tried again
// until it succeeds, cannot succeed, has run out of time, or nobody wants it any more.
import type { Clock } from '../clock.js'
import { KafkaError, type KafkaErrorKind } from './client.js'
import { toKafkaError } from './error-codes.js'

/** The end of a part, as something to wait on. */
export class Lifetime {
  readonly clock: Clock
  readonly #name: string
  readonly #kind: KafkaErrorKind
  readonly #wakers = new Set<() => void>()
  #closed = false

  /** `kind` is that of the error for those who come too late. */
  constructor(clock: Clock, name: string, kind: KafkaErrorKind = 'fatal') {
    this.clock = clock
    this.#name = name
    this.#kind = kind
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Ends every `sleep` at once. */
  close(): void {
    this.#closed = true
    for (const wake of this.#wakers) wake()
    this.#wakers.clear()
  }

  /** Resolves after `ms`, or when the part is closed. */
  sleep(ms: number): Promise<void> {
    if (this.#closed) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.cancel()
        this.#wakers.delete(wake)
        resolve()
      }
      const timer = this.clock.setTimer(ms, wake)
      this.#wakers.add(wake)
    })
  }

  closedError(): KafkaError {
    return new KafkaError(`the ${this.#name} is closed`, this.#kind)
  }

  /** @throws KafkaError when the part is closed. */
  check(): void {
    if (this.#closed) throw this.closedError()
  }
}

/** Delays that double from `firstMs` to `maxMs`, each up to a fifth shorter by chance. */
export class Backoff {
  readonly #firstMs: number
  readonly #maxMs: number
  #nextMs: number

  constructor(firstMs: number, maxMs: number) {
    this.#firstMs = this.#nextMs = firstMs
    this.#maxMs = maxMs
  }

  nextMs(): number {
    const ms = this.#nextMs
    this.#nextMs = Math.min(this.#maxMs, ms * 2)
    return ms * (1 - Math.random() / 5)
  }

  reset(): void {
    this.#nextMs = this.#firstMs
  }
}

export interface RetryOptions {
  /** How long in all; afterwards the last error is thrown. */
  readonly timeoutMs: number
  readonly firstMs?: number
  readonly maxMs?: number
  /** Which errors are worth another attempt; those of kind `retriable` unless said. */
  readonly again?: (error: KafkaError) => boolean
}

/** Runs `attempt` until it resolves. @throws KafkaError, the last one. */
export async function retry<T>(
  lifetime: Lifetime,
  options: RetryOptions,
  attempt: () => Promise<T>,
): Promise<T> {
  const { clock } = lifetime
  const untilMs = clock.nowMs() + options.timeoutMs
  const backoff = new Backoff(options.firstMs ?? 20, options.maxMs ?? 1000)
  for (;;) {
    lifetime.check()
    try {
      return await attempt()
    } catch (thrown) {
      const error = toKafkaError(thrown)
      const again = options.again?.(error) ?? error.kind === 'retriable'
      const waitMs = backoff.nextMs()
      if (!again || clock.nowMs() + waitMs > untilMs) throw error
      await lifetime.sleep(waitMs)
    }
  }
}
