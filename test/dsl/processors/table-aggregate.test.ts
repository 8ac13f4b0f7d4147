import { describe, expect, it } from 'vitest'
import { Change } from '../../../src/dsl/change.js'
import type { TableAggregateOptions } from '../../../src/dsl/processors/operator-options.js'
import { tableAggregate } from '../../../src/dsl/processors/table-aggregate.js'
import { KeyRows, NodeHarness } from './node-harness.js'

const node = (fold: TableAggregateOptions['fold'], old = false): NodeHarness => {
  const options = { store: 's', versioned: false, fold, sendsOldValues: () => old }
  const harness = new NodeHarness(tableAggregate(options), new KeyRows())
  harness.showOld = old
  return harness
}

const concat = {
  add: (a: string, v: string) => `${a}+${v}`,
  subtract: (a: string, v: string): string | null => `${a}-${v}`,
}

describe('aggregate of a grouped table', () => {
  it('subtracts what left before it adds what came', async () => {
    const n = node({ kind: 'aggregate', initial: () => '', ...concat }, true)
    expect(await n.pipe('g1', new Change('a', null), 1, '1')).toEqual(['g1=+a@1(∅){1}'])
    expect(await n.pipe('g1', new Change('b', null), 5)).toEqual(['g1=+a+b@5(+a)'])
    expect(await n.pipe('g1', new Change('c', 'a'), 3)).toEqual(['g1=+a+b-a+c@5(+a+b)'])
    expect(await n.pipe('g1', new Change(null, 'c'), 4)).toEqual(['g1=+a+b-a+c-c@5(+a+b-a+c)'])
  })

  it('counts down to zero and stays there', async () => {
    const n = node({ kind: 'count' })
    expect(await n.pipe('g', new Change('a', null), 1)).toEqual(['g=1@1'])
    expect(await n.pipe('g', new Change(null, 'a'), 2)).toEqual(['g=0@2'])
  })

  it('reduces from the first value on', async () => {
    const n = node({ kind: 'reduce', ...concat })
    expect(await n.pipe('g', new Change('a', null), 1)).toEqual(['g=a@1'])
    expect(await n.pipe('g', new Change('b', 'a'), 0)).toEqual(['g=a-a+b@1'])
  })

  it('deletes when a callback returns null, and ignores an old value without a row', async () => {
    const n = node({ kind: 'aggregate', initial: () => '', ...concat, subtract: () => null })
    await n.pipe('g', new Change('a', null), 1)
    await n.pipe('g', new Change('b', null), 3)
    expect(await n.pipe('g', new Change(null, 'b'), 2)).toEqual(['g=∅@3'])
    expect(await n.pipe('g', new Change(null, 'b'), 2)).toEqual(['g=∅@2'])
    expect(await n.pipe('g', new Change('c', 'b'), 2)).toEqual(['g=+c@2'])
  })

  it('changes nothing when the second callback throws', async () => {
    const n = node({
      kind: 'aggregate',
      initial: () => [] as string[],
      add(a, v) {
        if (v === 'bad') throw new Error('no')
        return (a.push(v), a)
      },
      subtract: (a: string[], v: string) => (a.splice(a.indexOf(v), 1), a),
    })
    await n.pipe('g', new Change('x', null), 1)
    await expect(n.pipe('g', new Change('bad', 'x'), 2)).rejects.toThrow('no')
    expect(await n.pipe('g', new Change('y', null), 3)).toEqual(['g=["x","y"]@3'])
  })
})
