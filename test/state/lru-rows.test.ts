// An LRU store behind a record cache: what the cache shows, what the store hears, and when.
import { describe, expect, it } from 'vitest'
import type { KeyValueStore } from '../../src/state/key-value-store.js'
import { lruStore, toSpec } from '../../src/state/stores.js'
import { MemoryDatabase } from '../../src/state/memory-database.js'
import { collect, StoreHarness, text, type HarnessOptions } from './store-harness.js'

const open = async (options: HarnessOptions = {}) => {
  const spec = toSpec(lruStore({ key: text, value: text, maxEntries: 2, caching: true }), 'lru')
  const harness = await StoreHarness.open(spec, new MemoryDatabase(), options)
  return { harness, store: harness.store.api as KeyValueStore<string, string> }
}

const put = (store: KeyValueStore<string, string>, ...keys: readonly string[]): void => {
  for (const key of keys) store.put(key, `${key}1`)
}

describe('an LRU store with a record cache', () => {
  it('goes on showing rows that were dropped; the changelog has them dropped', async () => {
    const { harness, store } = await open()
    put(store, 'a', 'b', 'c')
    await harness.at(7).commit()
    expect(harness.printed()).toEqual(['b=b1@0', 'a=∅@0', 'c=c1@0'])
    expect(store.get('a')).toBe('a1')
    expect(await collect(store.all())).toEqual([
      ['a', 'a1'],
      ['b', 'b1'],
      ['c', 'c1'],
    ])
    expect(store.approximateNumEntries()).toBe(2)
  })

  it('writes the last update of each key, in order of those, at the time of its record', async () => {
    const { harness, store } = await open()
    put(store, 'a')
    harness.at(3)
    put(store, 'b')
    harness.at(5)
    store.put('a', 'a2')
    expect(harness.store.heldBytes).toBeGreaterThan(0)
    await harness.at(9).commit()
    expect(harness.printed()).toEqual(['b=b1@3', 'a=a2@5'])
    expect(harness.store.heldBytes).toBe(0)
  })

  it('hides what was deleted before the store hears of it, and forgets it at the flush', async () => {
    const { harness, store } = await open()
    put(store, 'a', 'b')
    await harness.commit()
    expect(store.delete('a')).toBe('a1')
    expect(store.get('a')).toBeUndefined()
    expect(await collect(store.all())).toEqual([['b', 'b1']])
    expect(store.approximateNumEntries()).toBe(2)
    await harness.commit()
    expect(store.get('a')).toBeUndefined()
    expect(store.approximateNumEntries()).toBe(1)
  })

  it('does not renew a row that is read from the cache, only one that is read from the store', async () => {
    const { harness, store } = await open()
    harness.restore([
      { key: Buffer.from('a'), value: Buffer.from('a1'), timestampMs: 0, headers: [] },
      { key: Buffer.from('b'), value: Buffer.from('b1'), timestampMs: 0, headers: [] },
    ])
    expect(store.get('a')).toBe('a1')
    expect(store.get('b')).toBe('b1')
    expect(store.get('a')).toBe('a1')
    put(store, 'c')
    await harness.commit()
    expect(harness.printed()).toEqual(['a=∅@0', 'c=c1@0'])
  })

  it('has a cache that is bounded too, but keeps what the store does not have yet', async () => {
    const { harness, store } = await open({ cacheBytes: 250 })
    put(store, 'a', 'b', 'c', 'd')
    for (const key of ['a', 'b', 'c', 'd']) expect(store.get(key)).toBe(`${key}1`)
    await harness.commit()
    put(store, 'e')
    expect(store.get('a')).toBeUndefined()
    expect(store.get('b')).toBeUndefined()
    expect(store.get('d')).toBe('d1')
    expect(store.get('e')).toBe('e1')
  })

  it('is what was committed after an abort, and passes writes on where caches are off', async () => {
    const { harness, store } = await open()
    put(store, 'a')
    await harness.commit()
    put(store, 'b', 'c')
    await harness.store.flushCache()
    harness.abort()
    expect(await collect(store.all())).toEqual([['a', 'a1']])
    const { store: plain } = await open({ recordCaches: false })
    put(plain, 'a', 'b', 'c')
    expect(plain.get('a')).toBeUndefined()
  })

  it('shows queries what the cache shows', async () => {
    const { store, harness } = await open()
    put(store, 'a', 'b', 'c')
    await harness.commit()
    store.delete('b')
    const view = harness.store.view as { get(key: string): Promise<string | undefined> }
    expect(await Promise.all(['a', 'b', 'c', 'd'].map((key) => view.get(key)))).toEqual([
      'a1',
      undefined,
      'c1',
      undefined,
    ])
  })
})
