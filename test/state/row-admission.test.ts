// Which rows become live: judged at each commit by how many of those used came back before it.
import { describe, expect, it } from 'vitest'
import { RowAdmission } from '../../src/state/row-admission.js'

/** How many of `count` rows that are not live become so. */
const admitted = (admission: RowAdmission, count: number): number => {
  let live = 0
  for (let n = 0; n < count; n++) if (admission.miss()) live++
  return live
}

describe('row admission', () => {
  it('takes all rows until a commit has shown how they are used', () => {
    expect(admitted(new RowAdmission(true), 1000)).toBe(1000)
  })

  it('takes few once most rows were used once between two commits, live ones too', () => {
    const admission = new RowAdmission(true)
    for (let n = 0; n < 1000; n++) admission.hit()
    admission.judge(900)
    expect(admitted(admission, 6400)).toBeLessThan(200)
  })

  it('takes few once most rows were not live, whether they were changed or not', () => {
    const admission = new RowAdmission(true)
    admitted(admission, 1000)
    admission.judge(0)
    expect(admitted(admission, 6400)).toBeLessThan(200)
  })

  it('takes some of any keys, also of keys that come in turn', () => {
    const admission = new RowAdmission(true)
    admitted(admission, 1000)
    admission.judge(0)
    const keys = 64
    const taken = new Set<number>()
    for (let n = 0; n < 400 * keys; n++) if (admission.miss()) taken.add(n % keys)
    expect(taken.size).toBe(keys)
  })

  it('takes all again once changed rows come back before the commit', () => {
    const admission = new RowAdmission(true)
    admitted(admission, 1000)
    admission.judge(0)
    for (let n = 0; n < 1000; n++) {
      admission.miss()
      if (n >= 200) admission.cameBack()
    }
    admission.judge(200)
    expect(admitted(admission, 100)).toBe(100)
  })

  it('takes none while changed rows have no room, and some after that commit', () => {
    const admission = new RowAdmission(true)
    admission.full()
    expect(admitted(admission, 1000)).toBe(0)
    admission.judge(1000)
    expect(admitted(admission, 1000)).toBeGreaterThan(0)
  })

  it('takes all for ever where rows cannot be bytes, or once it was told to', () => {
    const told = new RowAdmission(true)
    told.admitAll()
    for (const admission of [told, new RowAdmission(false)]) {
      admitted(admission, 1000)
      admission.judge(1000)
      admission.full()
      expect(admitted(admission, 1000)).toBe(1000)
    }
  })
})
