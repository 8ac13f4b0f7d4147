// What key-value stores must do on every engine.
import { describe, expect, it } from 'vitest'
import type { ByteRange, Database, WriteBatch } from '../../src/state/bytes-store.js'
import { DatabasePart } from '../../src/state/database-part.js'
import type { KeyValueRows } from '../../src/state/key-value-rows.js'
import type { KeyValueStore, TimestampedKeyValueStore } from '../../src/state/key-value-store.js'
import { keyValueSpec } from '../../src/state/specs.js'
import { long, string } from '../../src/serde/serdes.js'
import {
  collect,
  object,
  StoreHarness,
  text,
  type HarnessOptions,
  type OpenDatabase,
} from '../state/store-harness.js'

interface Count {
  n: number
}

/** A database that counts its point reads. */
const counted = (inner: Database): { database: Database; reads: () => number } => {
  let reads = 0
  const database: Database = Object.assign(Object.create(inner) as Database, {
    get: (key: Uint8Array) => (reads++, inner.get(key)),
    scan: (range: ByteRange) => inner.scan(range),
    batch: () => inner.batch(),
    write: async (batch: WriteBatch, o?: { readonly sync?: boolean }) => inner.write(batch, o),
    part: (prefix: Uint8Array) => new DatabasePart(database, prefix, () => 0),
    partBatch: (batch: WriteBatch, prefix: Uint8Array) => inner.partBatch(batch, prefix),
  })
  return { database, reads: () => reads }
}

