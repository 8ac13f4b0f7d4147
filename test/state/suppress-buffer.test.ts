// The buffer of suppress: order, size, changelog, and what an abort takes back.
import { describe, expect, it } from 'vitest'
import { noHeaders, type HeaderEntry } from '../../src/serde/record-headers.js'
import { string } from '../../src/serde/string-serde.js'
import { MemoryDatabase } from '../../src/state/memory-database.js'
import type { StoreContext } from '../../src/state/state-store.js'
import { SuppressBuffer } from '../../src/state/suppress-buffer.js'

const at = (timestampMs: number, headers: readonly HeaderEntry[] = noHeaders) => ({
  timestampMs,
  headers,
  metadata: { topic: 'in', partition: 0, offset: timestampMs },
})

function buffer() {
  const log: { key: Uint8Array; value: Uint8Array | null; headers: readonly HeaderEntry[] }[] = []
  const context: StoreContext = {
    taskId: '0_0',
    partition: 0,
    applicationId: 'app',
    directory: 'none',
    topic: 'app-hold-changelog',
    rows: new MemoryDatabase(),
    log: (key, value, _, headers = noHeaders) => void log.push({ key, value, headers }),
    record: () => at(0),
    drop: () => {},
    mayContinue: false,
    cacheBytes: 0,
    packedBytes: 0,
    recordCaches: false,
  }
  const store = new SuppressBuffer<string, string>('hold', string(), string(), context)
  const take = () => {
    const { front } = store
    store.removeFront()
    return front
  }
  const drain = () => {
    const values: string[] = []
    for (let next = take(); next !== undefined; next = take())
      values.push(`${next.key}=${next.newValue}`)
    return values
  }
  return { store, log, take, drain }
}

describe('the suppress buffer', () => {
  it('gives back by time, then by key bytes', () => {
    const { store, drain } = buffer()
    store.put(5, '😀', '1', null, at(5))
    store.put(5, 'ｆ', '2', null, at(5))
    store.put(300, 'a', '3', null, at(5))
    store.put(4, 'z', '4', null, at(5))
    expect(store.minTimeMs).toBe(4)
    expect(drain()).toEqual(['z=4', 'ｆ=2', '😀=1', 'a=3'])
    expect(store.minTimeMs).toBe(Infinity)
  })

  it('keeps place and prior value of a key, and the rest of its last update', () => {
    const { store, take } = buffer()
    store.put(1, 'a', 'x', 'before', at(1))
    store.put(9, 'a', 'y', 'x', at(9))
    expect(store.minTimeMs).toBe(1)
    expect(store.prior('a')).toEqual({ value: 'before' })
    expect(store.prior('b')).toBeUndefined()
    expect(store.front).toMatchObject({ newValue: 'y', oldValue: 'x', context: at(9) })
    expect(store.prior('a')).toEqual({ value: 'before' })
    take()
    expect(store.prior('a')).toBeUndefined()
  })

  it('counts bytes as Kafka Streams does', () => {
    const { store } = buffer()
    store.put(1, 'ab', 'xyz', null, at(1, [['h', Uint8Array.of(1, 2)]]))
    expect(store.bytes).toBe(8 + 2 + 3 + 20 + 2 + 3)
    store.put(1, 'ab', null, 'xyz', at(1))
    expect(store.bytes).toBe(8 + 2 + 3 + 20 + 2)
    store.removeFront()
    expect([store.bytes, store.records]).toEqual([0, 0])
  })

  it('logs each changed key once per commit, a tombstone for one that came and went', () => {
    const { store, log } = buffer()
    store.put(1, 'a', 'x', null, at(1))
    store.put(2, 'b', 'y', null, at(2))
    store.put(3, 'b', 'z', null, at(3))
    store.removeFront()
    store.writeChangelog()
    expect(log.map(({ key, value }) => [Buffer.from(key).toString(), value !== null])).toEqual([
      ['a', false],
      ['b', true],
    ])
    expect(log[0]!.headers).toEqual([])
    expect(log[1]!.headers).toEqual([['v', Uint8Array.of(3)]])
  })

  it('is restored from what it logged', () => {
    const first = buffer()
    first.store.put(7, 'a', 'x', 'w', at(1, [['h', null]]))
    first.store.put(9, 'a', 'y', 'w', at(2, [['h', null]]))
    first.store.writeChangelog()
    const second = buffer()
    second.store.restore(first.log.map((record) => ({ ...record, timestampMs: 0 })))
    expect(second.store.bytes).toBe(first.store.bytes)
    expect(second.store.minTimeMs).toBe(7)
    expect(second.store.prior('a')).toEqual({ value: 'w' })
    expect(second.take()).toEqual(first.take())
    second.store.writeChangelog()
    expect(second.log).toHaveLength(1)
  })

  it('refuses a changelog of another layout', () => {
    const { store } = buffer()
    const record = { key: Buffer.from('a'), value: Buffer.from('x'), timestampMs: 0, headers: [] }
    expect(() => store.restore([record])).toThrow('layout 0')
  })

  it('returns to the last commit when one is aborted', () => {
    const { store, log, drain } = buffer()
    store.put(1, 'a', 'x', null, at(1))
    store.put(2, 'b', 'x', null, at(1))
    store.writeChangelog()
    store.committed()
    log.length = 0
    store.put(3, 'b', 'y', 'x', at(3))
    store.put(3, 'c', 'y', null, at(3))
    store.removeFront()
    store.writeChangelog()
    store.aborted()
    expect(drain()).toEqual(['a=x', 'b=x'])
  })
})
