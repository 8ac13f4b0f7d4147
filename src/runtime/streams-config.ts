// The configuration: one table of keys with unit, default and check. Names are Kafka Streams' in
// camelCase; only `brokers`, `ssl` and `sasl` keep the form of kafkajs.
import { ConfigError, type StreamsError } from '../errors.js'
import { consoleLogger, type Logger } from '../logger.js'
import type { Transport } from '../kafka/transport.js'
import type { HandlerAnswer } from './error-handlers.js'
import { unknownKey } from './unknown-key.js'

/** What every application may configure, whatever log it runs on. */
export interface CommonConfig {
  /** The group id, and the prefix of internal topics and the state folder. */
  readonly applicationId: string
  /** Default `at_least_once`. */
  readonly processingGuarantee?: 'at_least_once' | 'exactly_once_v2' | undefined
  /** Default 30,000; with `exactly_once_v2` 100. */
  readonly commitIntervalMs?: number | undefined
  /** How often committed rows are written to the disk, default 5,000. */
  readonly persistIntervalMs?: number | undefined
  /** The same by the bytes that wait, default 67,108,864. */
  readonly persistBytes?: number | undefined
  /** Rows that each store of a task keeps as bytes, so as not to ask LevelDB, default 134,217,728. */
  readonly rowCacheBytes?: number | undefined
  /** Default 10,000. The log aborts a transaction that is open for longer. */
  readonly transactionTimeoutMs?: number | undefined
  /** Only 0 in this version. */
  readonly numStandbyReplicas?: number | undefined
  /** Only 1 in this version. */
  readonly numStreamThreads?: number | undefined
  /** Default `./state`. */
  readonly stateDir?: string | undefined
  /** How long the folder of a task that moved away is kept, default 600,000. */
  readonly stateCleanupDelayMs?: number | undefined
  /** Bytes of record caches, default 10,485,760; 0 turns them off. */
  readonly cacheMaxBytes?: number | undefined
  /** How long an empty partition is waited for, default 0; -1: not at all. */
  readonly maxTaskIdleMs?: number | undefined
  /** Default 45,000. */
  readonly sessionTimeoutMs?: number | undefined
  /** Default: for ever. */
  readonly startTimeoutMs?: number | undefined
  /** Default 20,000. */
  readonly closeTimeoutMs?: number | undefined
  /** Bytes that a record may have, default 1,048,576; its topic's `max.message.bytes` must allow it. */
  readonly maxRequestSize?: number | undefined
  /** Where records go that a handler answers `deadLetter` for; it makes that the default of two handlers. */
  readonly deadLetterTopic?: string | undefined
  /** What to do when committed offsets or a changelog are lost, default `fail`. */
  readonly onOffsetLost?: 'fail' | 'reset' | undefined
  /** Makes this a static member of the group. */
  readonly groupInstanceId?: string | undefined
  /** What brokers see; default: the application id. */
  readonly clientId?: string | undefined
  /** Of internal topics, default -1: the log's default. */
  readonly replicationFactor?: number | undefined
  /** Topic configs of internal topics. */
  readonly topicConfig?: Readonly<Record<string, string>> | undefined
  /** Refuses generated names of internal topics, default false. */
  readonly ensureExplicitInternalResourceNaming?: boolean | undefined
  /** Bytes that a serde refuses. Default `fail`; with `deadLetterTopic` `deadLetter`. */
  readonly deserializationHandler?:
    HandlerAnswer | ((error: StreamsError) => HandlerAnswer) | undefined
  /** Callbacks and processors that throw. Default `fail`; with `deadLetterTopic` `deadLetter`. */
  readonly processingHandler?: HandlerAnswer | ((error: StreamsError) => HandlerAnswer) | undefined
  /** Records that cannot be written. Default `fail`. */
  readonly productionHandler?:
    HandlerAnswer | 'retry' | ((error: StreamsError) => HandlerAnswer | 'retry') | undefined
  /** Where log lines go, default: warnings and errors to stderr. pino and the console fit. */
  readonly logger?: Logger | undefined
}

/** A configuration: on Kafka by `brokers`, else on a `transport` such as `embedded()`. */
export type StreamsConfig = CommonConfig &
  (
    | {
        readonly brokers: readonly string[]
        readonly transport?: undefined
        readonly ssl?: boolean | object | undefined
        readonly sasl?: object | undefined
      }
    | { readonly transport: Transport; readonly brokers?: undefined }
  )

type Check = (value: unknown) => string | undefined

interface Key {
  readonly unit: string
  /** As text, for the documentation. */
  readonly default: string
  readonly check: Check
}

const text: Check = (v) =>
  typeof v === 'string' && v !== '' ? undefined : 'a text that is not empty'
const flag: Check = (v) => (typeof v === 'boolean' ? undefined : 'true or false')
const whole =
  (from: number): Check =>
  (v) =>
    typeof v === 'number' && (Number.isSafeInteger(v) || v === Infinity) && v >= from
      ? undefined
      : `a whole number of at least ${from}`
