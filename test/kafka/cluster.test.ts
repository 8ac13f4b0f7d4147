// Metadata, coordinators and connections by role, against scripted brokers.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { VirtualClock } from '../../src/clock.js'
import { Cluster, parseAddress } from '../../src/kafka/cluster.js'
import { findCoordinator } from '../../src/kafka/protocol/messages/find-coordinator.js'
import { joinGroup } from '../../src/kafka/protocol/messages/join-group.js'
import { metadata } from '../../src/kafka/protocol/messages/metadata.js'
import type { Logger } from '../../src/logger.js'
import { during, FakeBroker, quiet, until } from './fake-broker.js'

let clock: VirtualClock
let broker: FakeBroker
let cluster: Cluster
let warnings: string[]

const clusterOf = (brokers: readonly string[]): Cluster => {
  const logger: Logger = {
    debug() {},
    info: (_, message) => warnings.push(message),
    warn: (_, message) => warnings.push(message),
    error() {},
  }
  return new Cluster(
    { brokers },
    {
      clientId: 'tester',
      tls: undefined,
      sasl: undefined,
      clock,
      logger,
      requestTimeoutMs: 1000,
      connectTimeoutMs: 1000,
    },
  )
}

beforeEach(async () => {
  clock = new VirtualClock(1000)
  warnings = []
  broker = await FakeBroker.start()
  cluster = clusterOf([broker.address])
})

afterEach(async () => {
  cluster.close()
  await broker.close()
})

describe('metadata', () => {
  it('of the topics asked in one turn come with one request', async () => {
    broker.topic('a')
    broker.topic('b', 2)
    await Promise.all([cluster.refresh(['a']), cluster.refresh(['b', 'a'])])
    expect(broker.requests(metadata).map((r) => r.topics?.map((t) => t.name))).toEqual([['a', 'b']])
    expect(cluster.leader('b', 1)).toEqual({ leader: 1, leaderEpoch: 0 })
    expect(cluster.leader('b', 2)).toBeUndefined()
  })

  it('that are under way serve only those who ask for the same topic', async () => {
    broker.topic('a')
    broker.topic('b')
    const first = cluster.refresh(['a'])
    await until('the first request', () => broker.requests(metadata).length === 1)
    broker.once(metadata, () => 'close')
    const same = cluster.refresh(['a'])
    await Promise.all([first, same])
    expect(broker.requests(metadata)).toHaveLength(1)
    await expect(cluster.refresh(['b'])).rejects.toMatchObject({ kind: 'retriable' })
    expect(cluster.topic('b')).toBeUndefined()
  })

  it('of an older leader do not replace those of a newer one', async () => {
    broker.topic('a')
    broker.leaders.set('a', [{ leader: 1, epoch: 5 }])
    await cluster.refresh(['a'])
    broker.leaders.set('a', [{ leader: 2, epoch: 4 }])
    await cluster.refresh(['a'])
    expect(cluster.leader('a', 0)).toEqual({ leader: 1, leaderEpoch: 5 })
  })

  it('are asked for again once a leader is forgotten', async () => {
    broker.topic('a')
    await cluster.refresh(['a'])
    cluster.forgetLeader('a', 0)
    expect(cluster.leader('a', 0)).toBeUndefined()
    await cluster.refresh(['a'])
    expect(cluster.leader('a', 0)).toEqual({ leader: 1, leaderEpoch: 0 })
  })

  it('come from another broker when the first is away', async () => {
    const gone = await FakeBroker.start({ nodeId: 9 })
    const { address } = gone
    await gone.close()
    cluster.close()
    cluster = clusterOf([address, broker.address])
    broker.topic('a')
    await cluster.refresh(['a'])
    expect(cluster.leader('a', 0)?.leader).toBe(1)
  })
})

