// Key-value rows that stay bytes between commits: what a model of single writes does not reach.
import { describe, expect, it } from 'vitest'
import type { KeyValueRows } from '../../src/state/key-value-rows.js'
import { keyValueSpec } from '../../src/state/specs.js'
import { long, string } from '../../src/serde/serdes.js'
import type { Serde } from '../../src/serde/serde.js'
import { object, StoreHarness } from './store-harness.js'

type Forwarded = [key: string, value: unknown, old: unknown]

/** A cached store whose rows of keys a to d are dirty and bytes; `onForward` runs inside a flush. */
const crowded = async <V>(value: Serde<V>, first: V, onForward?: (key: string) => void) => {
  const spec = keyValueSpec({
    name: 'st',
    key: string(),
    value,
    engine: 'leveldb',
    timestamped: true,
    caching: true,
  })
  const h = await StoreHarness.open<KeyValueRows<string, V>>(spec)
  await h.store.restored()
  const forwarded: Forwarded[] = []
  h.store.onFlush(
    (key, now, old) => {
      forwarded.push([key, now, old])
      onForward?.(key)
    },
    { oldValues: true },
  )
  for (const key of 'abcd') h.at(1).store.write(key, first, 1)
  await h.store.flushCache()
  forwarded.splice(0)
  h.store.compact()
  return { h, forwarded }
}

describe('rows that stay bytes', () => {
  it('take less room than live ones, and are logged once', async () => {
    const { h } = await crowded(long(), 1)
    const before = h.store.dirtyBytes
    for (let n = 2; n < 50; n++) h.at(n).store.write('a', n, n)
    expect(h.store.dirtyBytes).toBe(before)
    expect(before).toBeLessThan(4 * 100)
    await h.commit()
    expect(h.changelog.map((r) => String(Buffer.from(r.key))).sort()).toEqual(['a', 'b', 'c', 'd'])
    expect(h.changelog.find((r) => String(Buffer.from(r.key)) === 'a')!.timestampMs).toBe(49)
  })

  it('are forwarded once per flush, with the value before', async () => {
    const { h, forwarded } = await crowded(long(), 1)
    h.at(2).store.write('b', 2, 2)
    h.at(3).store.write('a', 3, 3)
    h.at(4).store.write('b', 4, 4)
    await h.store.flushCache()
    expect(forwarded).toEqual([
      ['a', 3, 1],
      ['b', 4, 1],
    ])
  })

  it('wait anew when their own flush changes them', async () => {
    let change: (() => void) | undefined
    const { h, forwarded } = await crowded(long(), 1, () => {
      change?.()
      change = undefined
    })
    change = () => h.store.write('a', 20, 5)
    h.at(2).store.write('a', 10, 2)
    await h.store.flushCache()
    expect(forwarded).toEqual([
      ['a', 10, 1],
      ['a', 20, 10],
    ])
  })

  it('wait on over a commit that did not flush them, and are still forwarded once', async () => {
    const { h, forwarded } = await crowded(long(), 1)
    h.at(2).store.write('a', 2, 2)
    h.store.writeChangelog()
    h.endTransaction()
    h.at(3).store.write('a', 3, 3)
    await h.store.flushCache()
    expect(forwarded).toEqual([['a', 3, 1]])
  })

  it('become live with what waits when they are deleted', async () => {
    const { h, forwarded } = await crowded(long(), 1)
    h.at(2).store.write('a', 2, 2)
    h.at(3).store.write('a', null, 3)
    expect(h.store.row('a')).toBeUndefined()
    await h.commit()
    expect(forwarded).toEqual([['a', null, 1]])
    expect(h.printed()).toContain('a=∅@3')
    expect(h.printed()).toHaveLength(4)
  })

  it('wait as they were written, whatever a callback that throws does to the object', async () => {
    const { h, forwarded } = await crowded(object<{ n: number }>(), { n: 1 })
    h.at(2).store.write('a', { n: 2 }, 2)
    const row = h.store.row('a')!
    h.store.protect(row)
    row.value.n = -1
    h.store.undo(row)
    expect(h.store.row('a')?.value).toEqual({ n: 2 })
    await h.store.flushCache()
    expect(forwarded).toEqual([['a', { n: 2 }, { n: 1 }]])
  })

  it('give who reads them an object of their own', async () => {
    const { h } = await crowded(object<{ n: number }>(), { n: 1 })
    const read = h.store.api.get('a') as { value: { n: number } }
    read.value.n = -1
    expect(h.store.row('a')?.value).toEqual({ n: 1 })
    expect(h.store.api.get('a')).toEqual({ value: { n: 1 }, timestampMs: 1 })
  })

  it('are most of the rows from the commit on that saw most of them once', async () => {
    const { h } = await crowded(long(), 1)
    const { store } = h
    const keys = Array.from({ length: 200 }, (_, n) => `key-${n}`)
    const add = (key: string): void => store.write(key, (store.row(key)?.value ?? 0) + 1, 2)
    const bytesOfCommit = async (used: readonly string[], times: number): Promise<number> => {
      for (let n = 0; n < times; n++) for (const key of used) add(key)
      await store.flushCache()
      const bytes = store.dirtyBytes
      await h.commit()
      return bytes
    }
    await bytesOfCommit(keys, 1)
    expect(await bytesOfCommit(keys, 1)).toBeLessThan(200 * 100)
    // Few keys that come back are live again from the next commit on.
    const few = keys.slice(0, 4)
    expect(await bytesOfCommit(few, 10)).toBeLessThan(4 * 100)
    expect(await bytesOfCommit(few, 10)).toBeGreaterThan(4 * 200)
    for (const key of few) expect(store.row(key)?.value).toBe(2 + 20)
  })

  it('make room for a value that is an object', async () => {
    const mixed: Serde<unknown> = {
      ...string(),
      serialize: (value) => Buffer.from(JSON.stringify(value)),
      deserialize: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as unknown,
      write: (to, at, value) =>
        at + Buffer.from(to.buffer, to.byteOffset).write(JSON.stringify(value), at),
      read: (bytes, from, to) =>
        JSON.parse(Buffer.from(bytes.subarray(from, to)).toString()) as unknown,
    }
    const { h, forwarded } = await crowded(mixed, 1)
    h.store.api.put('a', { value: { n: 2 }, timestampMs: 2 } as never)
    expect(h.store.row('a')?.value).toEqual({ n: 2 })
    await h.commit()
    expect(forwarded).toEqual([['a', { n: 2 }, 1]])
    expect(h.store.peek('a')?.value).toEqual({ n: 2 })
  })

  it('stay live once somebody has scanned', async () => {
    const { h } = await crowded(long(), 1)
    h.at(2).store.write('a', 2, 2)
    const keys: string[] = []
    for await (const [key] of h.store.api.all()) keys.push(String(key))
    expect(keys).toEqual(['a', 'b', 'c', 'd'])
    h.at(3).store.write('e', 3, 3)
    h.store.compact()
    for await (const [key] of h.store.api.all()) keys.push(String(key))
    expect(keys.slice(4)).toEqual(['a', 'b', 'c', 'd', 'e'])
  })
})
