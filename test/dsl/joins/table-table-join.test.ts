// Table-table joins: the truth table of semantics 7.4 and what it leaves open.
import { describe, expect, it } from 'vitest'
import { follows, pair, Scenario, type Inputs, type Line } from './scenario.js'

type Kind = 'join' | 'leftJoin' | 'outerJoin'

const joined =
  (kind: Kind, o: object = {}) =>
  ({ table }: Inputs) =>
    (table('L')[kind] as any)(table('R'), pair, o)

/** Input, then the output of inner, left and outer; '' is nothing. */
const truth: readonly (readonly [string, string, string, string])[] = [
  ['L a=∅@1', '', '', ''],
  ['R a=∅@2', '', '', ''],
  ['L a=A@3 {h=1}', '', 'a=A+null@3 {h=1}', 'a=A+null@3 {h=1}'],
  ['R a=a@4 {h=2}', 'a=A+a@4 {h=2}', 'a=A+a@4 {h=2}', 'a=A+a@4 {h=2}'],
  ['L a=B@5', 'a=B+a@5', 'a=B+a@5', 'a=B+a@5'],
  ['R a=b@6', 'a=B+b@6', 'a=B+b@6', 'a=B+b@6'],
  ['L a=C@2', 'a=C+b@6', 'a=C+b@6', 'a=C+b@6'],
  ['L a=∅@8', 'a=∅@8', 'a=∅@8', 'a=null+b@8'],
  ['R a=c@9', '', '', 'a=null+c@9'],
  ['R a=∅@10', '', '', 'a=∅@10'],
  ['R a=∅@10', '', '', ''],
  ['R a=d@11', '', '', 'a=null+d@11'],
  ['L a=∅@12', 'a=∅@12', 'a=∅@12', 'a=null+d@12'],
  ['L a=E@13', 'a=E+d@13', 'a=E+d@13', 'a=E+d@13'],
  ['R a=e@1', 'a=E+e@13', 'a=E+e@13', 'a=E+e@13'],
  ['R a=∅@14', 'a=∅@14', 'a=E+null@14', 'a=E+null@14'],
  ['L a=∅@15', '', 'a=∅@15', 'a=∅@15'],
  ['L a=∅@16', '', '', ''],
  ['L ∅=x@17', 'drop', 'drop', 'drop'],
  ['R ∅=x@18', 'drop', 'drop', 'drop'],
]
const kinds: readonly Kind[] = ['join', 'leftJoin', 'outerJoin']
const column = (n: number, change: (line: Line) => Line = (line) => line): Line[] =>
  truth.map(([input, ...outputs]) => change([input, outputs[n]!].filter(Boolean) as never))

describe.each(kinds.map((kind, n) => [kind, n] as const))('%s of tables', (kind, n) => {
  it('gives the truth table, kept or not, on either engine', async () => {
    await follows(joined(kind), column(n))
    await follows(joined(kind, { store: 's' }), column(n), { engine: 'memory' })
  })

  it('forwards no deletion of an absent result where a filter knows that it was absent', async () => {
    const lines = column(n, ([input, ...outputs]) =>
      input === 'L a=∅@12' && kind !== 'outerJoin' ? [input] : [input, ...outputs],
    )
    const build = ({ table }: Inputs) =>
      (table('L')[kind] as any)(table('R'), pair, { store: 's' }).filter(() => true)
    await follows(build, lines)
  })

  it('gives the same last row of each key with record caches', async () => {
    const last = async (caching: boolean): Promise<Map<string, string>> => {
      await using scenario = new Scenario(joined(kind, { store: 's' }), { caching })
      const rows = new Map<string, string>()
      for (const [input] of truth)
        for (const output of await scenario.feed(input)) {
          const [key, row] = output.split('=')
          if (row?.startsWith('∅')) rows.delete(key!)
          else if (row !== undefined) rows.set(key!, row)
        }
      return rows
    }
    expect(await last(true)).toEqual(await last(false))
  })
})

describe('joins of tables', () => {
  it('give two results where one record updates both sides', () =>
    follows(
      ({ table }) => {
        const rows = table('L')
        return rows.join(
          rows.mapValues((v) => `${v}m`),
          pair,
        )
      },
      [['L k=1@1', 'k=1+1m@1', 'k=1+1m@1']],
    ))

  it('keep equal timestamps and take the later of two', () =>
    follows(joined('join'), [
      ['L a=A@5'],
      ['R a=x@5', 'a=A+x@5'],
      ['R a=y@9', 'a=A+y@9'],
      ['L a=B@7', 'a=B+y@9'],
    ]))

  it('look rows of a result up that is not kept, through both inputs', () =>
    follows(
      ({ stream, table }) =>
        stream('S').leftJoin(table('L').outerJoin(table('R'), pair as any), pair as any) as any,
      [
        ['S a=s@1', 'a=s+null@1'],
        ['R a=r@2'],
        ['S a=s@3', 'a=s+null+r@3'],
        ['L a=l@4'],
        ['S a=s@5', 'a=s+l+r@5'],
      ],
    ))

  it('skip and count out-of-order updates of a versioned table', () =>
    follows(
      ({ table }) => table('L', { store: 'l', historyMs: 100 }).join(table('R'), pair),
      [['R a=u@1'], ['L a=7@10', 'a=7+u@10'], ['L a=3@5', 'drop'], ['L a=8@20', 'a=8+u@20']],
    ))

  it('leave both tables as they are when the joiner throws, and go on', () =>
    follows(
      ({ table }) =>
        table('L').leftJoin(table('R'), (left, right) => {
          if (right === 'bad') throw new Error('no')
          return pair(left, right)
        }),
      [['L a=A@1', 'a=A+null@1'], ['R a=bad@2', 'drop'], ['R b=b@3'], ['R a=good@4', 'a=A+good@4']],
      { config: { processingHandler: 'continue' } },
    ))

  it('refuse a joiner that returns nothing, and name the node', async () => {
    await using scenario = new Scenario(({ table }) =>
      table('L').leftJoin(table('R'), () => undefined as never),
    )
    await expect(scenario.feed('L a=A@1')).rejects.toThrow(/KTABLE-JOINTHIS-.*joiner.*undefined/s)
  })
})
