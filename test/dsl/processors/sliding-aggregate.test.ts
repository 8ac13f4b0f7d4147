import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EmitStrategy } from '../../../src/dsl/processors/operator-options.js'
import { slidingAggregate } from '../../../src/dsl/processors/sliding-aggregate.js'
import { NodeHarness, WindowMapRows } from './node-harness.js'

const node = (differenceMs: number, graceMs: number, emit: EmitStrategy = 'onWindowUpdate') => {
  const rows = new WindowMapRows()
  const supplier = slidingAggregate({
    store: 's',
    fold: {
      kind: 'aggregate',
      initial: () => '',
      add: (a: string, v: string) => [...(a + v)].sort().join(''),
    },
    windows: { kind: 'sliding', differenceMs, graceMs },
    emit,
    sendsOldValues: () => false,
  })
  return { node: new NodeHarness(supplier, rows), rows }
}

const pipe = async (n: NodeHarness, inputs: Record<string, string>): Promise<void> => {
  for (const [input, expected] of Object.entries(inputs)) {
    const [value, at] = input.split('@')
    const out = await n.pipe('a', value, Number(at))
    expect(out.map((o) => o.replace(/^a/, '').replace(')', ']')).join(' '), input).toBe(expected)
  }
}

describe('sliding windows', () => {
  it('are kept for each set of records within the difference', async () => {
    for (const asyncChildren of [false, true]) {
      const { node: n } = node(10, 50)
      n.asyncChildren = asyncChildren
      await pipe(n, {
        'A@20': '[10,20]=A@20',
        'B@25': '[21,31]=B@25 [15,25]=AB@25',
        'C@35': '[26,36]=C@35 [25,35]=BC@35',
        'D@30': '[26,36]=CD@35 [25,35]=BCD@35 [21,31]=BD@30 [20,30]=ABD@30 [31,41]=C@35',
        'E@22': '[21,31]=BDE@30 [20,30]=ABDE@30 [15,25]=ABE@25 [12,22]=AE@22 [23,33]=BD@30',
        'F@25': '[25,35]=BCDF@35 [23,33]=BDF@30 [21,31]=BDEF@30 [20,30]=ABDEF@30 [15,25]=ABEF@25',
        'G@5': '[0,10]=G@5',
        'H@3': '[4,14]=G@5 [0,10]=GH@5',
      })
    }
  })

  it('begin at zero for early records', async () => {
    await pipe(node(10, 50).node, {
      'A@0': '[0,10]=A@0',
      'B@5': '[1,11]=B@5 [0,10]=AB@5',
      'C@6': '[1,11]=BC@6 [6,16]=C@6 [0,10]=ABC@6',
      'D@2': '[1,11]=BCD@6 [3,13]=BC@6 [0,10]=ABCD@6',
      'E@10': '[6,16]=CE@10 [3,13]=BCE@10 [1,11]=BCDE@10 [0,10]=ABCDE@10 [7,17]=E@10',
    })
  })

  it('refuse records once they are closed', async () => {
    const { node: n } = node(10, 0)
    expect(await n.pipe('a', 'A', 20)).toHaveLength(1)
    await n.pipe('b', 'z', 35)
    expect(await n.pipe('a', 'B', 25)).toEqual(['drop', 'drop'])
    expect(await n.pipe('a', 'C', 24)).toEqual(['drop'])
    expect(await n.pipe('a', 'D', 26)).toEqual(['drop', 'drop'])
    expect(await n.pipe(null, 'D', 40)).toEqual(['drop'])
    expect(await n.pipe('a', null, 40)).toEqual(['drop'])
  })

  it('hold exactly the records within them, whatever the order of arrival', async () => {
    const records = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 60 }), fc.constantFrom('A', 'B', 'C')),
      {
        maxLength: 25,
      },
    )
    await fc.assert(
      fc.asyncProperty(records, fc.integer({ min: 1, max: 15 }), async (inputs, d) => {
        const { node: n, rows } = node(d, 1000)
        for (const [at, value] of inputs) await n.pipe('a', value, at)
        const within = (startMs: number, endMs: number): string =>
          inputs
            .filter(([at]) => at >= startMs && at <= endMs)
            .map(([, value]) => value)
            .sort()
            .join('')
        const stored = new Map([...rows.rows.values()].map((r) => [r.startMs, r.value as string]))
        for (const [startMs, value] of stored)
          expect(value, `window at ${startMs}`).toBe(within(startMs, startMs + d))
        // Every record ends a window, and starts one after it where a record follows.
        for (const [at] of inputs) {
          expect(stored.has(Math.max(0, at - d)), `left window of ${at}`).toBe(true)
          if (within(at + 1, at + 1 + d) !== '')
            expect(stored.has(at + 1), `right window of ${at}`).toBe(true)
        }
      }),
    )
  })
})

describe('sliding windows emitted on close', () => {
  it('leave when stream time is beyond their end and grace', async () => {
    const { node: n } = node(10, 0, 'onWindowClose')
    expect(await n.pipe('a', 'A', 20)).toEqual([])
    expect(await n.pipe('a', 'B', 25)).toEqual(['a[10,20)=A@20'])
    expect(await n.pipe('a', 'C', 30)).toEqual(['a[15,25)=AB@25'])
  })

  it('leave also when time jumps', async () => {
    const { node: n } = node(10, 0, 'onWindowClose')
    await n.pipe('a', 'A', 20)
    await n.pipe('a', 'B', 25)
    expect(await n.pipe('a', 'C', 31)).toEqual(['a[15,25)=AB@25'])
    expect(await n.pipe('a', 'D', 60)).toEqual(['a[21,31)=BC@31', 'a[26,36)=C@31'])
  })
})
