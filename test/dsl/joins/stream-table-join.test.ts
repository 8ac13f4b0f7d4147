// Stream-table joins: look-ups now, as of a time, and after waiting (semantics 9).
import { describe, expect, it } from 'vitest'
import { follows, pair, Scenario, type Inputs } from './scenario.js'

type Kind = 'join' | 'leftJoin'

const joined =
  (kind: Kind, o: object = {}, table: object = {}) =>
  (inputs: Inputs) =>
    (inputs.stream('S')[kind] as any)(inputs.table('T', table), pair, o)

const versions = { store: 'versions', historyMs: 100 }

describe('joins of a stream with a table', () => {
  it('see the row that is there, whatever its time', async () => {
    await follows(joined('join'), [
      ['S a=s0@5'],
      ['T a=t1@10'],
      ['S a=s1@3 {h=1}', 'a=s1+t1@3 {h=1}'],
      ['S b=s2@4'],
      ['S ∅=s3@5', 'drop'],
      ['S a=∅@6', 'drop'],
      ['T a=∅@11'],
      ['S a=s4@12'],
    ])
    await follows(joined('leftJoin'), [
      ['S a=s0@5', 'a=s0+null@5'],
      ['T a=t1@10'],
      ['S a=s1@3 {h=1}', 'a=s1+t1@3 {h=1}'],
      ['S b=s2@4', 'b=s2+null@4'],
      ['S ∅=s3@5', '∅=s3+null@5'],
      ['S a=∅@6', 'drop'],
      ['T a=∅@11'],
      ['S a=s4@12', 'a=s4+null@12'],
    ])
  })

  it('see the version of their time in a versioned table', () =>
    follows(joined('leftJoin', {}, versions), [
      ['T a=t10@10'],
      ['T a=t20@20'],
      ['S a=s@15', 'a=s+t10@15'],
      ['S a=s@5', 'a=s+null@5'],
      ['S a=s@25', 'a=s+t20@25'],
      ['T a=t12@12'],
      ['S a=s@13', 'a=s+t12@13'],
      ['T a=∅@22'],
      ['S a=s@25', 'a=s+null@25'],
      ['S a=s@21', 'a=s+t20@21'],
      ['T b=x@300'],
      ['S a=s@21', 'a=s+null@21'],
      ['T a=late@150', 'drop'],
    ]))
})

describe('joins that wait for a versioned table', () => {
  const waiting = (kind: Kind, graceMs = 10) => joined(kind, { graceMs }, versions)

  it('join a record when the stream has moved on by the grace period', () =>
    follows(waiting('leftJoin'), [
      ['S a=s1@1 {h=1}'],
      ['S b=s5@5 {h=5}'],
      ['T a=t0@0'],
      ['S a=s11@11 {h=11}', 'a=s1+t0@1 {h=1}'],
      ['S a=s0@0 {h=0}', 'a=s0+t0@0 {h=0}'],
      ['S a=s1b@1', 'a=s1b+t0@1'],
      ['S c=s30@30', 'b=s5+null@5 {h=5}', 'a=s11+t0@11 {h=11}'],
    ]))

  it('leave out records without a row where the join is an inner one', () =>
    follows(waiting('join'), [['S a=s@1'], ['S b=s@1'], ['T b=t@0'], ['S c=c@11', 'b=s+t@1']]))

  it('release equal times by key, then by arrival', () =>
    follows(waiting('leftJoin'), [
      ['S b=1@1'],
      ['S a=2@1'],
      ['S b=3@1'],
      ['S a=4@0'],
      ['S z=z@11', 'a=4+null@0', 'a=2+null@1', 'b=1+null@1', 'b=3+null@1'],
    ]))

  it('join at once with no grace, and late records at once always', () =>
    follows(waiting('leftJoin', 0), [
      ['S a=s@5', 'a=s+null@5'],
      ['S a=s@5', 'a=s+null@5'],
      ['S a=s@4', 'a=s+null@4'],
    ]))

  it('are not moved by the table, nor by records that are dropped', () =>
    follows(waiting('join'), [
      ['T a=t@0'],
      ['S a=s@1'],
      ['T a=t@80'],
      ['S a=∅@50', 'drop'],
      ['S ∅=s@50', 'drop'],
      ['S a=s@11', 'a=s+t@1'],
    ]))

  it('cannot let a null key wait in a left join, and say so', async () => {
    await using scenario = new Scenario(waiting('leftJoin'))
    await expect(scenario.feed('S ∅=s@1')).rejects.toThrow(/filter null keys before the join/)
    await follows(waiting('leftJoin'), [['S ∅=s@1', 'drop'], ['S a=s@1']], {
      config: { processingHandler: 'continue' },
    })
  })

  it('ask the handler about each record that the joiner fails for, and release the others', () =>
    follows(
      ({ stream, table }) =>
        stream('S').leftJoin(
          table('T', versions),
          (left) => {
            if (left === 'bad') throw new Error('no')
            return left
          },
          { graceMs: 5 },
        ) as any,
      [['S a=x@1'], ['S a=bad@1'], ['S a=y@1'], ['S b=z@6', 'a=x@1', 'a=y@1', 'drop']],
      { config: { processingHandler: 'continue' } },
    ))

  it('need a versioned table with enough history, and say so', () => {
    expect(() => new Scenario(joined('join', { graceMs: 10 }))).toThrow(/needs a versioned table/)
    expect(() => new Scenario(joined('join', { graceMs: 101 }, versions))).toThrow(
      /above the history of versions, 100 ms/,
    )
  })
})
