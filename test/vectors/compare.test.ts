// What the comparison of recorded cases lets pass, and what it does not.
import { describe, expect, it } from 'vitest'
import { findDifference } from './compare.js'
import { describeDifference } from './describe-graph.js'
import type { OutputRecord, Step, VectorCase } from './vector-case.js'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const record = (
  after: number,
  key: string,
  value: string,
  ts: number | null = 0,
): OutputRecord => ({
  after,
  key: base64(key),
  value: base64(value),
  ts,
})

function differs(
  topic: string,
  expected: readonly OutputRecord[],
  actual: readonly OutputRecord[],
  steps: readonly Step[] = [],
): boolean {
  const vector: VectorCase = {
    name: 'case',
    family: 'family',
    api: 'dsl',
    config: {},
    steps,
    inputs: [],
    describe: '',
    outputs: { [topic]: expected },
    dropped: [],
    stores: {},
  }
  const outputs = new Map([[topic, actual]])
  return findDifference(vector, { outputs, dropped: [], stores: new Map() }) !== undefined
}

const twice = [record(0, 'a', '1'), record(0, 'b', '1'), record(0, 'a', '2'), record(1, 'a', '3')]

describe('comparing results', () => {
  it('takes records in their order only', () => {
    expect(differs('OUT', twice, twice)).toBe(false)
    expect(differs('OUT', twice, twice.toReversed())).toBe(true)
    expect(differs('OUT', twice, twice.slice(0, 3))).toBe(true)
    expect(differs('OUT', [], twice)).toBe(true)
  })

  it('takes timestamps and headers for what they are', () => {
    expect(differs('OUT', [record(0, 'a', '1', 5)], [record(0, 'a', '1', 6)])).toBe(true)
    expect(differs('OUT', [record(0, 'a', '1', null)], [record(0, 'a', '1', 6)])).toBe(true)
    const headers = [['h', null]] as const
    expect(differs('OUT', [record(0, 'a', '1')], [{ ...record(0, 'a', '1'), headers }])).toBe(true)
  })
})

describe('comparing changelogs', () => {
  const topic = 'app-store-changelog'

  it('lets the last record of a row stand for those of one input', () => {
    expect(differs(topic, twice, twice)).toBe(false)
    expect(differs(topic, twice, [twice[1]!, twice[2]!, twice[3]!])).toBe(false)
  })

  it('misses the last record of each row and input', () => {
    expect(differs(topic, twice, [twice[0]!, twice[1]!, twice[3]!])).toBe(true)
    expect(differs(topic, twice, [twice[2]!, twice[3]!])).toBe(true)
    expect(differs(topic, twice, [twice[1]!, twice[2]!])).toBe(true)
  })

  it('keeps the order of what is left', () => {
    expect(differs(topic, twice, [twice[2]!, twice[1]!, twice[3]!])).toBe(true)
  })

  it('takes every put of a versioned store', () => {
    const steps: Step[] = [{ op: 'table', store: 'store', history: 5 }]
    expect(differs(topic, twice, twice, steps)).toBe(false)
    expect(differs(topic, twice, twice.slice(1), steps)).toBe(true)
  })

  it('takes the records of a suppress buffer after one input as a set', () => {
    const steps: Step[] = [{ op: 'suppressTime', named: 'hold' }]
    const hold = 'app-hold-store-changelog'
    const set = [twice[1]!, twice[0]!, twice[2]!, twice[3]!]
    expect(differs(hold, twice, set, steps)).toBe(false)
    expect(differs(hold, twice, set.slice(1), steps)).toBe(true)
  })
})

describe('comparing describe()', () => {
  const text = (order: string) =>
    `Topologies:\n   Sub-topology: 0\n    Source: s (topics: [${order}])\n      --> p\n\n`

  it('does not see the order of names in a line', () => {
    expect(describeDifference(text('a, b'), text('b, a'))).toBeUndefined()
  })

  it('sees another name', () => {
    expect(describeDifference(text('a, b'), text('a, c'))).toContain('topics: a, c')
  })
})