const only =
  (value: number, why: string): Check =>
  (v) =>
    v === value ? undefined : `${value} (${why})`
const choice =
  (...values: string[]): Check =>
  (v) =>
    values.includes(v as string) ? undefined : values.map((c) => `'${c}'`).join(' or ')
const handler =
  (...values: string[]): Check =>
  (v) =>
    typeof v === 'function'
      ? undefined
      : choice(...values)(v) && `${choice(...values)(v)} or a function`
const texts: Check = (v) =>
  typeof v === 'object' && v !== null && Object.values(v).every((x) => typeof x === 'string')
    ? undefined
    : 'an object of texts, such as { "min.insync.replicas": "2" }'
const brokerList: Check = (v) =>
  Array.isArray(v) && v.length > 0 && v.every((b) => typeof b === 'string' && /^.+:\d+$/.test(b))
    ? undefined
    : "a list such as ['localhost:9092']"
const object: Check = (v) => (typeof v === 'object' && v !== null ? undefined : 'an object')
/** Group ids and topic names allow these characters. */
const identifier: Check = (v) =>
  typeof v === 'string' && /^[a-zA-Z0-9._-]{1,200}$/.test(v)
    ? undefined
    : 'a text of letters, digits, dots, dashes and underscores, since topic names begin with it'

/** Every key: unit, default, and what it must be. */
export const configKeys: Readonly<Record<string, Key>> = {
  applicationId: { unit: 'text', default: 'required', check: identifier },
  brokers: { unit: 'list of host:port', default: 'this or transport', check: brokerList },
  ssl: {
    unit: 'as kafkajs',
    default: 'none',
    check: (v) => (typeof v === 'boolean' ? undefined : object(v) && 'true, false or an object'),
  },
  sasl: { unit: 'as kafkajs', default: 'none', check: object },
  transport: {
    unit: 'a log',
    default: 'this or brokers',
    check: (v) => (object(v) === undefined ? undefined : 'a transport such as embedded()'),
  },
  processingGuarantee: {
    unit: 'choice',
    default: 'at_least_once',
    check: choice('at_least_once', 'exactly_once_v2'),
  },
  commitIntervalMs: { unit: 'ms', default: '30000; exactly once: 100', check: whole(0) },
  persistIntervalMs: { unit: 'ms', default: '5000', check: whole(0) },
  persistBytes: { unit: 'bytes', default: '67108864', check: whole(0) },
  rowCacheBytes: { unit: 'bytes', default: '134217728', check: whole(0) },
  transactionTimeoutMs: { unit: 'ms', default: '10000', check: whole(1) },
  numStandbyReplicas: {
    unit: 'count',
    default: '0',
    check: only(0, 'standbys are not available in this version'),
  },
  numStreamThreads: {
    unit: 'count',
    default: '1',
    check: only(1, 'start more processes instead; threads are not available in this version'),
  },
  stateDir: { unit: 'path', default: './state', check: text },
  stateCleanupDelayMs: { unit: 'ms', default: '600000', check: whole(0) },
  cacheMaxBytes: { unit: 'bytes', default: '10485760', check: whole(0) },
  maxTaskIdleMs: { unit: 'ms', default: '0', check: whole(-1) },
  sessionTimeoutMs: { unit: 'ms', default: '45000', check: whole(1) },
  startTimeoutMs: { unit: 'ms', default: 'for ever', check: whole(1) },
  closeTimeoutMs: { unit: 'ms', default: '20000', check: whole(0) },
  maxRequestSize: { unit: 'bytes', default: '1048576', check: whole(1) },
  deadLetterTopic: { unit: 'topic', default: 'none', check: text },
  onOffsetLost: { unit: 'choice', default: 'fail', check: choice('fail', 'reset') },
  groupInstanceId: { unit: 'text', default: 'none', check: text },
  clientId: { unit: 'text', default: 'the application id', check: text },
  replicationFactor: {
    unit: 'count',
    default: '-1',
    check: (v) =>
      v === -1 ? undefined : whole(1)(v) && '-1 (the default of the log) or at least 1',
  },
  topicConfig: { unit: 'topic configs', default: 'none', check: texts },
  ensureExplicitInternalResourceNaming: { unit: 'flag', default: 'false', check: flag },
  deserializationHandler: {
    unit: 'answer or function',
    default: "'fail'; with deadLetterTopic 'deadLetter'",
    check: handler('fail', 'continue', 'deadLetter'),
  },
  processingHandler: {
    unit: 'answer or function',
    default: "'fail'; with deadLetterTopic 'deadLetter'",
    check: handler('fail', 'continue', 'deadLetter'),
  },
  productionHandler: {
    unit: 'answer or function',
    default: "'fail'",
    check: handler('fail', 'continue', 'deadLetter', 'retry'),
  },
  logger: { unit: 'logger', default: 'warnings to stderr', check: object },
}

