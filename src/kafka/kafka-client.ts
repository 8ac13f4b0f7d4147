// The port to a Kafka cluster: one client shares connections and metadata among its parts.
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { systemClock, type Clock } from '../clock.js'
import { ConfigError } from '../errors.js'
import { silentLogger, type Logger } from '../logger.js'
import { KafkaAdmin } from './admin.js'
import type {
  Admin,
  Client,
  Fetcher,
  FetcherOptions,
  GroupMember,
  GroupMemberOptions,
  Producer,
  ProducerOptions,
  TransactionalProducer,
  TransactionalProducerOptions,
} from './client.js'
import { ClientParts } from './client-parts.js'
import { Cluster, parseAddress } from './cluster.js'
import { KafkaFetcher } from './fetcher.js'
import { KafkaGroupMember } from './group-member.js'
import { checkSasl, type BrokerOptions } from './kafkajs-bridge.js'
import { KafkaProducer } from './producer.js'
import { KafkaTransactionalProducer } from './transactional-producer.js'

/** How to reach a cluster; `brokers`, `ssl` and `sasl` have kafkajs's form. */
export interface KafkaClientOptions extends BrokerOptions {
  /** What brokers log, default `millrace`. */
  readonly clientId?: string | undefined
  readonly clock?: Clock | undefined
  readonly logger?: Logger | undefined
  /** How long the network and a broker may take to answer, default 30,000. */
  readonly requestTimeoutMs?: number | undefined
  /** How long a connection may take to open, default 10,000. */
  readonly connectTimeoutMs?: number | undefined
  /** How long administration is repeated while brokers are away, default 60,000. */
  readonly adminTimeoutMs?: number | undefined
}

/**
 * A client of a Kafka cluster. It connects when a part first needs to.
 * @throws ConfigError when no broker is given, one is not of the form `host:port`, or the SASL
 * mechanism is not known.
 */
export function kafkaClient(options: KafkaClientOptions): Client {
  return new KafkaClient(options)
}

class KafkaClient implements Client {
  readonly admin: Admin
  readonly #cluster: Cluster
  readonly #parts = new ClientParts()

  constructor(options: KafkaClientOptions) {
    checkBrokers(options.brokers)
    if (options.sasl) checkSasl(options.sasl)
    this.#cluster = new Cluster(options, {
      clientId: options.clientId ?? 'millrace',
      tls: tlsOf(options.ssl),
      sasl: options.sasl,
      clock: options.clock ?? systemClock,
      logger: options.logger ?? silentLogger,
      requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
      connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    })
    this.admin = new KafkaAdmin(this.#cluster, options, options.adminTimeoutMs ?? 60_000)
  }

  fetcher(options: FetcherOptions): Fetcher {
    return this.#keep((done) => new KafkaFetcher(this.#cluster, options, done))
  }

  groupMember(options: GroupMemberOptions): GroupMember {
    return this.#keep((done) => new KafkaGroupMember(this.#cluster, options, done))
  }

  producer(options?: ProducerOptions): Producer {
    return this.#keep((done) => new KafkaProducer(this.#cluster, options, done))
  }

  transactionalProducer(options: TransactionalProducerOptions): TransactionalProducer {
    return this.#keep((done) => new KafkaTransactionalProducer(this.#cluster, options, done))
  }

  async close(): Promise<void> {
    await this.#parts.close()
    this.#cluster.close()
  }

  #keep<P extends Fetcher | GroupMember | Producer>(make: (done: () => void) => P): P {
    this.#cluster.lifetime.check()
    return this.#parts.add(make)
  }
}

const tlsOf = (ssl: boolean | TlsOptions | undefined): TlsOptions | undefined =>
  ssl === undefined || ssl === false ? undefined : ssl === true ? {} : ssl

function checkBrokers(brokers: BrokerOptions['brokers']): void {
  if (typeof brokers === 'function') return
  if (!Array.isArray(brokers) || brokers.length === 0)
    throw new ConfigError("brokers is empty: name at least one, such as ['localhost:9092']")
  for (const broker of brokers as readonly string[]) {
    try {
      parseAddress(broker)
    } catch (error) {
      throw new ConfigError(`${(error as Error).message}, such as localhost:9092`)
    }
  }
}
