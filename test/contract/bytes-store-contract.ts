// What every store engine must do; called by a short file per engine.
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { ByteRange, Database } from '../../src/state/bytes-store.js'
import { PackedRows } from '../../src/state/packed-rows.js'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const text = (b: Uint8Array): string => Buffer.from(b).toString('latin1')

const rowsOf = async (db: Pick<Database, 'scan'>, range: ByteRange = {}): Promise<string[]> => {
  const rows: string[] = []
  for await (const [key, value] of db.scan(range)) rows.push(`${text(key)}=${text(value)}`)
  return rows
}

const put = async (db: Database, rows: Record<string, string>, sync = false): Promise<void> => {
  const batch = db.batch()
  for (const [key, value] of Object.entries(rows)) batch.put(bytes(key), bytes(value))
  await db.write(batch, { sync })
}

export const bytesStoreContract = (name: string, open: () => Promise<Database>): void => {
  describe(`${name} as a bytes store`, () => {
    const opened: Database[] = []
    const database = async (): Promise<Database> => {
      const db = await open()
      opened.push(db)
      return db
    }
    afterEach(async () => {
      for (const db of opened.splice(0)) await db.close().catch(() => {})
    })

    it('gives back what was written, and nothing for other keys', async () => {
      const db = await database()
      await put(db, { a: '1', b: '' })
      expect(text(db.get(bytes('a'))!)).toBe('1')
      expect(db.get(bytes('b'))).toHaveLength(0)
      expect(db.get(bytes('c'))).toBeUndefined()
    })

    it('shows a batch only once it is written', async () => {
      const db = await database()
      const batch = db.batch()
      batch.put(bytes('a'), bytes('1'))
      expect(batch.byteLength).toBe(2)
      expect(db.get(bytes('a'))).toBeUndefined()
      await db.write(batch)
      expect(text(db.get(bytes('a'))!)).toBe('1')
    })

    it('applies the writes of one batch in order', async () => {
      const db = await database()
      const batch = db.batch()
      batch.put(bytes('a'), bytes('1'))
      batch.delete(bytes('a'))
      batch.delete(bytes('b'))
      batch.put(bytes('b'), bytes('2'))
      await db.write(batch, { sync: true })
      expect(await rowsOf(db)).toEqual(['b=2'])
    })

    it('deletes a range as it was before the batch, without its end', async () => {
      const db = await database()
      await put(db, { a: '1', b: '2', c: '3', d: '4' })
      const batch = db.batch()
      batch.put(bytes('bb'), bytes('new'))
      batch.deleteRange(bytes('b'), bytes('d'))
      await db.write(batch)
      expect(await rowsOf(db)).toEqual(['a=1', 'bb=new', 'd=4'])
    })

    it('scans by unsigned bytes, from inclusive, to exclusive, both ways', async () => {
      const db = await database()
      await put(db, { '\x7f': 'x', '\x80': 'y', '\xff': 'z', a: '1', aa: '2', b: '3' })
      expect(await rowsOf(db)).toEqual(['a=1', 'aa=2', 'b=3', '\x7f=x', '\x80=y', '\xff=z'])
      expect(await rowsOf(db, { from: bytes('aa'), to: bytes('\x80') })).toEqual([
        'aa=2',
        'b=3',
        '\x7f=x',
      ])
      expect(await rowsOf(db, { from: bytes('a'), to: bytes('b'), reverse: true })).toEqual([
        'aa=2',
        'a=1',
      ])
      expect(await rowsOf(db, { from: bytes('c'), to: bytes('b') })).toEqual([])
    })

    it('scans what was there when the scan was asked for', async () => {
      const db = await database()
      await put(db, { a: '1', b: '2' })
      const scan = db.scan({})
      await put(db, { a: 'later', c: '3' })
      const rows: string[] = []
      for await (const [key, value] of scan) rows.push(`${text(key)}=${text(value)}`)
      expect(rows).toEqual(['a=1', 'b=2'])
    })

    it('may leave a scan early', async () => {
      const db = await database()
      await put(db, { a: '1', b: '2' })
      for await (const [key] of db.scan({})) {
        expect(text(key)).toBe('a')
        break
      }
      expect(await rowsOf(db)).toHaveLength(2)
    })

    it('keeps parts apart, also where a prefix is all ones or another prefix goes on', async () => {
      const db = await database()
      const prefixes = ['s', 's\x00', '\xff', '\xff\xff']
      const batch = db.batch()
      for (const p of prefixes) db.partBatch(batch, bytes(p)).put(bytes('zk'), bytes(p))
      await db.write(batch)
      expect(text(db.part(bytes('s')).get(bytes('zk'))!)).toBe('s')
      expect(await rowsOf(db.part(bytes('\xff\xff')))).toEqual(['zk=\xff\xff'])
      const drop = db.batch()
      db.partBatch(drop, bytes('s\x00')).deleteRange(bytes(''), bytes('zz'))
      await db.write(drop)
      expect(db.part(bytes('s\x00')).get(bytes('zk'))).toBeUndefined()
      expect(text(db.part(bytes('s')).get(bytes('zk'))!)).toBe('s')
    })

    it('takes runs of rows between the other writes, behind the prefix of their part', async () => {
      const db = await database()
      const rows = new PackedRows(1 << 20)
      for (let i = 0; i < 5000; i++) rows.commit(bytes(`k${i}`), `k${i}`.length, bytes(`${i}`))
      const batch = db.batch()
      const part = db.partBatch(batch, bytes('p'))
      part.put(bytes('k1'), bytes('before'))
      part.putRun(rows.persist()!)
      part.delete(bytes('k2'))
      part.put(bytes('k3'), bytes('after'))
      await db.write(batch)
      const read = (key: string) => {
        const value = db.part(bytes('p')).get(bytes(key))
        return value === undefined ? undefined : text(value)
      }
      expect(['k1', 'k2', 'k3', 'k4999'].map(read)).toEqual(['1', undefined, 'after', '4999'])
      expect(await rowsOf(db)).toHaveLength(4999)
    })

    it('is empty after it was cleared', async () => {
      const db = await database()
      await put(db, { a: '1' })
      await db.clear()
      expect(await rowsOf(db)).toEqual([])
      await put(db, { b: '2' })
      expect(await rowsOf(db)).toEqual(['b=2'])
    })

    it('refuses to be used when it is closed', async () => {
      const db = await database()
      await put(db, { a: '1' })
      await db.close()
      expect(() => db.get(bytes('a'))).toThrow(/closed|cut off/)
      await expect(put(db, { b: '2' })).rejects.toThrow(/closed|cut off/)
    })

    it('equals a plain map under random batches and scans', async () => {
      const key = fc.string({ unit: fc.constantFrom('a', 'b', '\x00', '\xff'), maxLength: 4 })
      const op = fc.oneof(
        fc.record({ put: key, value: fc.string({ maxLength: 3 }) }),
        fc.record({ del: key }),
        fc.record({ from: key, to: key }),
      )
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(op, { maxLength: 30 }), { maxLength: 6 }),
          async (batches) => {
            const db = await database()
            await db.clear()
            const model = new Map<string, string>()
            for (const ops of batches) {
              const batch = db.batch()
              for (const o of ops)
                if ('from' in o)
                  for (const k of model.keys()) if (k >= o.from && k < o.to) model.delete(k)
              for (const o of ops) {
                if ('put' in o) {
                  batch.put(bytes(`p${o.put}`), bytes(o.value))
                  model.set(o.put, o.value)
                } else if ('del' in o) {
                  batch.delete(bytes(`p${o.del}`))
                  model.delete(o.del)
                } else batch.deleteRange(bytes(`p${o.from}`), bytes(`p${o.to}`))
              }
              await db.write(batch)
              const expected = [...model].sort(([a], [b]) => (a < b ? -1 : 1))
              const rows = expected.map(([k, v]) => `p${k}=${v}`)
              expect(await rowsOf(db)).toEqual(rows)
              expect(await rowsOf(db, { reverse: true })).toEqual(rows.toReversed())
            }
            await db.close()
          },
        ),
        { numRuns: 25 },
      )
    })
  })
}
