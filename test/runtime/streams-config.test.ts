// Every configuration key is checked, and a mistake names its remedy.
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/errors.js'
import { configKeys, resolveConfig, type StreamsConfig } from '../../src/runtime/streams-config.js'

const good = { applicationId: 'app', brokers: ['localhost:9092'] }
const withKeys = (some: object): StreamsConfig => ({ ...good, ...some }) as StreamsConfig

describe('resolveConfig', () => {
  it('fills in the defaults of Kafka Streams', () => {
    const config = resolveConfig(good)
    expect(config).toMatchObject({
      exactlyOnce: false,
      commitIntervalMs: 30_000,
      cacheMaxBytes: 10_485_760,
      maxTaskIdleMs: 0,
      stateDir: './state',
      replicationFactor: -1,
    })
    expect(
      resolveConfig(withKeys({ processingGuarantee: 'exactly_once_v2' })).commitIntervalMs,
    ).toBe(100)
  })

  it.each([
    ['comitIntervalMs', 'commitIntervalMs'],
    ['commit.interval.ms', 'commitIntervalMs'],
    ['application_id', 'applicationId'],
    ['bootstrapBrokers', 'brokers'],
    ['stateDirectory', 'stateDir'],
    ['max.request.size', 'maxRequestSize'],
    ['maxRequestBytes', 'maxRequestSize'],
  ])('suggests the nearest key for %s', (wrong, right) => {
    expect(() => resolveConfig(withKeys({ [wrong]: 1 }))).toThrow(`did you mean ${right}?`)
  })

  const wrongValues: Record<string, unknown> = {
    applicationId: 'two words',
    brokers: 'localhost:9092',
    ssl: 1,
    sasl: 'plain',
    transport: 'embedded',
    processingGuarantee: 'exactly_once',
    commitIntervalMs: -1,
    persistIntervalMs: '5s',
    persistBytes: 0.5,
    rowCacheBytes: -1,
    transactionTimeoutMs: 0,
    numStandbyReplicas: 1,
    numStreamThreads: 2,
    stateDir: '',
    stateCleanupDelayMs: -1,
    cacheMaxBytes: -5,
    maxTaskIdleMs: -2,
    sessionTimeoutMs: 0,
    startTimeoutMs: 0,
    closeTimeoutMs: -1,
    maxRequestSize: 0,
    deadLetterTopic: '',
    onOffsetLost: 'ignore',
    groupInstanceId: '',
    clientId: 5,
    replicationFactor: 0,
    topicConfig: { a: 1 },
    ensureExplicitInternalResourceNaming: 'yes',
    deserializationHandler: 'skip',
    processingHandler: 'retry',
    productionHandler: 'drop',
    logger: 'console',
  }

  it('has a wrong value for every key in this test', () => {
    expect(Object.keys(wrongValues).toSorted()).toEqual(Object.keys(configKeys).toSorted())
  })

  it.each(Object.entries(wrongValues))('refuses %s = %j and names both', (key, value) => {
    expect(() => resolveConfig(withKeys({ [key]: value }))).toThrow(ConfigError)
    expect(() => resolveConfig(withKeys({ [key]: value }))).toThrow(new RegExp(`^${key} must be`))
  })

  it('needs a log, and only one', () => {
    expect(() => resolveConfig({ applicationId: 'app' } as StreamsConfig)).toThrow(/embedded\(\)/)
    expect(() => resolveConfig(withKeys({ transport: { transport: 'embedded' } }))).toThrow(/both/)
  })

  it('refuses a commit interval that no transaction survives', () => {
    const slow = { processingGuarantee: 'exactly_once_v2', commitIntervalMs: 20_000 }
    expect(() => resolveConfig(withKeys(slow))).toThrow(/transactionTimeoutMs \(10000\)/)
    expect(() => resolveConfig(withKeys({ ...slow, transactionTimeoutMs: 60_000 }))).not.toThrow()
  })

  it("refuses 'deadLetter' without a topic", () => {
    expect(() => resolveConfig(withKeys({ processingHandler: 'deadLetter' }))).toThrow(
      /no deadLetterTopic/,
    )
  })

  it('never shows what may be a credential', () => {
    expect(() => resolveConfig(withKeys({ sasl: 'my-password' }))).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('my-password') as string }),
    )
  })
})
