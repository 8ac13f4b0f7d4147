import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../../src/clock.js'
import { Committer, type CommitterOptions } from '../../src/runtime/committer.js'

/** A committer over one task with so many changed bytes, of which as many are left when made smaller. */
const committerOf = (dirtyBytes: number, compactBytes: number) => {
  const steps: string[] = []
  const task = {
    needsCommit: true,
    commitRequested: false,
    settle() {},
    flushCaches: () => void steps.push('flush'),
    writeChangelogs: () => void steps.push('log'),
    offsetsToCommit: () => [],
    committed() {},
    stores: {
      dirtyBytes,
      heldBytes: 0,
      compact() {
        steps.push('compact')
        this.dirtyBytes = compactBytes
      },
    },
  }
  // Of all that a commit needs, only what is called here.
  const options = {
    config: { persistBytes: 1000, commitIntervalMs: 30_000, cacheMaxBytes: 0 },
    clock: new VirtualClock(0),
    running: () => [{ task }],
    collector: { flush: async () => {} },
    unit: { end: async () => {} },
    member: { rebalancing: false },
    purge: { afterCommit() {} },
    settled: async () => {},
    committed: { add: () => void steps.push('commit') },
    reached: undefined,
  } as unknown as CommitterOptions
  return { committer: new Committer(options), steps }
}

describe('Committer', () => {
  it('lets changed rows be as many as have room', async () => {
    const { committer, steps } = committerOf(1000, 0)
    await committer.commitIfDue()
    expect(steps).toEqual([])
  })

  it('makes changed rows smaller before it commits early, when no cache holds them', async () => {
    const { committer, steps } = committerOf(1001, 900)
    await committer.commitIfDue()
    expect(steps).toEqual(['flush', 'compact'])
    await committer.commitIfDue()
    expect(steps).toEqual(['flush', 'compact'])
  })

  it('commits early where that leaves too little room', async () => {
    const { committer, steps } = committerOf(1001, 901)
    await committer.commitIfDue()
    expect(steps).toEqual(['flush', 'compact', 'flush', 'log', 'commit'])
  })
})
