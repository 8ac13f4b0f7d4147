// Where reading starts, and when it must not.
import { describe, expect, it } from 'vitest'
import { OffsetLostError } from '../../src/errors.js'
import { startOffset, type StartFacts } from '../../src/runtime/start-offsets.js'

const facts = (some: Partial<StartFacts>): StartFacts => ({
  topic: 'in',
  partition: 0,
  committed: undefined,
  persisted: undefined,
  earliest: 10,
  latest: 50,
  reset: 'earliest',
  onOffsetLost: 'fail',
  evidence: undefined,
  evidenceStops: true,
  ...some,
})

describe('startOffset', () => {
  it('reads on from a committed offset inside the log', () => {
    for (const committed of [10, 30, 50])
      expect(startOffset(facts({ committed }))).toEqual({ offset: committed })
  })

  it('follows offsetReset where nothing was ever committed', () => {
    expect(startOffset(facts({})).offset).toBe(10)
    expect(startOffset(facts({ reset: 'latest' })).offset).toBe(50)
    expect(() => startOffset(facts({ reset: 'none' }))).toThrow(/offsetReset is 'none'/)
  })

  it('skips what a retention deleted, with a warning and a count', () => {
    const start = startOffset(facts({ committed: 4 }))
    expect(start).toMatchObject({ offset: 10, skipped: 6 })
    expect(start.warning).toMatch(/moved past the committed offset 4/)
    expect(() => startOffset(facts({ committed: 4, reset: 'none' }))).toThrow(OffsetLostError)
  })

  it('stops at a committed offset beyond the log, unless told to reset', () => {
    expect(() => startOffset(facts({ committed: 51 }))).toThrow(/10 to 50.*onOffsetLost/s)
    expect(startOffset(facts({ committed: 51, onOffsetLost: 'reset' })).offset).toBe(10)
  })

  it('stops when the local state proves that an offset was committed', () => {
    expect(() => startOffset(facts({ persisted: 33 }))).toThrow(/offset 33 was committed/)
    expect(
      startOffset(facts({ persisted: 33, onOffsetLost: 'reset', reset: 'latest' })).offset,
    ).toBe(50)
  })

  it('stops on records in the changelog under exactly-once, and warns under at-least-once', () => {
    const evidence = 'its changelogs hold records'
    expect(() => startOffset(facts({ evidence }))).toThrow(OffsetLostError)
    expect(startOffset(facts({ evidence, evidenceStops: false })).warning).toMatch(/changelogs/)
  })
})
