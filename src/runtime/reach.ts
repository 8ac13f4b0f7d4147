// Waits for a log that cannot be reached yet.
import { delay, type Clock, type Timer } from '../clock.js'
import { ConfigError } from '../errors.js'
import { KafkaError } from '../kafka/client.js'
import type { Logger } from '../logger.js'
import { backOff } from './back-off.js'

export interface ReachOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** `Infinity`: for ever. */
  readonly timeoutMs: number
  /** Nobody waits for the log any more. */
  readonly isEnding: () => boolean
}

/** How long until it is said again that the log does not answer, ms. */
const complaintIntervalMs = 10_000

/**
 * Tries again while the log cannot be reached.
 * @throws ConfigError after `timeoutMs`; whatever else an attempt throws
 */
export async function reach(attempt: () => Promise<unknown>, o: ReachOptions): Promise<void> {
  const { clock, logger, timeoutMs } = o
  const retry = backOff(50, 2_000)
  let lastError: unknown
  let stop!: (error: Error) => void
  const deadline = new Promise<never>((_, reject) => (stop = reject))
  deadline.catch(() => {})
  const timers: Timer[] = []
  if (timeoutMs !== Infinity) {
    const message = `the log could not be reached within startTimeoutMs (${timeoutMs} ms); check brokers, ssl and sasl`
    const giveUp = (): void => stop(new ConfigError(message, { cause: lastError }))
    timers.push(clock.setTimer(timeoutMs, giveUp))
  }
  const complain = (): void => {
    logger.warn({ error: lastError }, 'the log does not answer; trying again')
    timers.push(clock.setTimer(complaintIntervalMs, complain))
  }
  timers.push(clock.setTimer(complaintIntervalMs, complain))
  try {
    while (!o.isEnding()) {
      try {
        await Promise.race([attempt(), deadline])
        return
      } catch (error) {
        if (!(error instanceof KafkaError) || error.kind !== 'retriable') throw error
        lastError = error
      }
      await Promise.race([delay(clock, retry.next()), deadline])
    }
  } finally {
    for (const timer of timers) timer.cancel()
  }
}
