// Groups: who owns what, who may commit, and who is told.
import { expect, it } from 'vitest'
import type { GroupMetadata } from '../../src/kafka/client.js'
import type { Fixture, TestMember } from './kafka-fixture.js'

const distinct = (...members: readonly TestMember[]): number =>
  new Set(members.flatMap((m) => m.owned)).size

export function groupCases(fixture: () => Fixture): void {
  it('gives a single member everything, with the user data for it', async () => {
    const f = fixture()
    const topic = await f.topic('in', 3)
    const a = f.member(f.client, f.name('group'), [topic])
    expect(a.member.metadata()).toBeUndefined()
    await f.until('assigned', () => a.owned.length === 3)
    await f.until('stable', () => !a.member.rebalancing)
    expect(a.events).toEqual([`assigned +${topic}-0 ${topic}-1 ${topic}-2`])
    expect(a.userData).toEqual([0])
    expect(a.member.metadata()).toMatchObject({ groupId: f.name('group'), instanceId: undefined })
    await f.during(a.member.close())
  })

  it('moves to a second member only what is its own then, and never has two owners', async () => {
    const f = fixture()
    const topic = await f.topic('in', 4)
    const group = f.name('group')
    const a = f.member(f.client, group, [topic])
    await f.until('a has all', () => a.owned.length === 4)
    const b = f.member(await f.log.another(), group, [topic])
    a.beforeRevoked = async () => {
      expect(b.owned).toEqual([])
    }
    await f.until('both have two', () => {
      expect(distinct(a, b)).toBe(a.owned.length + b.owned.length)
      return a.owned.length === 2 && b.owned.length === 2
    })
    // What stayed with a was never taken away from it.
    expect(a.events.filter((e) => e.startsWith('revoked'))).toHaveLength(1)
    expect(a.events.filter((e) => e.startsWith('lost'))).toHaveLength(0)
    await f.during(b.member.close())
    await f.until('a has all again', () => a.owned.length === 4)
    await f.during(a.member.close())
  })

  it('tells of a rebalance at its begin', async () => {
    const f = fixture()
    const topic = await f.topic('in', 2)
    const group = f.name('group')
    const a = f.member(f.client, group, [topic])
    await f.until('stable', () => a.owned.length === 2 && !a.member.rebalancing)
    const generation = a.member.metadata()!.generationId
    // The application may finish a commit with the old generation.
    a.beforeRejoin = () => a.member.commit([{ topic, partition: 0, offset: 3, metadata: '' }])
    a.member.rejoin()
    await f.until(
      'a later generation',
      () => !a.member.rebalancing && (a.member.metadata()?.generationId ?? 0) > generation,
    )
    expect(a.owned).toHaveLength(2)
    expect(a.events.slice(-2)).toEqual(['rebalance', 'assigned +'])
    await f.during(a.member.close())
  })

  it('lets a member commit what it gives back, before others get it', async () => {
    const f = fixture()
    const topic = await f.topic('in', 2)
    const group = f.name('group')
    const a = f.member(f.client, group, [topic])
    await f.until('a has all', () => a.owned.length === 2)
    a.beforeRevoked = () =>
      a.member.commit([
        { topic, partition: 0, offset: 11, metadata: '' },
        { topic, partition: 1, offset: 12, metadata: '' },
      ])
    const b = f.member(await f.log.another(), group, [topic])
    await f.until('b has one', () => b.owned.length === 1)
    const committed = await f.during(
      b.member.committed([
        { topic, partition: 0 },
        { topic, partition: 1 },
      ]),
    )
    expect([...committed.values()].map((c) => c.offset).sort((x, y) => x - y)).toEqual([11, 12])
    await f.during(a.member.close())
    await f.during(b.member.close())
  })

  it('keeps committed offsets with their metadata, and says nothing of others', async () => {
    const f = fixture()
    const topic = await f.topic('in', 2)
    const group = f.name('group')
    const a = f.member(f.client, group, [topic])
    await f.until('assigned', () => a.owned.length === 2 && !a.member.rebalancing)
    await f.during(a.member.commit([{ topic, partition: 1, offset: 7, metadata: 'seven' }]))
    const both = [0, 1].map((partition) => ({ topic, partition }))
    const expected = new Map([[`${topic}-1`, { offset: 7, metadata: 'seven' }]])
    expect(await f.during(a.member.committed(both))).toEqual(expected)
    expect(await f.during(f.client.admin.committed(group, both))).toEqual(expected)
    expect((await f.client.admin.committed(f.name('no such group'), both)).size).toBe(0)
    await f.during(a.member.close())
  })

  it('fences commits of an older generation, in and outside transactions', async () => {
    const f = fixture()
    const topic = await f.topic('in', 2)
    const group = f.name('group')
    const a = f.member(f.client, group, [topic])
    await f.until('assigned', () => a.owned.length === 2 && !a.member.rebalancing)
    const stale = a.member.metadata()!
    const b = f.member(await f.log.another(), group, [topic])
    await f.until('shared', () => b.owned.length === 1 && !a.member.rebalancing)
    const offsets = [{ topic, partition: 0, offset: 1, metadata: '' }]
    const producer = f.client.transactionalProducer({
      transactionalId: f.name('tx'),
      transactionTimeoutMs: 60_000,
    })
    await f.during(producer.init())
    const attempt = async (metadata: GroupMetadata): Promise<void> => {
      producer.begin()
      await producer.sendOffsets(offsets, metadata)
      await producer.commit()
    }
    await f.during(attempt(a.member.metadata()!))
    await expect(f.during(attempt(stale))).rejects.toMatchObject({ kind: 'fenced' })
    await producer.close()
    const closing = b.member
    await f.during(closing.close())
    await expect(f.during(closing.commit(offsets))).rejects.toMatchObject({ kind: 'fenced' })
    await f.during(a.member.close())
  })

  it('takes everything from a member that is too slow to join again, and tells it', async () => {
    const f = fixture()
    const topic = await f.topic('in', 2)
    const group = f.name('group')
    const a = f.member(f.client, group, [topic], { rebalanceTimeoutMs: 1_500 })
    await f.until('a has all', () => a.owned.length === 2)
    let release = (): void => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    a.beforeRevoked = () => held
    const b = f.member(await f.log.another(), group, [topic], { rebalanceTimeoutMs: 1_500 })
    // b asks again until a has given something back; a, held up, does not answer in time.
    await f.until('b has all', () => b.owned.length === 2 || (b.member.rejoin(), false), 60_000)
    a.beforeRevoked = async () => {}
    release()
    await f.until('a is told', () => a.events.some((e) => e.startsWith('lost')))
    await f.until('both have one', () => a.owned.length === 1 && b.owned.length === 1)
    await f.during(a.member.close())
    await f.during(b.member.close())
  })

  it('gives a static member that restarts what it had, without a rebalance', async () => {
    const f = fixture()
    const topic = await f.topic('in', 4)
    const group = f.name('group')
    const a = f.member(f.client, group, [topic], { instanceId: 'a' })
    const b = f.member(await f.log.another(), group, [topic], { instanceId: 'b' })
    await f.until(
      'shared',
      () =>
        a.owned.length === 2 &&
        b.owned.length === 2 &&
        !a.member.rebalancing &&
        !b.member.rebalancing,
    )
    const before = b.owned
    const generation = a.member.metadata()!.generationId
    await f.during(b.member.close())
    const again = f.member(await f.log.another(), group, [topic], { instanceId: 'b' })
    await f.until('b is back', () => again.owned.length === 2)
    expect(again.owned).toEqual(before)
    expect(a.member.metadata()!.generationId).toBe(generation)
    expect(a.member.rebalancing).toBe(false)
    await f.during(a.member.close())
    await f.during(again.member.close())
  })

  it('fences the old process of a static member', async () => {
    const f = fixture()
    const topic = await f.topic('in', 2)
    const group = f.name('group')
    const old = f.member(f.client, group, [topic], { instanceId: 'a' })
    await f.until('assigned', () => old.owned.length === 2 && !old.member.rebalancing)
    const metadata = old.member.metadata()!
    const young = f.member(await f.log.another(), group, [topic], { instanceId: 'a' })
    await f.until('taken over', () => young.owned.length === 2)
    const producer = f.client.transactionalProducer({
      transactionalId: f.name('tx'),
      transactionTimeoutMs: 60_000,
    })
    await f.during(producer.init())
    producer.begin()
    await expect(
      f.during(producer.sendOffsets([{ topic, partition: 0, offset: 1, metadata: '' }], metadata)),
    ).rejects.toMatchObject({ kind: 'fenced' })
    await producer.close()
    // It does not join again, which would fence the other one in turn.
    await f.until('told', () => old.errors.length === 1)
    expect(old.events.some((e) => e.startsWith('lost'))).toBe(true)
    await f.during(old.member.close())
    await f.during(young.member.close())
  })

  it('tells the member whose assignor fails, and serves the others', async () => {
    const f = fixture()
    const topic = await f.topic('in', 1)
    const group = f.name('group')
    const failing = f.member(f.client, group, [topic], {
      assignor: {
        name: 'round-robin-test',
        userData: () => new Uint8Array(0),
        assign: () => Promise.reject(new Error('no such plan')),
      },
    })
    await f.until('told', () => failing.errors.length === 1)
    expect(String(failing.errors[0])).toContain('no such plan')
    await f.during(failing.member.close())
    const other = f.member(await f.log.another(), group, [topic])
    await f.until('served', () => other.owned.length === 1, 30_000)
    await f.during(other.member.close())
  })
}
