// What a driver takes of the configuration of an application.
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '../logger.js'
import {
  resolveConfig,
  type ResolvedConfig,
  type StreamsConfig,
} from '../runtime/streams-config.js'

/** The operators that hold results back for a while look at this; a driver shows them at once. */
const emitIntervalMs = 0

/** A configuration without a log; `handled` is what processors read. */
export interface DriverConfig extends ResolvedConfig {
  readonly handled: Readonly<Record<string, unknown>>
  /** The state folder is the driver's own, which it deletes: none was given. */
  readonly ownsStateDir: boolean
}

/**
 * Checks the configuration of a driver, where everything has a default.
 * @throws ConfigError as `KafkaStreams` does
 */
export function driverConfig(given: Partial<StreamsConfig>): DriverConfig {
  // What is missing is the log, which a driver has of its own.
  const complete = { applicationId: 'test', logger: silentLogger, ...given } as StreamsConfig
  const resolved = resolveConfig(complete, { needsLog: false })
  const ownsStateDir = given.stateDir === undefined
  const stateDir = ownsStateDir
    ? join(tmpdir(), `millrace-test-${randomUUID()}`)
    : resolved.stateDir
  return {
    ...resolved,
    stateDir,
    ownsStateDir,
    handled: Object.freeze({ ...complete, emitIntervalMs }),
  }
}
