// Foreign-key joins: the worked example of semantics 8.9 and what it leaves open.
import { describe, expect, it } from 'vitest'
import { string, StreamsBuilder } from '../../../src/index.js'
import { TopologyTestDriver } from '../../../src/testing/index.js'
import { follows, Scenario, type Inputs, type Line } from './scenario.js'

type Kind = 'join' | 'leftJoin'

/** The text after `|`. */
const foreignKey = (value: string): string | null => value.split('|')[1] ?? null
const pair = (left: string, right: string | null): string => `(${left},${right})`

const joined =
  (kind: Kind, o: object = {}, tables: { L?: object; R?: object } = {}) =>
  ({ table }: Inputs) =>
    (table('L', tables.L)[kind] as any)(table('R', tables.R), foreignKey, pair, o)

/** Input, inner, left; 'same' repeats the inner one. */
const example: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['L k1=v1|f1@1 {h=l}', [], ['k1=(v1|f1,null)@1 {h=l}']],
  ['R f1=r1@2 {h=r}', ['k1=(v1|f1,r1)@2 {h=r}'], ['k1=(v1|f1,r1)@2 {h=r}']],
  ['L k2=v2|f1@3', ['k2=(v2|f1,r1)@3'], ['k2=(v2|f1,r1)@3']],
  ['R f1=r2@1', ['k1=(v1|f1,r2)@1', 'k2=(v2|f1,r2)@1'], ['k1=(v1|f1,r2)@1', 'k2=(v2|f1,r2)@1']],
  ['L k1=v1|f2@4', ['k1=∅@4'], ['k1=(v1|f2,null)@4']],
  ['L k1=v1|f3@5', ['k1=∅@5'], ['k1=(v1|f3,null)@5']],
  ['R f3=r3@6', ['k1=(v1|f3,r3)@6'], ['k1=(v1|f3,r3)@6']],
  ['L k1=w1|f3@7', ['k1=(w1|f3,r3)@7'], ['k1=(w1|f3,r3)@7']],
  ['L k1=∅@8', ['k1=∅@8'], ['k1=∅@8']],
  ['L k1=∅@9', [], []],
  ['R f1=∅@10', ['k2=∅@10'], ['k2=(v2|f1,null)@10']],
  ['R f1=∅@11', ['k2=∅@11'], ['k2=(v2|f1,null)@11']],
  ['R f9=∅@12', [], []],
  ['L k3=nofk@13', ['drop'], ['k3=(nofk,null)@13']],
  ['L k3=x|f3@14', ['k3=(x|f3,r3)@14'], ['k3=(x|f3,r3)@14']],
  ['L k3=nofk@15', ['k3=∅@15'], ['k3=(nofk,null)@15']],
  ['L k3=∅@16', ['drop'], ['k3=∅@16']],
  ['R f3=r3@17', [], []],
  ['L k4=x|fzz@19', [], ['k4=(x|fzz,null)@19']],
  ['L k4=∅@20', ['k4=∅@20'], ['k4=∅@20']],
  ['L ∅=x|f1@21', ['drop'], ['drop']],
  ['R ∅=x@22', ['drop'], ['drop']],
]

describe.each([
  ['join', 1],
  ['leftJoin', 2],
] as const)('%s by foreign key', (kind, n) => {
  const lines = example.map((row): Line => [row[0], ...row[n]])

  it('gives the worked example, kept or not, on either engine', async () => {
    await follows(joined(kind), lines)
    await follows(joined(kind, { store: 's' }), lines, { engine: 'memory' })
  })

  it('gives the same last value of each key with record caches', async () => {
    const last = async (caching: boolean): Promise<Map<string, string>> => {
      await using scenario = new Scenario(joined(kind, { store: 's' }), { caching })
      const rows = new Map<string, string>()
      for (const [input] of lines)
        for (const output of await scenario.feed(input)) {
          const [key, row] = output.split('=')
          if (row?.startsWith('∅')) rows.delete(key!)
          else if (row !== undefined) rows.set(key!, row.replace(/@.*/, ''))
        }
      return rows
    }
    expect(await last(true)).toEqual(await last(false))
  })
})

describe('joins by foreign key', () => {
  it('answer the left rows of a right one in order of the bytes of their keys', () =>
    follows(joined('join'), [
      ['L ｆ=1|x@1'],
      ['L 😀=2|x@1'],
      ['L b=3|x@1'],
      ['L a=4|x@1'],
      ['L aa=5|xx@1'],
      ['R x=r@2', 'a=(4|x,r)@2', 'b=(3|x,r)@2', 'ｆ=(1|x,r)@2', '😀=(2|x,r)@2'],
    ]))

  it('skip and count out-of-order updates of versioned tables', () =>
    follows(
      joined('join', {}, { L: { store: 'l', historyMs: 100 }, R: { store: 'r', historyMs: 100 } }),
      [
        ['R x=r@10'],
        ['L a=1|x@10', 'a=(1|x,r)@10'],
        ['L a=0|x@5', 'drop'],
        ['R x=q@5', 'drop'],
        ['R x=s@20', 'a=(1|x,s)@20'],
      ],
    ))

  it('ask the handler where the selector or the joiner throws, and go on', () =>
    follows(
      ({ table }) =>
        table('L').join(
          table('R'),
          (value) => {
            if (value === 'bad') throw new Error('no key')
            return foreignKey(value)!
          },
          (left, right) => {
            if (right === 'bad') throw new Error('no pair')
            return pair(left, right)
          },
        ),
      [
        ['L a=1|x@1'],
        ['R x=bad@2', 'drop'],
        ['R x=r@3', 'a=(1|x,r)@3'],
        ['L b=bad@4', 'drop'],
        ['L a=2|x@5', 'a=(2|x,r)@5'],
      ],
      { config: { processingHandler: 'continue' } },
    ))

  it('refuse undefined as a foreign key, and name the node', async () => {
    await using scenario = new Scenario(({ table }) =>
      table('L').join(table('R'), () => undefined as any, pair),
    )
    await expect(scenario.feed('L a=1|x@1')).rejects.toThrow(
      /SUBSCRIPTION-REGISTRATION-.*foreign key.*undefined/s,
    )
  })

  it('find their way between tasks of several partitions, exactly once', async () => {
    const builder = new StreamsBuilder({ key: string(), value: string() })
    const left = builder.table<string, string>('L')
    const right = builder.table<string, string>('R')
    left
      .leftJoin(right, (value) => foreignKey(value)!, pair)
      .toStream()
      .to('out')
    await using driver = new TopologyTestDriver(builder.build(), {
      startMs: 0,
      partitions: 3,
      config: { processingGuarantee: 'exactly_once_v2', cacheMaxBytes: 0 },
    })
    const serdes = { key: string(), value: string() }
    const keys = Array.from({ length: 12 }, (_, n) => `k${n}`)
    for (const key of keys)
      await driver.createInputTopic('L', serdes).pipeInput(key, `${key}|f${key.length % 2}`)
    // Each hop over a topic is seen only when its transaction has ended.
    for (let hop = 0; hop < 3; hop++) await driver.commit()
    await driver.createInputTopic('R', serdes).pipeInput('f0', 'even')
    await driver.createInputTopic('R', serdes).pipeInput('f1', 'odd')
    for (let hop = 0; hop < 3; hop++) await driver.commit()
    const last = driver.createOutputTopic('out', serdes).readKeyValuesToMap()
    expect([...last].toSorted()).toEqual(
      keys
        .map((key) => [key, pair(`${key}|f${key.length % 2}`, key.length % 2 ? 'odd' : 'even')])
        .toSorted(),
    )
  })
})