export const keyValueStoreContract = (engine: string, openDatabase: OpenDatabase): void => {
  const options = { name: 'st', key: text, engine: 'memory' as const }
  const openText = async (o: HarnessOptions & { caching?: boolean; timestamped?: boolean } = {}) =>
    StoreHarness.open<KeyValueRows<string, string>>(
      keyValueSpec({
        ...options,
        value: text,
        timestamped: o.timestamped ?? true,
        caching: o.caching,
      }),
      await openDatabase(),
      o,
    )
  const openObjects = async (o: HarnessOptions & { caching?: boolean } = {}) =>
    StoreHarness.open<KeyValueRows<string, Count>>(
      keyValueSpec({ ...options, value: object<Count>(), timestamped: true, caching: o.caching }),
      await openDatabase(),
      o,
    )

  describe(`key-value rows on ${engine}`, () => {
    it('logs each dirty row once per commit, timestamped by its value', async () => {
      const h = await openText()
      h.at(5).store.write('a', '1', 5)
      h.at(7).store.write('a', '2', 5)
      h.at(3).store.write('b', 'x', 3)
      await h.commit()
      h.at(9).store.write('a', null, 5)
      await h.commit()
      expect(h.printed()).toEqual(['a=2@5', 'b=x@3', 'a=∅@9'])
      expect(h.store.row('a')).toBeUndefined()
      expect(h.store.row('b')).toMatchObject({ value: 'x', timestampMs: 3 })
    })

    it('logs plain rows under the time of the record', async () => {
      const h = await openText({ timestamped: false })
      const store = h.store.api as KeyValueStore<string, string>
      h.at(5)
      store.put('a', '1')
      await h.commit()
      expect(h.printed()).toEqual(['a=1@5'])
      expect(store.get('a')).toBe('1')
    })

    it('returns to committed rows when the transaction is aborted', async () => {
      const h = await openText()
      h.store.write('kept', '1', 1)
      h.store.write('stored', '1', 1)
      await h.commit()
      await h.persist()
      h.store.write('kept', '2', 2)
      await h.commit()
      for (const key of ['kept', 'stored', 'new']) h.store.write(key, 'bad', 3)
      h.store.writeChangelog()
      h.store.write('kept', 'worse', 4)
      h.abort()
      expect(h.store.row('kept')).toMatchObject({ value: '2', timestampMs: 2 })
      expect(h.store.row('stored')).toMatchObject({ value: '1', timestampMs: 1 })
      expect(h.store.row('new')).toBeUndefined()
    })

    it('persists committed bytes only, also in mid-transaction and while rows change', async () => {
      const h = await openObjects()
      const count: Count = { n: 1 }
      h.store.write('a', count, 1)
      await h.commit()
      count.n = 99
      h.store.write('a', count, 2)
      const persisting = h.persist()
      h.store.write('a', { n: 100 }, 3)
      await persisting
      h.abort()
      expect(h.store.row('a')).toMatchObject({ value: { n: 1 }, timestampMs: 1 })
    })

    it('holds a row that is committed again while its older bytes are being persisted', async () => {
      const h = await openText({ cacheBytes: 0 })
      h.store.write('a', '1', 1)
      await h.commit()
      const persisting = h.persist()
      h.store.write('a', '2', 2)
      await h.commit()
      await persisting
      h.store.row('other')
      h.abort()
      expect(h.store.row('a')?.value).toBe('2')
      await h.persist()
      h.store.row('other')
      expect(h.store.row('a')?.value).toBe('2')
      expect(h.store.pinnedBytes).toBe(0)
    })

    it('asks an engine that began empty for nothing that is not there', async () => {
      const { database, reads } = counted(await openDatabase())
      const open = async () => {
        const h = await StoreHarness.open<KeyValueRows<string, string>>(
          keyValueSpec({ ...options, value: text, timestamped: true }),
          database,
          { cacheBytes: 0 },
        )
        await h.store.restored()
        return h
      }
      const h = await open()
      for (const key of ['a', 'b', 'c']) {
        expect(h.store.row(key)).toBeUndefined()
        h.store.write(key, '1', 1)
      }
      await h.commit()
      await h.persist()
      h.store.write('c', null, 2)
      await h.commit()
      await h.persist()
      expect(['a', 'b', 'c', 'd'].map((key) => h.store.row(key)?.value)).toEqual([
        '1',
        '1',
        undefined,
        undefined,
      ])
      expect(reads()).toBe(0)
      // A value that is too large for memory is asked for again, and so is what else is not found.
      h.store.write('large', 'x'.repeat(100_000), 3)
      await h.commit()
      await h.persist()
      h.store.row('a')
      expect(h.store.row('large')?.value.length).toBe(100_000)
      expect(h.store.row('e')).toBeUndefined()
      expect(reads()).toBe(2)
      const later = await open()
      expect(later.store.row('e')).toBeUndefined()
      expect(later.store.row('a')?.value).toBe('1')
      expect(reads()).toBe(4)
    })

    it('keeps the bytes that a callback is undone to, whatever leaves memory meanwhile', async () => {
      const h = await openObjects({ packedBytes: 1 << 17, mayContinue: true })
      h.store.write('a', { n: 1 }, 1)
      await h.commit()
      await h.persist()
      const row = h.store.row('a')!
      h.store.protect(row)
      row.value.n = 99
      for (let i = 0; i < 10_000; i++) h.store.write(`other-${i}`, { n: i }, 1)
      await h.commit()
      await h.persist()
      h.store.undo(row)
      expect(h.store.row('a')?.value).toEqual({ n: 1 })
    })

    it.each([
      ['texts', { key: text, value: text }, ['1', '22', '333']],
      ['numbers that are read in place', { key: string(), value: long() }, [1, 2, 3]],
      ['objects', { key: string(), value: object<Count>() }, [{ n: 1 }, { n: 22 }, { n: 3 }]],
    ] as const)('asks the engine once for %s', async (_name, serdes, values) => {
      const { database, reads } = counted(await openDatabase())
      const open = async () =>
        StoreHarness.open<KeyValueRows<string, unknown>>(
          keyValueSpec({ ...options, ...(serdes as object), timestamped: true } as never),
          database,
          { cacheBytes: 0 },
        )
      const first = await open()
      for (const [i, key] of ['a', 'b', 'c', 'gone'].entries())
        first.store.write(key, values[i] ?? values[0], i)
      await first.commit()
      await first.persist()
      first.store.write('gone', null, 1)
      await first.commit()
      await first.persist()
      const h = await open()
      const read = () => ['a', 'b', 'c'].map((key) => h.store.row(key))
      read()
      expect(reads()).toBe(3)
      expect(read().map((row) => row?.timestampMs)).toEqual([0, 1, 2])
      expect(['a', 'b', 'c'].map((key) => h.store.row(key)?.value)).toEqual(values)
      expect(reads()).toBe(3)
      // What the engine has is what is found, whoever changed it.
      h.store.write('a', values[2], 9)
      h.store.write('b', null, 9)
      await h.commit()
      await h.persist()
      h.restore([
        { key: Buffer.from('c'), value: null, timestampMs: 9, headers: [] },
        { key: Buffer.from('gone'), value: null, timestampMs: 9, headers: [] },
      ])
      await h.persist()
      h.store.row('other')
      const after = ['a', 'b', 'c', 'gone'].map((key) => h.store.row(key)?.value)
      expect(after).toEqual([values[2], undefined, undefined, undefined])
    })

    it('scans live, restored and stored rows in order of bytes, both ways', async () => {
      const h = await openText({ timestamped: false })
      const store = h.store.api as KeyValueStore<string, string>
      store.putAll([
        ['b', '1'],
        ['d', '1'],
        ['a', '1'],
        ['gone', '1'],
      ])
      await h.commit()
      await h.persist()
      store.put('c', '2')
      store.put('d', '2')
      store.delete('gone')
      h.restore([{ key: Buffer.from('bb'), value: Buffer.from('r'), timestampMs: 1, headers: [] }])
      const rows = [
        ['a', '1'],
        ['b', '1'],
        ['bb', 'r'],
        ['c', '2'],
        ['d', '2'],
      ]
      expect(await collect(store.all())).toEqual(rows)
      expect(await collect(store.all({ reverse: true }))).toEqual(rows.toReversed())
      expect(await collect(store.range('b', 'c'))).toEqual(rows.slice(1, 4))
      expect(await collect(store.range(null, 'bb', { reverse: true }))).toEqual(
        rows.slice(0, 3).toReversed(),
      )
      expect(await collect(store.range('c', null))).toEqual(rows.slice(3))
      expect(await collect(store.range('z', 'a'))).toEqual([])
      expect(await collect(store.prefixScan('b', text))).toEqual(rows.slice(1, 3))
    })

    it('shows in a scan what was there when it was asked for', async () => {
      const h = await openText({ timestamped: false })
      const store = h.store.api as KeyValueStore<string, string>
      store.put('a', '1')
      store.put('b', '1')
      const seen: unknown[] = []
      for await (const [key] of store.all()) {
        seen.push(key)
        store.delete(key)
        store.put('z', '1')
      }
      expect(seen).toEqual(['a', 'b'])
    })

    it('gives users copies: what they change later is not stored, and what is stored stays', async () => {
      const h = await openObjects()
      const store = h.store.api as TimestampedKeyValueStore<string, Count>
      const mine = { n: 1 }
      store.put('a', { value: mine, timestampMs: 1 })
      mine.n = 2
      store.get('a')!.value.n = 3
      expect(store.get('a')).toEqual({ value: { n: 1 }, timestampMs: 1 })
      for await (const [, row] of store.all()) row.value.n = 4
      const queried = await (h.store.view as { get(k: string): Promise<Count> }).get('a')
      queried.n = 5
      expect(store.get('a')).toEqual({ value: { n: 1 }, timestampMs: 1 })
      await h.commit()
      await h.persist()
      expect(store.get('a')).toEqual({ value: { n: 1 }, timestampMs: 1 })
      expect(h.printed()).toEqual(['a={"n":1}@1'])
    })

    it('answers put if absent and delete with the row that was there', async () => {
      const h = await openText({ timestamped: false })
      const store = h.store.api as KeyValueStore<string, string>
      expect(store.putIfAbsent('a', '1')).toBeUndefined()
      expect(store.putIfAbsent('a', '2')).toBe('1')
      expect(store.delete('a')).toBe('1')
      expect(store.delete('a')).toBeUndefined()
      await h.commit()
      expect(h.printed()).toEqual(['a=∅@0'])
    })

    it('refuses null keys and undefined values', async () => {
      const h = await openText({ timestamped: false })
      const store = h.store.api as KeyValueStore<string, string>
      expect(() => store.get(null as never)).toThrow(TypeError)
      expect(() => store.put('a', undefined as never)).toThrow(TypeError)
    })

    it('counts rows, not yet stored ones included', async () => {
      const h = await openText({ timestamped: false })
      const store = h.store.api as KeyValueStore<string, string>
      store.put('a', '1')
      store.put('b', '1')
      await h.commit()
      expect(store.approximateNumEntries()).toBe(2)
      await h.persist()
      expect(store.approximateNumEntries()).toBe(2)
      store.delete('a')
      store.put('b', '2')
      expect(store.approximateNumEntries()).toBe(1)
    })

    for (const state of ['dirty', 'committed', 'clean'] as const) {
      it(`undoes a callback that changed a ${state} row in place and threw`, async () => {
        const h = await openObjects({ mayContinue: true })
        h.store.write('a', { n: 1 }, 1)
        if (state !== 'dirty') await h.commit()
        if (state === 'clean') await h.persist()
        const row = h.store.row('a')!
        h.store.protect(row)
        row.value.n = 99
        h.store.undo(row)
        expect(h.store.row('a')).toMatchObject({ value: { n: 1 }, timestampMs: 1 })
        await h.commit()
        await h.persist()
        expect(h.store.row('a')).toMatchObject({ value: { n: 1 } })
        expect(h.printed()).toEqual(['a={"n":1}@1'])
      })
    }

    it('forgets a clean row that was changed in place when the task aborts', async () => {
      const h = await openObjects()
      h.store.write('a', { n: 1 }, 1)
      await h.commit()
      await h.persist()
      h.store.row('a')!.value.n = 99
      h.abort()
      expect(h.store.row('a')).toMatchObject({ value: { n: 1 } })
    })

    it('a record cache forwards at the flush, by last update, with the value before the first', async () => {
      const h = await openObjects({ caching: true })
      const out: string[] = []
      h.store.onFlush(
        (key, now, old, timestampMs, context) => {
          out.push(
            `${key}:${now?.n ?? '∅'}<${old?.n ?? '∅'}@${timestampMs}#${context.metadata!.offset}`,
          )
        },
        { oldValues: true },
      )
      const add = (key: string, timestampMs: number) => {
        const row = h.at(timestampMs).store.row(key)
        if (row === undefined) return h.store.write(key, { n: 1 }, timestampMs)
        h.store.protect(row)
        row.value.n++
        h.store.write(key, row.value, Math.max(row.timestampMs, timestampMs))
      }
      add('a', 5)
      add('b', 6)
      add('a', 4)
      await h.commit()
      expect(out.splice(0)).toEqual(['b:1<∅@6#2', 'a:2<∅@5#3'])
      add('a', 8)
      add('a', 9)
      await h.store.flushCache()
      add('a', 10)
      h.at(11).store.write('b', null, 6)
      h.at(12).store.write('none', null, 12)
      h.at(13).store.write('brief', { n: 1 }, 13)
      h.at(14).store.write('brief', null, 13)
      await h.commit()
      expect(out).toEqual(['a:4<2@9#5', 'a:5<4@10#6', 'b:∅<1@11#7'])
      expect(h.printed()).toEqual(['b={"n":1}@6', 'a={"n":2}@5', 'a={"n":5}@10', 'b=∅@11'])
    })

    it('restores without decoding, and what is restored counts as committed', async () => {
      const h = await openText()
      h.store.row('a')
      h.restore([
        { key: Buffer.from('a'), value: Buffer.from('1'), timestampMs: 7, headers: [] },
        { key: Buffer.from('b'), value: Buffer.from('1'), timestampMs: 8, headers: [] },
        { key: Buffer.from('b'), value: null, timestampMs: 9, headers: [] },
      ])
      h.abort()
      expect(h.store.row('a')).toMatchObject({ value: '1', timestampMs: 7 })
      expect(h.store.row('b')).toBeUndefined()
      const persisting = h.persist()
      h.restore([{ key: Buffer.from('a'), value: null, timestampMs: 9, headers: [] }])
      expect(h.store.row('a')).toBeUndefined()
      await persisting
      expect(h.store.row('a')).toBeUndefined()
      await h.persist()
      expect(h.store.row('a')).toBeUndefined()
      expect(h.store.pinnedBytes).toBe(0)
    })
  })
}
