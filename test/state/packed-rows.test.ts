import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RowRun } from '../../src/state/bytes-store.js'
import { PackedRows } from '../../src/state/packed-rows.js'

const text = (s: string): Uint8Array => Buffer.from(s)

const put = (rows: PackedRows, key: string, image: Uint8Array): void => {
  // The key as the first bytes of a larger buffer, as callers have it.
  rows.set(text(`${key}rest`), text(key).length, image)
}

const remove = (rows: PackedRows, key: string): void => {
  rows.delete(text(`${key}rest`), text(key).length)
}

const found = (rows: PackedRows, key: string): string | undefined => {
  if (!rows.find(text(`${key}rest`), text(key).length)) return undefined
  return Buffer.from(rows.buffer.subarray(rows.start, rows.end)).toString()
}

const commit = (rows: PackedRows, key: string, image: Uint8Array): void => {
  expect(rows.commit(text(`${key}rest`), text(key).length, image)).toBe(true)
}

const shown = (run: RowRun, prefix = '~'): Map<string, string> => {
  const found = new Map<string, string>()
  for (let part = 0; part < run.parts; part++)
    run.each(part, text(prefix), (key, value) => {
      found.set(String(Buffer.from(key)), String(Buffer.from(value)))
    })
  return found
}

/** What a persist takes. */
const taken = (rows: PackedRows): Map<string, string> => {
  const run = rows.persist()
  return run === undefined ? new Map() : shown(run, '')
}