/** A configuration with every default filled in. */
export interface ResolvedConfig {
  readonly given: StreamsConfig
  readonly applicationId: string
  readonly exactlyOnce: boolean
  readonly commitIntervalMs: number
  readonly persistIntervalMs: number
  readonly persistBytes: number
  readonly rowCacheBytes: number
  readonly transactionTimeoutMs: number
  readonly stateDir: string
  readonly stateCleanupDelayMs: number
  readonly cacheMaxBytes: number
  readonly maxTaskIdleMs: number
  readonly sessionTimeoutMs: number
  readonly startTimeoutMs: number
  readonly closeTimeoutMs: number
  readonly maxRequestSize: number
  readonly deadLetterTopic: string | undefined
  readonly onOffsetLost: 'fail' | 'reset'
  readonly groupInstanceId: string | undefined
  readonly clientId: string
  readonly replicationFactor: number
  readonly topicConfig: Readonly<Record<string, string>>
  readonly ensureExplicitNames: boolean
  readonly logger: Logger
}

/**
 * Checks a configuration and fills in defaults. A test driver leaves the log out.
 * @throws ConfigError that names the key, its value and the remedy
 */
export function resolveConfig(
  given: StreamsConfig,
  options: { readonly needsLog: boolean } = { needsLog: true },
): ResolvedConfig {
  if (typeof given !== 'object' || given === null)
    throw new ConfigError('the configuration must be an object')
  for (const [name, value] of Object.entries(given)) {
    const key = Object.hasOwn(configKeys, name) ? configKeys[name] : undefined
    if (key === undefined) throw new ConfigError(unknownKey(name, Object.keys(configKeys)))
    if (value === undefined) continue
    const expected = key.check(value)
    if (expected !== undefined)
      throw new ConfigError(`${name} must be ${expected}, not ${shown(name, value)}`)
  }
  if (given.applicationId === undefined)
    throw new ConfigError(
      'applicationId is missing; it names the group, the internal topics and the state',
    )
  if (options.needsLog) checkLog(given)
  const exactlyOnce = given.processingGuarantee === 'exactly_once_v2'
  const transactionTimeoutMs = given.transactionTimeoutMs ?? 10_000
  const commitIntervalMs = given.commitIntervalMs ?? (exactlyOnce ? 100 : 30_000)
  if (exactlyOnce && commitIntervalMs >= transactionTimeoutMs)
    throw new ConfigError(
      `commitIntervalMs (${commitIntervalMs}) must be below transactionTimeoutMs (${transactionTimeoutMs}), or the log aborts every transaction before it is committed`,
    )
  for (const name of ['deserializationHandler', 'processingHandler', 'productionHandler'] as const)
    if (given[name] === 'deadLetter' && given.deadLetterTopic === undefined)
      throw new ConfigError(`${name} is 'deadLetter', but no deadLetterTopic is given`)
  return {
    given,
    applicationId: given.applicationId,
    exactlyOnce,
    commitIntervalMs,
    persistIntervalMs: given.persistIntervalMs ?? 5_000,
    persistBytes: given.persistBytes ?? 64 * 2 ** 20,
    rowCacheBytes: given.rowCacheBytes ?? 128 * 2 ** 20,
    transactionTimeoutMs,
    stateDir: given.stateDir ?? './state',
    stateCleanupDelayMs: given.stateCleanupDelayMs ?? 600_000,
    cacheMaxBytes: given.cacheMaxBytes ?? 10 * 2 ** 20,
    maxTaskIdleMs: given.maxTaskIdleMs ?? 0,
    sessionTimeoutMs: given.sessionTimeoutMs ?? 45_000,
    startTimeoutMs: given.startTimeoutMs ?? Infinity,
    closeTimeoutMs: given.closeTimeoutMs ?? 20_000,
    maxRequestSize: given.maxRequestSize ?? 2 ** 20,
    deadLetterTopic: given.deadLetterTopic,
    onOffsetLost: given.onOffsetLost ?? 'fail',
    groupInstanceId: given.groupInstanceId,
    clientId: given.clientId ?? given.applicationId,
    replicationFactor: given.replicationFactor ?? -1,
    topicConfig: given.topicConfig ?? {},
    ensureExplicitNames: given.ensureExplicitInternalResourceNaming ?? false,
    logger: given.logger ?? consoleLogger(),
  }
}

function checkLog(given: StreamsConfig): void {
  if (given.brokers === undefined && given.transport === undefined)
    throw new ConfigError(
      "brokers is missing: give brokers: ['localhost:9092'], or transport: embedded() to run without Kafka",
    )
  if (given.brokers !== undefined && given.transport !== undefined)
    throw new ConfigError('give either brokers or a transport, not both')
  const { ssl, sasl } = given as { ssl?: unknown; sasl?: unknown }
  if (given.transport !== undefined && (ssl !== undefined || sasl !== undefined))
    throw new ConfigError(
      `${ssl !== undefined ? 'ssl' : 'sasl'} belongs to brokers; a transport takes none`,
    )
}

/** Values that may hold credentials are not shown. */
const shown = (name: string, value: unknown): string =>
  name === 'sasl' || name === 'ssl' || (typeof value === 'object' && value !== null)
    ? `this ${Array.isArray(value) ? 'list' : typeof value}`
    : (JSON.stringify(value) ?? String(value))
