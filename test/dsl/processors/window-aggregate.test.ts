import { describe, expect, it } from 'vitest'
import type { EmitStrategy, Fold } from '../../../src/dsl/processors/operator-options.js'
import { windowAggregate } from '../../../src/dsl/processors/window-aggregate.js'
import { endOfTimeMs } from '../../../src/serde/windowed-serdes.js'
import { NodeHarness, WindowMapRows } from './node-harness.js'

const node = (
  windows: { sizeMs: number; advanceMs?: number; graceMs: number; startMs?: number },
  o: { emit?: EmitStrategy; fold?: Fold; old?: boolean; config?: Record<string, unknown> } = {},
): NodeHarness => {
  const { sizeMs, advanceMs = sizeMs, graceMs, startMs } = windows
  const supplier = windowAggregate({
    store: 's',
    fold: o.fold ?? { kind: 'count' },
    windows: { kind: 'time', sizeMs, advanceMs, graceMs, startMs },
    emit: o.emit ?? 'onWindowUpdate',
    sendsOldValues: () => o.old ?? false,
  })
  return new NodeHarness(supplier, new WindowMapRows(), o.config)
}

describe('tumbling and hopping windows', () => {
  it('take records until stream time reaches window end plus grace', async () => {
    const n = node({ sizeMs: 10, graceMs: 5 })
    expect(await n.pipe('a', '', 0, '1')).toEqual(['a[0,10)=1@0{1}'])
    expect(await n.pipe('a', '', 9)).toEqual(['a[0,10)=2@9'])
    expect(await n.pipe('a', '', 10)).toEqual(['a[10,20)=1@10'])
    expect(await n.pipe('a', null, 11)).toEqual(['a[10,20)=2@11'])
    expect(await n.pipe('a', '', 14)).toEqual(['a[10,20)=3@14'])
    expect(await n.pipe('a', '', 3, '9')).toEqual(['a[0,10)=3@9{9}'])
    expect(await n.pipe('b', '', 15)).toEqual(['b[10,20)=1@15'])
    expect(await n.pipe('a', '', 9)).toEqual(['drop'])
    expect(await n.pipe(null, '', 9)).toEqual(['drop'])
  })

  it('overlap when they hop; each window counts its own lateness', async () => {
    for (const asyncChildren of [false, true]) {
      const n = node({ sizeMs: 10, advanceMs: 4, graceMs: 0 })
      n.asyncChildren = asyncChildren
      expect(await n.pipe('a', '', 0)).toEqual(['a[0,10)=1@0'])
      expect(await n.pipe('a', '', 9)).toEqual(['a[0,10)=2@9', 'a[4,14)=1@9', 'a[8,18)=1@9'])
      expect(await n.pipe('a', '', 13)).toEqual(['a[4,14)=2@13', 'a[8,18)=2@13', 'a[12,22)=1@13'])
      expect(await n.pipe('a', '', 4)).toEqual(['drop', 'a[4,14)=3@13'])
      expect((await n.pipe('a', '', 100)).length).toBe(3)
    }
    const partial = node({ sizeMs: 10, advanceMs: 5, graceMs: 2 })
    await partial.pipe('a', '', 17)
    expect(await partial.pipe('a', '', 7)).toEqual(['drop', 'drop'])
  })

  it('pass null values to a reduce, as Kafka Streams does', async () => {
    const n = node(
      { sizeMs: 10, graceMs: 0 },
      { fold: { kind: 'reduce', reduce: (a, v) => `${a}+${v}` } },
    )
    expect(await n.pipe('a', null, 1)).toEqual(['a[0,10)=∅@1'])
    expect(await n.pipe('a', 'x', 2)).toEqual(['a[0,10)=x@2'])
    expect(await n.pipe('a', null, 3)).toEqual(['a[0,10)=x+null@3'])
  })
})

describe('unlimited windows', () => {
  it('hold all records from their start on; earlier ones vanish', async () => {
    const n = node({ sizeMs: endOfTimeMs, graceMs: 0, startMs: 5 })
    expect(await n.pipe('a', '', 4)).toEqual([])
    expect(await n.pipe('a', '', 10)).toEqual([`a[5,${endOfTimeMs})=1@10`])
    expect(await n.pipe('a', '', 5)).toEqual([`a[5,${endOfTimeMs})=2@10`])
  })
})

describe('windows emitted on close', () => {
  const close = { emit: 'onWindowClose' } as const

  it('leave once, by start and key, under the record that closes them', async () => {
    const n = node({ sizeMs: 10, graceMs: 5 }, close)
    for (const [key, at] of [
      ['b', 0],
      ['a', 3],
      ['b', 2],
      ['a', 12],
      ['a', 14],
    ] as const)
      expect(await n.pipe(key, '', at)).toEqual([])
    expect(await n.pipe('c', '', 15, '5')).toEqual(['a[0,10)=1@3{5}', 'b[0,10)=2@2{5}'])
    expect(await n.pipe('c', '', 24)).toEqual([])
    expect(await n.pipe('c', '', 25, '7')).toEqual(['a[10,20)=2@14{7}', 'c[10,20)=1@15{7}'])
  })

  it('leave one after another when they hop', async () => {
    const n = node({ sizeMs: 10, advanceMs: 5, graceMs: 0 }, close)
    await n.pipe('a', '', 0)
    await n.pipe('b', '', 7)
    expect(await n.pipe('a', '', 10)).toEqual(['a[0,10)=1@0', 'b[0,10)=1@7'])
    expect(await n.pipe('a', '', 15)).toEqual(['a[5,15)=1@10', 'b[5,15)=1@7'])
  })

  it('leave also when time jumps, and after a restart neither twice nor never', async () => {
    const n = node({ sizeMs: 10, graceMs: 5 }, close)
    await n.pipe('b', '', 0)
    expect(await n.pipe('c', '', 12)).toEqual([])
    expect(await n.pipe('c', '', 100)).toEqual(['b[0,10)=1@0', 'c[10,20)=1@12'])
    expect([...n.committed]).toEqual([['s', 95]])
    expect(await n.pipe('c', '', 101)).toEqual([])
  })
})
