// Opens a `TopicClient` on the log that a configuration names.
import { systemClock } from '../clock.js'
import type { Client } from '../kafka/client.js'
import { clientOf, type Transport } from '../kafka/transport.js'
import { consoleLogger, type Logger } from '../logger.js'
import { resolveConfig } from './streams-config.js'
import { TopicClient } from './topic-client.js'

/** Where the log is: as in the configuration of an application. */
export type LogConfig = {
  readonly clientId?: string | undefined
  readonly logger?: Logger | undefined
} & (
  | {
      readonly brokers: readonly string[]
      readonly ssl?: boolean | object | undefined
      readonly sasl?: object | undefined
      readonly transport?: undefined
    }
  | { readonly transport: Transport; readonly brokers?: undefined }
)

/**
 * Writes and reads topics outside of a topology: to feed an embedded log, to look at results.
 *
 * @example
 * const log = topicClient({ transport })
 * await log.createTopics(['measurements'])
 * await log.send(topic('measurements', { key: string(), value: json<Measurement>() }), [{ key, value }])
 * for await (const record of log.read(averages)) console.log(record.key, record.value)
 * @throws ConfigError when neither brokers nor a transport is given, or a key is unknown
 */
export function topicClient(config: LogConfig): TopicClient {
  const { given, clientId, logger } = resolveConfig({
    logger: consoleLogger(),
    ...config,
    applicationId: 'topics', // required by the check, and the client id unless one is given
  })
  const surroundings = { clock: systemClock, logger }
  const open = async (): Promise<Client> => {
    if (given.transport !== undefined) return clientOf(given.transport, surroundings)
    const { kafkaClient } = await import('../kafka/kafka-client.js')
    const { brokers, ssl, sasl } = given
    return kafkaClient({ ...surroundings, clientId, brokers, ssl, sasl } as Parameters<
      typeof kafkaClient
    >[0])
  }
  return new TopicClient(open())
}
