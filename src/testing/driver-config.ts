// What a driver takes of the configuration of an application.
import type { DriverConfig } from './driver-tasks.js'

/** The options of `KafkaStreams` that mean something without a log. */
export interface DriverOptionsConfig {
  readonly applicationId?: string | undefined
  readonly processingGuarantee?: 'at_least_once' | 'exactly_once_v2' | undefined
  readonly commitIntervalMs?: number | undefined
  readonly persistIntervalMs?: number | undefined
  readonly cacheMaxBytes?: number | undefined
  readonly stateDir?: string | undefined
  readonly deadLetterTopic?: string | undefined
  readonly deserializationHandler?: any
  readonly processingHandler?: any
  readonly productionHandler?: any
}

export function driverConfig(given: DriverOptionsConfig): DriverConfig {
  const exactlyOnce = given.processingGuarantee === 'exactly_once_v2'
  const applicationId = given.applicationId ?? 'test'
  return {
    applicationId,
    exactlyOnce,
    commitIntervalMs: given.commitIntervalMs ?? (exactlyOnce ? 100 : 30_000),
    persistIntervalMs: given.persistIntervalMs ?? 5_000,
    cacheMaxBytes: given.cacheMaxBytes ?? 10_485_760,
    stateDir: `${given.stateDir ?? 'state'}/${applicationId}`,
    deadLetterTopic: given.deadLetterTopic,
    handlers: given,
    given: Object.freeze({ ...given, emitIntervalMs: 0 }),
  }
}
