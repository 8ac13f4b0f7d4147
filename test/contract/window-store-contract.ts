// What window and session stores must do on every engine, beyond what the model tests compare.
import { describe, expect, it } from 'vitest'
import { customStore, lruStore, toSpec } from '../../src/state/stores.js'
import { joinWindowSpec, sessionSpec, slidingSpec, windowSpec } from '../../src/state/specs.js'
import type { JoinRows } from '../../src/state/join-rows.js'
import type { KeyValueStore } from '../../src/state/key-value-store.js'
import type { SessionRows } from '../../src/state/session-rows.js'
import type { SlidingRows } from '../../src/state/sliding-rows.js'
import type { StoreSpec, TaskStore } from '../../src/state/state-store.js'
import type { WindowRows } from '../../src/state/window-rows.js'
import {
  collect,
  object,
  StoreHarness,
  text,
  type HarnessOptions,
  type OpenDatabase,
} from '../state/store-harness.js'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

export const windowStoreContract = (
  engine: 'leveldb' | 'memory',
  openDatabase: OpenDatabase,
): void => {
  const base = { name: 'st', key: text, value: text, engine, retentionMs: 120_000 }
  const open = async <S extends TaskStore>(spec: StoreSpec, o: HarnessOptions = {}) =>
    StoreHarness.open<S>(spec, await openDatabase(), o)
  const openWindows = (o: { caching?: boolean; timestamped?: boolean; timeFirst?: boolean } = {}) =>
    open<WindowRows<string, string>>(
      windowSpec({
        ...base,
        sizeMs: 10,
        timestamped: o.timestamped ?? true,
        caching: o.caching,
        timeFirst: o.timeFirst,
      }),
    )

  describe(`window rows on ${engine}`, () => {
    it('writes the bytes of Kafka Streams to the changelog', async () => {
      const h = await openWindows()
      h.at(7).store.write('a', 10, 'x', 7)
      await h.commit()
      h.at(9).store.write('a', 10, null, 7)
      await h.commit()
      expect(h.changelog.map((r) => [hex(r.key), r.value && hex(r.value), r.timestampMs])).toEqual([
        ['61000000000000000a00000000', '78', 7],
        ['61000000000000000a00000000', null, 9],
      ])
    })

    it('scans in the order of its engine', async () => {
      const h = await openWindows({ timestamped: false })
      for (const [key, start] of [
        ['b', 0],
        ['a', 10],
        ['a', 0],
        ['a', 60_000],
        ['aa', 5],
      ] as const)
        h.store.write(key, start, `${key}${start}`, 0)
      const all = async (reverse: boolean) =>
        (await collect(h.store.api.all({ reverse }))).map(([, value]) => value)
      const expected =
        engine === 'memory'
          ? ['a0', 'b0', 'aa5', 'a10', 'a60000']
          : ['a0', 'a10', 'aa5', 'b0', 'a60000']
      expect(await all(false)).toEqual(expected)
      expect(await all(true)).toEqual(expected.toReversed())
      await h.commit()
      await h.persist()
      expect(await all(false)).toEqual(expected)
      const range = { fromMs: 5, toMs: 60_000 }
      expect(await collect(h.store.api.fetch('a', range))).toEqual([
        [10, 'a10'],
        [60_000, 'a60000'],
      ])
      expect(await collect(h.store.api.fetch('a', range, { reverse: true }))).toEqual([
        [60_000, 'a60000'],
        [10, 'a10'],
      ])
      const some = await collect(h.store.api.fetchRange('aa', 'b', { fromMs: 0, toMs: 9 }))
      expect(some.map(([at, value]) => [at, value])).toEqual(
        (engine === 'memory' ? ['b0', 'aa5'] : ['aa5', 'b0']).map((value) => {
          const key = value.replace(/\d+/, '')
          const startMs = Number(value.slice(key.length))
          return [{ kind: 'time', key, startMs, endMs: startMs + 10 }, value]
        }),
      )
    })

    it('scans by time, then key, for emit on close', async () => {
      for (const timeFirst of [true, false]) {
        const h = await openWindows({ timeFirst })
        for (const [key, start] of [
          ['b', 0],
          ['a', 10],
          ['a', 0],
          ['c', 5],
        ] as const)
          h.store.write(key, start, 'x', start)
        await h.commit()
        const closed = (await collect(h.store.closed(0, 9))).flat()
        expect(closed.map((w) => `${w.key}${w.startMs}`)).toEqual(['a0', 'b0', 'c5'])
      }
    })

    it('hides what is past the retention, and refuses what is long past, with a record', async () => {
      const h = await openWindows()
      h.store.write('a', 0, 'x', 0)
      h.store.write('a', 119_999, 'x', 0)
      expect(h.store.row('a', 0)).toBeDefined()
      h.store.write('b', 120_000, 'x', 0)
      expect(h.store.row('a', 0)).toBeUndefined()
      await h.commit()
      // The segment of 0 lives on disk until time passes 180 s; in memory expiry is exact.
      expect(h.at(5).store.write('c', 0, 'late', 5)).toBe(engine === 'leveldb')
      h.store.write('b', 180_000, 'x', 0)
      expect(h.at(5).store.write('d', 0, 'late', 5)).toBe(false)
      await h.commit()
      expect(h.printed().filter((r) => r.includes('late'))).toHaveLength(2)
      expect(h.dropped).toHaveLength(engine === 'leveldb' ? 1 : 2)
    })

    it('deletes expired rows from the engine, and still knows the time after a restart', async () => {
      const db = await openDatabase()
      const spec = windowSpec({ ...base, sizeMs: 10, timestamped: true })
      const h = await StoreHarness.open<WindowRows<string, string>>(spec, db)
      h.store.write('a', 0, 'x', 0)
      await h.commit()
      await h.persist()
      h.store.write('b', 200_000, 'x', 0)
      await h.persist()
      expect(h.store.row('a', 0)).toBeUndefined()
      h.abort()
      expect(h.store.row('a', 0)).toBeDefined()
      h.store.write('b', 200_000, 'x', 0)
      await h.commit()
      await h.persist()
      const rows = await collect(db.scan({ to: Buffer.from([0xf0]) }))
      expect(rows.map(([key]) => hex(key).slice(6, 22))).toEqual(['0000000000000003', 'ff'])
      const again = await StoreHarness.open<WindowRows<string, string>>(spec, db)
      expect(again.store.write('c', 0, 'late', 0)).toBe(false)
    })

    it('a record cache shows expired rows as long as it has them', async () => {
      const h = await openWindows({ caching: true })
      h.store.write('a', 0, 'x', 0)
      await h.commit()
      h.store.write('b', 300_000, 'x', 0)
      await h.commit()
      await h.persist()
      h.at(1).store.write('c', 0, 'late', 1)
      await h.commit()
      expect(h.dropped).toHaveLength(1)
      const all = await collect(h.store.api.all())
      expect(all.map(([at]) => at.key).sort()).toEqual(['a', 'b', 'c'])
    })

    it('answers queries with copies, also of what is not committed', async () => {
      const h = await open<WindowRows<string, { n: number }>>(
        windowSpec({ ...base, value: object<{ n: number }>(), sizeMs: 10, timestamped: true }),
      )
      h.store.write('a', 10, { n: 1 }, 12)
      const rows = await h.store.view.fetch('a', { fromMs: 0, toMs: 100 })
      expect(rows).toEqual([{ startMs: 10, endMs: 20, value: { n: 1 } }])
      ;(rows[0]!.value as { n: number }).n = 9
      expect(h.store.row('a', 10)!.value.n).toBe(1)
      h.store.close()
      await expect(h.store.view.fetch('a', { fromMs: 0, toMs: 1 })).rejects.toThrow(/is closed/)
    })

    it('a sliding store logs its windows one by one and finds them at once', async () => {
      const h = await open<SlidingRows<string, string>>(slidingSpec({ ...base, sizeMs: 10 }))
      for (const start of [30, 10, 20, 25]) h.at(start).store.write('a', start, `v${start}`, start)
      expect(h.store.find('a', 10, 25).map((w) => [w.startMs, w.value])).toEqual([
        [10, 'v10'],
        [20, 'v20'],
        [25, 'v25'],
      ])
      await h.commit()
      await h.persist()
      h.store.write('a', 20, 'new', 20)
      h.store.write('a', 25, null, 25)
      await h.commit()
      expect(h.changelog.map((r) => hex(r.key).slice(2, 18)).map((s) => Number(`0x${s}`))).toEqual([
        30, 10, 20, 25, 20, 25,
      ])
      expect((await collect(h.store.closed(0, 100))).flat().map((w) => w.startMs)).toEqual([
        10, 20, 30,
      ])
    })

    it('a session store logs key, end and start, and a removed session under the time of the record', async () => {
      const h = await open<SessionRows<string, string>>(sessionSpec({ ...base, spanMs: 20 }))
      h.at(14).store.write('a', 14, 14, 'x')
      await h.commit()
      h.at(15).store.write('a', 14, 14, null)
      h.store.write('a', 14, 15, 'xy')
      await h.commit()
      expect(h.changelog.map((r) => [hex(r.key), r.value && hex(r.value), r.timestampMs])).toEqual([
        ['61000000000000000e000000000000000e', '78', 14],
        ['61000000000000000e000000000000000e', null, 15],
        ['61000000000000000f000000000000000e', '7879', 15],
      ])
      expect(h.store.find('a', 0, 100).map((s) => [s.startMs, s.endMs, s.value])).toEqual([
        [14, 15, 'xy'],
      ])
      expect(h.store.api.fetchSession('a', 14, 15)).toBe('xy')
    })

    it('a session store gives sessions of one end by start, in memory the latest first', async () => {
      const h = await open<SessionRows<string, string>>(sessionSpec({ ...base, spanMs: 20 }))
      const put = (startMs: number, endMs: number) =>
        h.store.api.put({ kind: 'session', key: 'a', startMs, endMs }, `${startMs}-${endMs}`)
      put(10, 20)
      put(0, 20)
      put(15, 30)
      put(5, 20)
      const found = async (reverse: boolean) =>
        (await collect(h.store.api.fetch('a', { reverse }))).map(([, value]) => value)
      const expected =
        engine === 'memory'
          ? ['10-20', '5-20', '0-20', '15-30']
          : ['0-20', '5-20', '10-20', '15-30']
      expect(await found(false)).toEqual(expected)
      expect(await found(true)).toEqual(expected.toReversed())
    })

    it('a removed session is never late, and moves time only on disk', async () => {
      const h = await open<SessionRows<string, string>>(
        sessionSpec({ ...base, retentionMs: 10, spanMs: 20 }),
      )
      const at = (endMs: number) => ({ kind: 'session', key: 'a', startMs: 0, endMs }) as const
      h.store.api.put(at(10), 'x')
      h.store.api.remove(at(30))
      const found = await collect(h.store.api.fetch('a'))
      expect(found.map(([, value]) => value)).toEqual(engine === 'memory' ? ['x'] : [])
      h.store.api.put(at(300_000), 'y')
      await h.commit()
      h.store.api.remove(at(10))
      await h.commit()
      expect(h.dropped).toEqual([])
      expect(h.changelog.at(-1)!.value).toBeNull()
      h.store.api.put(at(10), null)
      expect(h.dropped).toEqual(['expired segment'])
    })

    it('a store with duplicates logs every put with its number', async () => {
      const h = await open<JoinRows<string, string>>(joinWindowSpec({ ...base, sizeMs: 20 }))
      h.at(1).store.put('a', 'x', 1)
      h.at(1).store.put('a', 'x', 1)
      h.at(1).store.put('a', null, 1)
      await h.commit()
      expect(h.changelog.map((r) => hex(r.key))).toEqual([
        '61000000000000000100000001',
        '61000000000000000100000002',
        '61000000000000000100000003',
      ])
      expect(h.store.find('a', 0, 5)).toHaveLength(2)
    })

    it('an LRU store drops the row that was not used for longest, with a tombstone', async () => {
      const spec = toSpec(lruStore({ key: text, value: text, maxEntries: 2 }), 'lru')
      const h = await open(spec)
      const store = h.store.api as KeyValueStore<string, string>
      h.at(1)
      store.put('a', '1')
      store.put('b', '1')
      await h.commit()
      expect(store.get('a')).toBe('1')
      h.at(2)
      store.put('c', '1')
      await h.commit()
      expect(h.printed()).toEqual(['a=1@1', 'b=1@1', 'b=∅@2', 'c=1@2'])
      store.put('d', '1')
      h.abort()
      expect(await collect(store.all())).toEqual([
        ['a', '1'],
        ['c', '1'],
      ])
      const replica = await open(spec)
      replica.restore(h.changelog)
      const copy = replica.store.api as KeyValueStore<string, string>
      expect(await collect(copy.all({ reverse: true }))).toEqual([
        ['c', '1'],
        ['a', '1'],
      ])
    })

    it("a user's own store is given its changelog and a place to register", async () => {
      const seen: string[] = []
      const spec = toSpec(
        customStore({
          open: (context) => {
            context.onRestore((records) => {
              for (const r of records) seen.push(Buffer.from(r.key).toString())
            })
            return {
              put: (key: string) => context.log(Buffer.from(key), Buffer.from('v'), 3),
              flush: () => seen.push('flush'),
              close: () => seen.push('close'),
            }
          },
        }),
        'own',
      )
      const h = await open(spec)
      ;(h.store.api as { put(key: string): void }).put('a')
      await h.commit()
      expect(h.printed()).toEqual(['a=v@3'])
      h.restore(h.changelog)
      h.store.close()
      expect(seen).toEqual(['flush', 'a', 'close'])
    })
  })
}