describe('PackedRows', () => {
  it('gives what was set last, and nothing of what was deleted', () => {
    const rows = new PackedRows(1 << 20)
    put(rows, 'a', text('one'))
    put(rows, 'b', text('two'))
    put(rows, 'a', text('eno'))
    put(rows, 'b', text('longer than before'))
    expect(found(rows, 'a')).toBe('eno')
    expect(found(rows, 'b')).toBe('longer than before')
    expect(found(rows, 'c')).toBeUndefined()
    remove(rows, 'a')
    expect(found(rows, 'a')).toBeUndefined()
    expect(rows.count).toBe(1)
  })

  it('keeps an empty key and an empty image', () => {
    const rows = new PackedRows(1 << 20)
    put(rows, '', text(''))
    expect(found(rows, '')).toBe('')
  })

  it('forgets a row that has become too large, and keeps nothing without room', () => {
    const rows = new PackedRows(1 << 20)
    put(rows, 'a', text('small'))
    put(rows, 'a', new Uint8Array(10_000))
    expect(found(rows, 'a')).toBeUndefined()
    const none = new PackedRows(0)
    put(none, 'a', text('small'))
    expect(found(none, 'a')).toBeUndefined()
  })

  it('stays within its bytes, and keeps the rows that are asked for', () => {
    const maxBytes = 1 << 20
    const rows = new PackedRows(maxBytes)
    for (let i = 0; i < 60_000; i++) {
      put(rows, `key-${i}`, text(`image-${i}`))
      rows.find(text('key-7'), 5)
    }
    expect(found(rows, 'key-7')).toBe('image-7')
    expect(rows.byteLength).toBeLessThanOrEqual(1.5 * maxBytes)
    expect(rows.count).toBeGreaterThan(10_000)
    expect(found(rows, 'key-59999')).toBe('image-59999')
    expect(found(rows, 'key-8')).toBeUndefined()
  })

  it('never gives anything but what a map would, whatever it has forgotten', () => {
    const key = fc.integer({ min: 0, max: 400 }).map((n) => `k${n}`)
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('set' as const),
        key,
        size: fc.integer({ min: 0, max: 3000 }),
      }),
      fc.record({ kind: fc.constant('delete' as const), key }),
      fc.record({ kind: fc.constant('find' as const), key }),
    )
    fc.assert(
      fc.property(fc.array(step, { minLength: 200, maxLength: 800 }), (steps) => {
        const rows = new PackedRows(192 * 1024)
        const model = new Map<string, string>()
        rows.isComplete = true
        let n = 0
        for (const s of steps) {
          if (s.kind === 'set') {
            const image = `${n++}-`.padEnd(s.size, 'x')
            put(rows, s.key, text(image))
            model.set(s.key, image)
          } else if (s.kind === 'delete') {
            remove(rows, s.key)
            model.delete(s.key)
          }
          const image = found(rows, s.key)
          // Forgetting is allowed, but not what was set just now.
          if (image !== undefined || s.kind === 'set' || rows.isComplete)
            expect(image).toBe(model.get(s.key))
        }
        for (const k of model.keys()) {
          const image = found(rows, k)
          if (image !== undefined || rows.isComplete) expect(image).toBe(model.get(k))
        }
      }),
      { numRuns: 100 },
    )
  })

  it('loses no committed row before the engine has it, however many there are', () => {
    const rows = new PackedRows(192 * 1024)
    for (let i = 0; i < 20_000; i++) commit(rows, `key-${i}`, text(`image-${i}`))
    for (let i = 0; i < 20_000; i++) put(rows, `other-${i}`, text('image'))
    for (let i = 0; i < 20_000; i++) expect(found(rows, `key-${i}`)).toBe(`image-${i}`)
    expect(rows.pinnedBytes).toBeGreaterThan(20_000 * 14)
    expect(taken(rows).size).toBe(20_000)
    rows.persisted()
    expect(rows.pinnedBytes).toBe(0)
    for (let i = 0; i < 20_000; i++) put(rows, `another-${i}`, text('image'))
    expect(found(rows, 'key-1')).toBeUndefined()
  })

  it('persists what was committed when the persist began', () => {
    const rows = new PackedRows(1 << 20)
    commit(rows, 'a', text('one'))
    commit(rows, 'b', text('two'))
    put(rows, 'c', text('of the engine'))
    const run = rows.persist()!
    commit(rows, 'a', text('eno'))
    commit(rows, 'b', text('longer'))
    commit(rows, 'c', text('later'))
    expect(run.count).toBe(2)
    expect(shown(run)).toEqual(
      new Map([
        ['~a', 'one'],
        ['~b', 'two'],
      ]),
    )
    rows.persisted()
    expect(taken(rows)).toEqual(
      new Map([
        ['a', 'eno'],
        ['b', 'longer'],
        ['c', 'later'],
      ]),
    )
    rows.persisted()
    expect(rows.persist()).toBeUndefined()
  })

  it('gives every committed row to the engine, whatever fails and changes meanwhile', () => {
    const key = fc.integer({ min: 0, max: 60 }).map((n) => `k${n}`)
    const kind = fc.constantFrom(
      'commit',
      'commit',
      'set',
      'find',
      'persist',
      'persisted',
      'filler',
    )
    const step = fc.record({ kind, key, size: fc.integer({ min: 0, max: 5000 }) })
    fc.assert(
      fc.property(fc.array(step, { minLength: 100, maxLength: 500 }), (steps) => {
        const rows = new PackedRows(192 * 1024)
        const committed = new Map<string, string>()
        const engine = new Map<string, string>()
        let batch: Map<string, string> | undefined
        let n = 0
        for (const s of steps) {
          const image = `${n++}-`.padEnd(s.size, 'x')
          if (s.kind === 'commit') {
            commit(rows, s.key, text(image))
            committed.set(s.key, image)
          } else if (s.kind === 'set' && committed.has(s.key)) {
            // What the engine gets by another way is no older than what waits here.
            put(rows, s.key, text(committed.get(s.key)!))
          } else if (s.kind === 'filler') put(rows, `filler${n}`, text(image))
          // A batch that failed is made again.
          else if (s.kind === 'persist') batch = taken(rows)
          else if (s.kind === 'persisted' && batch !== undefined) {
            for (const [k, value] of batch) engine.set(k, value)
            batch = undefined
            rows.persisted()
          }
          const pinned = new Map<string, string>()
          rows.showPinned((k, value) =>
            pinned.set(String(Buffer.from(k)), String(Buffer.from(value))),
          )
          for (const [k, value] of committed) expect(pinned.get(k) ?? engine.get(k)).toBe(value)
          for (const k of [s.key]) expect(found(rows, k) ?? engine.get(k)).toBe(committed.get(k))
        }
      }),
      { numRuns: 60 },
    )
  })
})
