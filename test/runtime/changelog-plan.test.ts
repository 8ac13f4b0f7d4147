// From where a store is restored, and when its local rows go.
import { describe, expect, it } from 'vitest'
import { planRestore, type ChangelogFacts } from '../../src/runtime/changelog-plan.js'

const stored = { topic: 'log', topicId: 'one', offset: 20, atMs: 1_000 }
const facts = (some: Partial<ChangelogFacts>): ChangelogFacts => ({
  store: 'counts',
  topic: 'log',
  partition: 0,
  topicId: 'one',
  earliest: 0,
  latest: 50,
  stored,
  deleteRetentionMs: undefined,
  inputsCommitted: true,
  committedInput: undefined,
  isSource: false,
  nowMs: 2_000,
  ...some,
})

describe('planRestore', () => {
  it('reads the tail behind the local rows, to the high watermark', () => {
    expect(planRestore(facts({}), 'fail')).toEqual({ from: 20, to: 50, wipe: undefined })
  })

  it('reads everything without local rows', () => {
    expect(planRestore(facts({ stored: undefined, earliest: 3 }), 'fail')).toMatchObject({
      from: 3,
      to: 50,
    })
  })

  it('reads a source topic only to its committed offset', () => {
    const source = { isSource: true, stored: undefined } as const
    expect(planRestore(facts({ ...source, committedInput: 30 }), 'fail')).toMatchObject({ to: 30 })
    expect(planRestore(facts({ ...source }), 'fail')).toMatchObject({ to: 0 })
  })

  it('drops local rows that lie below the start of the changelog', () => {
    expect(planRestore(facts({ earliest: 21 }), 'fail')).toMatchObject({
      from: 21,
      wipe: expect.stringContaining('below the start 21') as string,
    })
  })

  it('drops local rows that may miss deletions', () => {
    const old = { deleteRetentionMs: 500 }
    expect(planRestore(facts(old), 'fail')).toMatchObject({ from: 0 })
    expect(planRestore(facts({ ...old, latest: 20 }), 'fail')).toMatchObject({ from: 20 })
  })

  it.each([
    ['another topic of that name', { topicId: 'two' }],
    ['a changelog that ends below the local rows', { latest: 19 }],
  ])('stops on %s, because the local rows may be the only copy', (_, change) => {
    const plan = planRestore(facts(change), 'fail')
    expect(plan).toMatchObject({ lost: expect.stringMatching(/onOffsetLost: 'reset'/) as string })
    expect(planRestore(facts(change), 'reset')).toMatchObject({ from: 0 })
    expect(planRestore(facts({ ...change, inputsCommitted: false }), 'fail')).toMatchObject({
      from: 0,
    })
  })
})