describe('connections', () => {
  it('are one for each role, so that a held request blocks nobody else', async () => {
    broker.topic('a')
    await cluster.refresh(['a'])
    let release = (): void => {}
    broker.on(joinGroup, async () => {
      await new Promise<void>((resolve) => (release = resolve))
      return { errorCode: 27 }
    })
    const held = cluster.send(
      1,
      'group-0',
      joinGroup,
      { groupId: 'g', sessionTimeoutMs: 1, memberId: '', protocolType: 'consumer', protocols: [] },
      { waitMs: 60_000 },
    )
    await until('the join', () => broker.requests(joinGroup).length === 1)
    await cluster.send(1, 'group-1', metadata, { topics: null })
    await cluster.send(1, 'control', metadata, { topics: null })
    release()
    await held
    expect(new Set(broker.seen.map((s) => s.connection)).size).toBe(3)
  })

  it('that the first metadata came over are kept for their broker', async () => {
    broker.topic('a')
    await cluster.refresh(['a'])
    await cluster.send(1, 'control', metadata, { topics: null })
    expect(broker.connections).toBe(1)
  })

  it('that ended are opened anew, after a back-off', async () => {
    broker.topic('a')
    await cluster.refresh(['a'])
    const connection = await cluster.connection(1, 'control')
    broker.disconnect(0)
    await until('the end is noticed', () => connection.closed)
    expect(cluster.open(1, 'control')).toBeUndefined()
    const again = cluster.connection(1, 'control')
    await quiet()
    expect(broker.connections).toBe(1)
    expect((await during(clock, again)).closed).toBe(false)
    expect(broker.connections).toBe(2)
  })

  it('are shared by those who ask while one is being opened', async () => {
    broker.topic('a')
    await cluster.refresh(['a'])
    const both = await Promise.all([
      cluster.connection(1, 'fetch-0'),
      cluster.connection(1, 'fetch-0'),
    ])
    expect(both[0]).toBe(both[1])
  })

  it('that are just being opened are closed with the cluster', async () => {
    broker.topic('a')
    await cluster.refresh(['a'])
    const opening = cluster.connection(1, 'fetch-0')
    cluster.close()
    await expect(opening).rejects.toThrow('closed')
  })

  it('of a role that is given up reject what is in flight', async () => {
    broker.topic('a')
    await cluster.refresh(['a'])
    broker.on(metadata, () => 'silence')
    const held = cluster.send(1, 'fetch-3', metadata, { topics: null })
    await until('the request', () => broker.requests(metadata).length === 2)
    cluster.closeRole('fetch-3')
    await expect(held).rejects.toMatchObject({ kind: 'retriable' })
    expect(cluster.open(1, 'control')).toBeDefined()
  })
})

describe('a cluster that is away', () => {
  it('is said every ten seconds, and when it is back', async () => {
    const { port } = broker
    await broker.close()
    for (let n = 0; n < 40; n++) {
      await during(
        clock,
        cluster.refresh(['a']).catch(() => {}),
        50,
      )
      clock.advance(450)
    }
    const away = warnings.filter((w) => w.includes('no broker can be reached')).length
    const seconds = (clock.nowMs() - 1000) / 1000
    expect(away).toBeGreaterThanOrEqual(Math.floor(seconds / 10))
    expect(away).toBeLessThanOrEqual(Math.ceil(seconds / 10) + 1)
    expect(port).toBeGreaterThan(0)
    broker = await FakeBroker.start()
  })
})

describe('coordinators', () => {
  it('are looked up once until they are forgotten', async () => {
    await Promise.all([cluster.coordinator('group', 'g'), cluster.coordinator('group', 'g')])
    await cluster.coordinator('transaction', 'g')
    expect(broker.requests(findCoordinator).map((r) => r.keyType)).toEqual([0, 1])
    cluster.forgetCoordinator('group', 'g')
    await cluster.coordinator('group', 'g')
    expect(broker.requests(findCoordinator)).toHaveLength(3)
  })

  it('are looked up again after a failure', async () => {
    broker.once(findCoordinator, () => ({ errorCode: 15 }))
    await expect(cluster.coordinator('group', 'g')).rejects.toMatchObject({ errorCode: 15 })
    expect(await cluster.coordinator('group', 'g')).toBe(1)
  })

  it('of a group that one may not use are an authorization error that names it', async () => {
    broker.on(findCoordinator, () => ({ errorCode: 30 }))
    await expect(cluster.coordinator('group', 'secret-group')).rejects.toMatchObject({
      kind: 'authorization',
      message: expect.stringContaining('group secret-group') as string,
    })
  })
})

describe('addresses', () => {
  it.each([
    ['localhost:9092', 'localhost', 9092],
    ['[::1]:1', '::1', 1],
  ])('%s', (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port })
  })

  it.each(['localhost', '', 'a:b', 'http://x:1', 'a:'])('refuses %s', (text) => {
    expect(() => parseAddress(text)).toThrow('host:port')
  })
})
