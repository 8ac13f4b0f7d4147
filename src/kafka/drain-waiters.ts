// Those who wait until little enough, or nothing, is unacknowledged.
import type { KafkaError } from './client.js'

interface Waiter {
  readonly bytes: number
  readonly resolve: () => void
  /** Where a failure is to be told. */
  readonly reject: ((error: KafkaError) => void) | undefined
}

export class DrainWaiters {
  #waiters: Waiter[] = []

  /** Resolves when at most `bytes` are left, or something failed. */
  drained(bytes: number): Promise<void> {
    return new Promise((resolve) => this.#waiters.push({ bytes, resolve, reject: undefined }))
  }

  /** Resolves when nothing is left, rejects when something failed. */
  flushed(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiters.push({ bytes: 0, resolve, reject }))
  }

  /** Tells what is left now, or that nothing more is to be waited for. */
  tell(pendingBytes: number, failure: KafkaError | undefined): void {
    if (this.#waiters.length === 0) return
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters)
      if (failure && waiter.reject) waiter.reject(failure)
      else if (failure || pendingBytes <= waiter.bytes) waiter.resolve()
      else this.#waiters.push(waiter)
  }
}
