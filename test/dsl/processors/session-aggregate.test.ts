import { describe, expect, it } from 'vitest'
import type { EmitStrategy, Fold } from '../../../src/dsl/processors/operator-options.js'
import { sessionAggregate } from '../../../src/dsl/processors/session-aggregate.js'
import { NodeHarness, SessionMapRows } from './node-harness.js'

const concat: Fold = { kind: 'aggregate', initial: () => '', add: (a, v) => a + v }

const node = (
  gapMs: number,
  graceMs: number,
  o: { fold?: Fold; merge?: (a: any, b: any) => unknown; emit?: EmitStrategy; old?: boolean } = {},
): { node: NodeHarness; rows: SessionMapRows } => {
  const rows = new SessionMapRows()
  const fold = o.fold ?? concat
  const supplier = sessionAggregate({
    store: 's',
    fold,
    merge: o.merge ?? (fold.kind === 'aggregate' ? (a, b) => a + b : undefined),
    windows: { kind: 'session', gapMs, graceMs },
    emit: o.emit ?? 'onWindowUpdate',
    sendsOldValues: () => o.old ?? false,
  })
  const harness = new NodeHarness(supplier, rows)
  harness.showOld = o.old ?? false
  return { node: harness, rows }
}

describe('sessions', () => {
  it('join records at most a gap apart, with tombstones for what they replace', async () => {
    for (const asyncChildren of [false, true]) {
      const { node: n } = node(5, 10)
      n.asyncChildren = asyncChildren
      expect(await n.pipe('a', 'A', 10)).toEqual(['a[10,10]=A@10'])
      expect(await n.pipe('a', 'B', 15)).toEqual(['a[10,10]=∅@10', 'a[10,15]=AB@15'])
      expect(await n.pipe('a', 'C', 21)).toEqual(['a[21,21]=C@21'])
      expect(await n.pipe('a', 'D', 20)).toEqual([
        'a[10,15]=∅@15',
        'a[21,21]=∅@21',
        'a[10,21]=ABCD@21',
      ])
      expect(await n.pipe('a', 'E', 20)).toEqual(['a[10,21]=∅@21', 'a[10,21]=ABCDE@21'])
      expect(await n.pipe('a', 'F', 30)).toEqual(['a[30,30]=F@30'])
      expect(await n.pipe('a', 'G', 26)).toEqual([
        'a[10,21]=∅@21',
        'a[30,30]=∅@30',
        'a[10,30]=ABCDEFG@30',
      ])
      expect(await n.pipe('a', 'H', 60)).toEqual(['a[60,60]=H@60'])
      expect(await n.pipe('a', 'I', 44)).toEqual(['drop'])
      expect(await n.pipe('a', 'J', 45)).toEqual(['a[45,45]=J@45'])
      expect(await n.pipe('a', 'x', 0)).toEqual(['drop'])
      expect(await n.pipe(null, 'x', 60)).toEqual(['drop'])
    }
  })

  it('are overwritten in place by a record of the same time; headers are lost', async () => {
    const { node: n } = node(5, 10, { fold: { kind: 'count' }, old: true })
    expect(await n.pipe('a', 'x', 10, '1')).toEqual(['a[10,10]=1@10(∅)'])
    expect(await n.pipe('a', null, 10)).toEqual(['a[10,10]=2@10(∅)'])
    expect(await n.pipe('a', 'x', 12)).toEqual(['a[10,10]=∅@10(2)', 'a[10,12]=3@12(∅)'])
  })

  it('reduce with null as neutral', async () => {
    const { node: n } = node(5, 10, { fold: { kind: 'reduce', reduce: (a, v) => a + v } })
    await n.pipe('a', 'x', 10)
    await n.pipe('a', 'y', 20)
    expect((await n.pipe('a', 'z', 15)).at(-1)).toBe('a[10,20]=xyz@20')
  })

  it('stay as they are when a callback throws, also one that changes in place', async () => {
    const { node: n, rows } = node(5, 10, {
      fold: {
        kind: 'aggregate',
        initial: () => [] as string[],
        add(a, v) {
          a.push(v)
          if (v === 'bad') throw new Error('no')
          return a
        },
      },
      merge: (a, b) => (b.push(...a), b),
    })
    await n.pipe('a', 'x', 10)
    await expect(n.pipe('a', 'bad', 12)).rejects.toThrow('no')
    expect([...rows.rows.values()]).toMatchObject([{ startMs: 10, endMs: 10, value: ['x'] }])
    expect((await n.pipe('a', 'y', 12)).at(-1)).toBe('a[10,12]=["x","y"]@12')
  })
})

describe('sessions emitted on close', () => {
  it('leave once stream time is beyond end, gap and grace', async () => {
    const { node: n } = node(5, 0, { fold: { kind: 'count' }, emit: 'onWindowClose' })
    for (const [key, at] of [
      ['a', 0],
      ['a', 3],
      ['b', 4],
      ['b', 8],
    ] as const)
      expect(await n.pipe(key, '', at)).toEqual([])
    expect(await n.pipe('c', '', 9, '2')).toEqual(['a[0,3]=2@3{2}'])
    expect(await n.pipe('c', '', 13)).toEqual([])
    expect(await n.pipe('c', '', 14)).toEqual(['b[4,8]=2@8'])
    await n.pipe('c', '', 19)
    await n.pipe('c', '', 20)
    expect(await n.pipe('c', '', 40)).toEqual(['c[9,20]=5@20'])
  })
})
