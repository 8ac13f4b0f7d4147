import { describe, expect, it } from 'vitest'
import { aggregate } from '../../../src/dsl/processors/aggregate.js'
import type { Fold } from '../../../src/dsl/processors/operator-options.js'
import { ProcessingError } from '../../../src/errors.js'
import { KeyRows, NodeHarness } from './node-harness.js'

const node = (fold: Fold, sendsOldValues = false): { node: NodeHarness; rows: KeyRows } => {
  const rows = new KeyRows()
  const options = { store: 's', versioned: false, fold, sendsOldValues: () => sendsOldValues }
  const harness = new NodeHarness(aggregate(options), rows)
  harness.showOld = sendsOldValues
  return { node: harness, rows }
}

describe('aggregate without windows', () => {
  it('counts, with the larger time and the headers of the record; drops null keys and values', async () => {
    const { node: n } = node({ kind: 'count' })
    expect(await n.pipe('a', '1', 5, '1')).toEqual(['a=1@5{1}'])
    expect(await n.pipe('a', '2', 3)).toEqual(['a=2@5'])
    expect(await n.pipe(null, 'x', 4)).toEqual(['drop'])
    expect(await n.pipe('a', null, 4)).toEqual(['drop'])
  })

  it('takes the first value of a reduce as it is, and starts afresh after a deletion', async () => {
    const { node: n } = node({
      kind: 'reduce',
      reduce: (a: string, v: string) => (v === 'del' ? null : a + v),
    })
    expect(await n.pipe('a', 'x', 5)).toEqual(['a=x@5'])
    expect(await n.pipe('a', 'y', 3)).toEqual(['a=xy@5'])
    expect(await n.pipe('a', 'del', 1)).toEqual(['a=∅@5'])
    expect(await n.pipe('a', 'q', 2)).toEqual(['a=q@2'])
  })

  it('passes the initial value on as the first old one, as Kafka Streams does', async () => {
    const { node: n } = node({ kind: 'aggregate', initial: () => 'I', add: (a, v) => a + v }, true)
    expect(await n.pipe('a', 'x', 5)).toEqual(['a=Ix@5(I)'])
    expect(await n.pipe('a', 'y', 6)).toEqual(['a=Ixy@6(Ix)'])
    const { node: reduce } = node({ kind: 'reduce', reduce: (a, v) => a + v }, true)
    expect(await reduce.pipe('a', 'x', 5)).toEqual(['a=x@5(∅)'])
  })

  it('gives the same old values whether the fold copies or changes its accumulator in place', async () => {
    const inPlace = node(
      { kind: 'aggregate', initial: () => [] as string[], add: (a, v) => (a.push(v), a) },
      true,
    ).node
    const copying = node(
      { kind: 'aggregate', initial: () => [] as string[], add: (a, v) => [...a, v] },
      true,
    ).node
    for (const value of ['x', 'y', 'z'])
      expect(await inPlace.pipe('a', value, 1)).toEqual(await copying.pipe('a', value, 1))
  })

  it('does not let a reducer change a value that others hold', async () => {
    const { node: n } = node({ kind: 'reduce', reduce: (a, v) => ((a.n += v.n), a) })
    const first = { n: 1 }
    await n.pipe('a', first, 1)
    expect(await n.pipe('a', { n: 2 }, 2)).toEqual(['a={"n":3}@2'])
    expect(first).toEqual({ n: 1 })
  })

  it('changes nothing when the callback throws or gives no value', async () => {
    const bad: Record<string, (a: string[]) => unknown> = {
      throws: () => {
        throw new Error('no')
      },
      nothing: () => undefined,
      promise: () => Promise.reject(new Error('late')),
    }
    for (const [name, answer] of Object.entries(bad)) {
      const { node: n, rows } = node({
        kind: 'aggregate',
        initial: () => [] as string[],
        add: (a, v) => (a.push(v), v === 'bad' ? answer(a) : a),
      })
      await n.pipe('a', 'x', 1)
      await expect(n.pipe('a', 'bad', 2)).rejects.toThrow(
        name === 'throws' ? /no/ : ProcessingError,
      )
      expect(rows.row('a')).toMatchObject({ value: ['x'], timestampMs: 1 })
      expect(await n.pipe('a', 'y', 3)).toEqual(['a=["x","y"]@3'])
    }
  })
})
