import { describe, expect, it } from 'vitest'
import { Change } from '../../../src/dsl/change.js'
import type { SuppressOptions } from '../../../src/dsl/processors/operator-options.js'
import { suppress, suppressLookup } from '../../../src/dsl/processors/suppress.js'
import { StateStoreError } from '../../../src/errors.js'
import { sessionWindowed, string, timeWindowed } from '../../../src/serde/serdes.js'
import type { StoreContext } from '../../../src/state/state-store.js'
import { SuppressBuffer } from '../../../src/state/suppress-buffer.js'
import type { NodeContext } from '../../../src/topology/processor.js'
import { NodeHarness } from './node-harness.js'

const context = { topic: 'changelog', log() {} } as unknown as StoreContext
const timeKeys = timeWindowed(string(), { sizeMs: 10 })

const node = (o: Partial<SuppressOptions>, key: any = string()) => {
  const buffer = new SuppressBuffer<any, string>('s', key, string(), context)
  const options: SuppressOptions = {
    store: 's',
    until: 'timeLimit',
    waitMs: 5,
    maxRecords: Infinity,
    maxBytes: Infinity,
    whenFull: 'emitEarly',
    ...o,
  }
  return { node: new NodeHarness(suppress(options), buffer), buffer }
}

const update = (value: string | null, old: string | null = null): Change => new Change(value, old)
const window = (key: string, startMs: number) =>
  ({ kind: 'time', key, startMs, endMs: startMs + 10 }) as const

describe('suppress until a time limit', () => {
  it('keeps the place of the first update and gives the last, with its headers', async () => {
    const { node: n } = node({})
    expect(await n.pipe('a', update('1'), 0)).toEqual([])
    expect(await n.pipe('a', update('2', '1'), 3, '2')).toEqual([])
    expect(await n.pipe('b', update('1'), 4)).toEqual([])
    expect(await n.pipe('b', update('2', '1'), 5)).toEqual(['a=2@3{2}'])
    expect(await n.pipe('a', update('3', '2'), 1, '5')).toEqual([])
    expect(await n.pipe('c', update('1'), 20)).toEqual(['a=3@1{5}', 'b=2@5'])
  })

  it('passes every update at once with limit 0, tombstones too', async () => {
    const { node: n } = node({ waitMs: 0 })
    n.showOld = true
    expect(await n.pipe('a', update('x'), 5)).toEqual(['a=x@5(∅)'])
    expect(await n.pipe('a', update(null, 'x'), 5)).toEqual(['a=∅@5(x)'])
  })

  it('emits the oldest early when it is full, or stops', async () => {
    const early = node({ waitMs: 1000, maxRecords: 1 }).node
    await early.pipe('a', update('1'), 5)
    await early.pipe('a', update('2', '1'), 6)
    expect(await early.pipe('b', update('1'), 7)).toEqual(['a=2@6'])
    expect(await early.pipe('c', update('1'), 1)).toEqual(['c=1@1'])

    const stop = node({ waitMs: 1000, maxBytes: 50, whenFull: 'shutDown' }).node
    await stop.pipe('a', update('1'), 5)
    const full = stop.pipe('b', update('1'), 5)
    await expect(full).rejects.toThrow(StateStoreError)
    await expect(full).rejects.toThrow(
      /raise maxRecords or maxBytes, or choose whenFull: 'emitEarly'/,
    )
  })

  it('goes on one after another where a child is asynchronous', async () => {
    const { node: n } = node({ waitMs: 1 })
    n.asyncChildren = true
    await n.pipe('a', update('1'), 1)
    await n.pipe('b', update('1'), 1)
    expect(await n.pipe('c', update('1'), 9)).toEqual(['a=1@1', 'b=1@1'])
  })
})

describe('suppress until windows close', () => {
  it('gives one result per window by end and key, without tombstones', async () => {
    const { node: n } = node({ until: 'windowCloses', whenFull: 'shutDown' }, timeKeys)
    await n.pipe(window('b', 0), update('1'), 0)
    await n.pipe(window('a', 0), update('1'), 3, '2')
    await n.pipe(window('b', 0), update('2', '1'), 2)
    await n.pipe(window('d', 0), update(null, '1'), 2)
    expect(await n.pipe(window('a', 10), update('1'), 14)).toEqual([])
    expect(await n.pipe(window('c', 10), update('1'), 15)).toEqual([
      'a[0,10)=1@3{2}',
      'b[0,10)=2@2',
    ])
  })

  it('stops when it is full, which only more room can remedy', async () => {
    const options = { until: 'windowCloses', maxRecords: 1, whenFull: 'shutDown' } as const
    const { node: n } = node(options, timeKeys)
    await n.pipe(window('a', 0), update('1'), 0)
    const full = n.pipe(window('b', 0), update('1'), 0)
    await expect(full).rejects.toThrow(/raise maxRecords or maxBytes$/)
  })

  it('takes the end of sessions', async () => {
    const { node: n } = node({ until: 'windowCloses', waitMs: 5 }, sessionWindowed(string()))
    const session = (key: string, startMs: number, endMs: number) =>
      ({ kind: 'session', key, startMs, endMs }) as const
    expect(await n.pipe(session('a', 3, 3), update('A'), 3)).toEqual([])
    expect(await n.pipe(session('b', 8, 8), update('z'), 8)).toEqual(['a[3,3]=A@3'])
  })
})

describe('look-ups into a suppressed table', () => {
  it('see what was there before while a key is buffered', async () => {
    const { node: n, buffer } = node({ waitMs: 1000 })
    const parent = {
      stores: ['p'],
      open: () => ({ get: () => ({ value: 'live', timestampMs: 7 }) }),
    }
    const rows = suppressLookup('s', parent).open({ store: () => buffer } as unknown as NodeContext)
    expect(rows.get('a')).toEqual({ value: 'live', timestampMs: 7 })
    await n.pipe('a', update('x'), 0)
    expect(rows.get('a')).toBeUndefined()
    await n.pipe('b', update('y', 'old'), 0)
    expect(rows.get('b')).toMatchObject({ value: 'old' })
  })
})
