// The sorted map against a plain one, large enough that chunks are cut, with snapshots taken on the way.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SortedMap, type SortedSnapshot } from '../../src/state/sorted-map.js'

type Model = Map<string, number>

const sorted = (model: Model, from?: string, to?: string): [string, number][] =>
  [...model]
    .filter(([key]) => (from === undefined || key >= from) && (to === undefined || key < to))
    .sort(([a], [b]) => (a < b ? -1 : 1))

const check = (
  snapshot: SortedSnapshot<number>,
  model: Model,
  from?: string,
  to?: string,
): void => {
  const expected = sorted(model, from, to)
  expect([...snapshot.entries(from, to)]).toEqual(expected)
  expect([...snapshot.entries(from, to, true)]).toEqual(expected.toReversed())
}

const keyOf = (n: number): string => `k${String(n).padStart(5, '0')}`

describe('the sorted map', () => {
  it('equals a plain map over many chunks, and snapshots stay as they were', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('run'), at: fc.nat(3000) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('scatter'), at: fc.nat(3000) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('delete'), at: fc.nat(3000) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('snapshot'), at: fc.nat(3000) }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25, size: 'max' }), (steps) => {
        const map = new SortedMap<number>()
        const model: Model = new Map()
        const kept: { snapshot: SortedSnapshot<number>; model: Model }[] = []
        let n = 0
        let same = true
        for (const { do: action, at } of steps) {
          for (let i = 0; i < 300; i++) {
            const key = keyOf(action === 'scatter' ? (at + i * 7919) % 3300 : at + i)
            if (action === 'delete') same &&= map.delete(key) === model.delete(key)
            else if (action !== 'snapshot') {
              map.set(key, ++n)
              model.set(key, n)
            }
          }
          if (action === 'snapshot') kept.push({ snapshot: map.snapshot(), model: new Map(model) })
          expect(same).toBe(true)
          expect(map.size).toBe(model.size)
          expect(map.get(keyOf(at))).toBe(model.get(keyOf(at)))
          check(map.snapshot(), model, keyOf(at), keyOf(at + 500))
        }
        check(map.snapshot(), model)
        for (const { snapshot, model: then } of kept) check(snapshot, then)
      }),
      { numRuns: 12 },
    )
  })

  it('gives the first value, whatever was deleted before it', () => {
    const map = new SortedMap<number>()
    for (let i = 0; i < 1000; i++) map.set(keyOf(i), i)
    for (let i = 0; i < 1000; i++) {
      expect(map.first).toBe(i)
      map.delete(keyOf(i))
    }
    expect(map.first).toBeUndefined()
  })
})
