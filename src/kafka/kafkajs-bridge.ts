// The one door to kafkajs: the form of `brokers`, `ssl` and `sasl`, its SASL mechanisms and its
// admin client. It is loaded when first needed, and what we use of it is checked then, because the
// mechanisms are not part of its public interface.
import { createRequire } from 'node:module'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { ConfigError } from '../errors.js'
import type { Logger } from '../logger.js'
import { KafkaError } from './client.js'

const load = createRequire(import.meta.url)

/** The release whose internals are used. */
const testedVersion = '2.2.4'

/** What a mechanism of one's own is given, in kafkajs's form. */
export interface SaslMechanismArgs {
  readonly host: string
  readonly port: number
  readonly logger: object
  /** One step: `encode` gives the bytes with their int32 length in front, and so does the answer. */
  saslAuthenticate<T>(args: {
    request: { encode(): Uint8Array | Promise<Uint8Array> }
    response?: { decode(raw: Buffer): Buffer | Promise<Buffer>; parse(data: Buffer): T }
  }): Promise<T | undefined>
}

/** How to authenticate, in the form that kafkajs documents; mechanism names in any case. */
export type SaslOptions =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
      readonly username: string
      readonly password: string
    }
  | {
      readonly mechanism: 'oauthbearer'
      readonly oauthBearerProvider: () => Promise<{ readonly value: string }>
    }
  | {
      readonly mechanism: 'aws'
      readonly authorizationIdentity: string
      readonly accessKeyId: string
      readonly secretAccessKey: string
      readonly sessionToken?: string
    }
  | {
      readonly mechanism: string
      readonly authenticationProvider: (args: SaslMechanismArgs) => {
        authenticate(): Promise<void>
      }
    }

/** `brokers`, `ssl` and `sasl` as kafkajs takes them. */
export interface BrokerOptions {
  /** `host:port` each, or a function that finds them. */
  readonly brokers: readonly string[] | (() => readonly string[] | Promise<readonly string[]>)
  /** `true`, or what `tls.connect` takes. */
  readonly ssl?: boolean | TlsOptions | undefined
  readonly sasl?: SaslOptions | undefined
}

type Provider = (args: SaslMechanismArgs) => { authenticate(): Promise<void> }

/** Where kafkajs keeps its mechanisms; each file exports `(sasl) => Provider`. */
const mechanismFiles: Readonly<Record<string, string>> = {
  PLAIN: 'plain',
  'SCRAM-SHA-256': 'scram256',
  'SCRAM-SHA-512': 'scram512',
  OAUTHBEARER: 'oauthBearer',
  AWS: 'awsIam',
}

/** @throws ConfigError when another release of kafkajs is installed than the one that was tested. */
function checkVersion(): void {
  const { version } = load('kafkajs/package.json') as { version: string }
  if (version !== testedVersion)
    throw new ConfigError(
      `kafkajs ${version} is installed where ${testedVersion} is needed: pin "kafkajs": "${testedVersion}"`,
    )
}

/** Runs the exchange of `sasl`; `exchange` sends one step's bytes and gives the answer's. */
export async function saslAuthenticator(
  sasl: SaslOptions,
  address: { readonly host: string; readonly port: number },
  logger: Logger,
  exchange: (bytes: Uint8Array) => Promise<Uint8Array>,
): Promise<void> {
  const provider = providerOf(sasl)
  const { authenticate } = provider({
    host: address.host,
    port: address.port,
    logger: kafkajsLogger(logger),
    async saslAuthenticate({ request, response }) {
      const framed = await request.encode()
      const answer = await exchange(framed.subarray(4))
      if (!response) return undefined
      const raw = Buffer.alloc(4 + answer.length)
      raw.writeInt32BE(answer.length)
      raw.set(answer, 4)
      return response.parse(await response.decode(raw))
    },
  })
  await authenticate()
}

/** @throws ConfigError when there is no such mechanism. */
export function checkSasl(sasl: SaslOptions): void {
  if ('authenticationProvider' in sasl) return
  const mechanism: unknown = sasl.mechanism
  if (typeof mechanism === 'string' && mechanism.toUpperCase() in mechanismFiles) return
  throw new ConfigError(
    `sasl.mechanism ${String(mechanism)} is not known: use one of ${Object.keys(mechanismFiles).join(', ').toLowerCase()}, or give an authenticationProvider`,
  )
}

function providerOf(sasl: SaslOptions): Provider {
  if ('authenticationProvider' in sasl) return sasl.authenticationProvider
  checkSasl(sasl)
  const file = mechanismFiles[sasl.mechanism.toUpperCase()]
  checkVersion()
  const make: unknown = load(`kafkajs/src/broker/saslAuthenticator/${file}.js`)
  if (typeof make !== 'function')
    throw new ConfigError(`kafkajs has no SASL mechanism in ${file}.js: reinstall ${testedVersion}`)
  // A copy, because one of the mechanisms writes into it.
  return (make as (options: object) => Provider)({ ...sasl })
}

