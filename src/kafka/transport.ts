// How a configuration names a log other than a Kafka cluster: a transport opens clients of it.
import type { Clock } from '../clock.js'
import type { Logger } from '../logger.js'
import type { Client } from './client.js'

/** A log to run on, such as what `embedded()` returns. Programs that share one share its topics. */
export interface Transport {
  /** Its kind, for people: `embedded`. */
  readonly transport: string
}

/** What a client takes from its application. */
export interface ClientSurroundings {
  readonly clock: Clock
  readonly logger: Logger
}

/** Opens a client; the name keeps it out of users' sight. */
export const openClient = Symbol('millrace.openClient')

/** A transport of this package. */
export interface OpenableTransport extends Transport {
  [openClient](surroundings: ClientSurroundings): Promise<Client>
}

/**
 * A client of the log behind a transport.
 * @throws TypeError when the transport is not one of this package.
 */
export function clientOf(transport: Transport, surroundings: ClientSurroundings): Promise<Client> {
  if (typeof transport === 'object' && transport !== null && openClient in transport)
    return (transport as OpenableTransport)[openClient](surroundings)
  throw new TypeError('transport is not one of this package: use embedded()')
}