interface KafkajsLogger {
  readonly debug: (message: string, extra?: object) => void
  readonly info: (message: string, extra?: object) => void
  readonly warn: (message: string, extra?: object) => void
  readonly error: (message: string, extra?: object) => void
  readonly namespace: () => KafkajsLogger
}

/** Failures are thrown and said by the caller, so that everything here is for debugging. */
const kafkajsLogger = (logger: Logger): KafkajsLogger => {
  const say = (message: string, extra?: object): void =>
    logger.debug({ ...extra, source: 'kafkajs' }, message)
  const result: KafkajsLogger = {
    debug: say,
    info: say,
    warn: say,
    error: say,
    namespace: () => result,
  }
  return result
}

/** What we use of kafkajs's admin client. */
export interface KafkajsAdmin {
  connect(): Promise<void>
  disconnect(): Promise<void>
  createTopics(options: {
    waitForLeaders: boolean
    timeout: number
    topics: {
      topic: string
      numPartitions: number
      replicationFactor: number
      configEntries: { name: string; value: string }[]
    }[]
  }): Promise<boolean>
  deleteTopics(options: { topics: string[]; timeout: number }): Promise<void>
  describeConfigs(options: {
    includeSynonyms: boolean
    resources: { type: number; name: string }[]
  }): Promise<{
    resources: {
      errorCode: number
      errorMessage: string | null
      configEntries: { configName: string; configValue: string | null }[]
    }[]
  }>
}

interface RequestQueue {
  readonly pending: readonly unknown[]
  readonly throttledUntil: number
}

let repaired = false

/**
 * Keeps kafkajs's request queues from setting a timer that has nothing to do: idle ones cost 4 % of
 * a core for each connection, and their negative delay is a warning on newer releases of Node.
 */
function repairTimers(): void {
  if (repaired) return
  repaired = true
  const { prototype } = load('kafkajs/src/network/requestQueue') as {
    prototype: { scheduleCheckPendingRequests?: (this: RequestQueue) => void }
  }
  const schedule = prototype.scheduleCheckPendingRequests
  if (typeof schedule !== 'function')
    throw new ConfigError(`kafkajs has no request queue: reinstall ${testedVersion}`)
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this)
  }
}

/** kafkajs's number for topics among config resources. */
export const topicResource = 2

/** Settings of the admin client besides the brokers. */
export interface AdminSettings {
  readonly clientId: string
  readonly requestTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly logger: Logger
}

/** A kafkajs admin client, connected; it is disconnected after each use. */
export async function openAdmin(
  options: BrokerOptions,
  settings: AdminSettings,
): Promise<KafkajsAdmin> {
  checkVersion()
  const kafkajs = load('kafkajs') as {
    Kafka?: new (config: object) => { admin(config: object): KafkajsAdmin }
  }
  if (typeof kafkajs.Kafka !== 'function')
    throw new ConfigError(`kafkajs exports no Kafka: reinstall ${testedVersion}`)
  repairTimers()
  const say = settings.logger
  const admin = new kafkajs.Kafka({
    clientId: settings.clientId,
    brokers: typeof options.brokers === 'function' ? options.brokers : [...options.brokers],
    ssl: options.ssl,
    // A copy: kafkajs writes the mechanism's provider into it.
    sasl: options.sasl && { ...options.sasl },
    // The connection is short-lived: by default kafkajs authenticates sessions of up to ten seconds
    // again at once, which brokers refuse.
    reauthenticationThreshold: 1,
    requestTimeout: settings.requestTimeoutMs,
    connectionTimeout: settings.connectTimeoutMs,
    logCreator: () => (entry: { log: { message: string } }) =>
      say.debug({ source: 'kafkajs' }, entry.log.message),
  }).admin({ retry: { retries: 2 } })
  await admin.connect()
  return admin
}

interface KafkajsError {
  readonly name: string
  readonly message: string
  readonly type?: string
  readonly code?: number
  readonly errors?: readonly KafkajsError[]
  readonly cause?: KafkajsError
}

const authorizationTypes = /AUTHORIZATION_FAILED|SASL|SECURITY/

/** The codes of the answers in what kafkajs threw, one for each topic where it names topics. */
export const kafkajsCodes = (error: unknown): readonly number[] => {
  const e = error as KafkajsError
  if (e.errors?.length) return e.errors.flatMap((inner) => kafkajsCodes(inner))
  return [e.code ?? e.cause?.code ?? -1]
}

/** Translates what kafkajs threw into an error of the port. */
export function fromKafkajs(what: string, error: unknown): KafkaError {
  if (error instanceof KafkaError) return error
  const e = error as KafkajsError
  const first = e.errors?.[0] ?? e.cause ?? e
  const code = first.code ?? e.code ?? -1
  const kind =
    authorizationTypes.test(first.type ?? '') || e.name === 'KafkaJSSASLAuthenticationError'
      ? 'authorization'
      : code === -1 && e.name !== 'KafkaJSNonRetriableError'
        ? 'retriable'
        : 'fatal'
  return new KafkaError(`${what} failed: ${first.message}`, kind, code, { cause: error })
}
