// When scheduled callbacks run: the worked example of the reference, and what may go wrong.
import { describe, expect, it } from 'vitest'
import { PunctuationQueue } from '../../src/runtime/punctuation-queue.js'

describe('PunctuationQueue', () => {
  it('fires with the current time and skips missed slots, in stream time', () => {
    const queue = new PunctuationQueue()
    const fired: number[] = []
    queue.schedule(0, 10, (nowMs) => void fired.push(nowMs))
    const firedAt = [5, 9, 10, 35, 35, 39, 40].map((nowMs) => {
      fired.length = 0
      void queue.punctuate(nowMs)
      return fired.join()
    })
    expect(firedAt).toEqual(['5', '', '10', '35', '', '', '40'])
  })

  it('fires first after one interval, in wall-clock time', () => {
    const queue = new PunctuationQueue()
    const fired: number[] = []
    queue.schedule(10, 10, (nowMs) => void fired.push(nowMs))
    for (const nowMs of [5, 10, 45, 49, 50]) void queue.punctuate(nowMs)
    expect(fired).toEqual([10, 45, 50])
  })

  it('runs in the order of due times and lets a callback cancel itself', () => {
    const queue = new PunctuationQueue()
    const fired: string[] = []
    queue.schedule(20, 5, () => void fired.push('late'))
    const early = queue.schedule(10, 5, () => {
      fired.push('early')
      early.cancel()
    })
    void queue.punctuate(30)
    void queue.punctuate(40)
    expect(fired).toEqual(['early', 'late', 'late'])
  })

  it('runs those due at one time in the order of a binary heap', () => {
    const queue = new PunctuationQueue()
    const fired: string[] = []
    for (const name of ['a', 'b', 'c', 'd'])
      queue.schedule(10, 10, () => {
        fired.push(name)
        if (name === 'a') queue.schedule(10, 10, () => void fired.push('new'))
      })
    void queue.punctuate(10)
    expect(fired).toEqual(['a', 'd', 'b', 'new', 'c'])
  })

  it('does not look at what is cancelled, and runs nothing after it was cleared', async () => {
    const queue = new PunctuationQueue()
    const fired: string[] = []
    queue.schedule(5, 5, () => void fired.push('cancelled')).cancel()
    expect(queue.nextDueMs).toBeUndefined()
    queue.schedule(7, 5, async () => {
      fired.push('last')
      await Promise.resolve()
      queue.clear()
    })
    expect(queue.nextDueMs).toBe(7)
    await queue.punctuate(7)
    expect(queue.nextDueMs).toBeUndefined()
    expect(fired).toEqual(['last'])
  })

  it('keeps a schedule whose callback fails', async () => {
    const queue = new PunctuationQueue()
    queue.schedule(0, 5, () => {
      throw new Error('now')
    })
    queue.schedule(1, 5, async () => {
      await Promise.resolve()
      throw new Error('later')
    })
    expect(() => queue.punctuate(0)).toThrow('now')
    await expect(queue.punctuate(1)).rejects.toThrow('later')
    expect(queue.nextDueMs).toBe(5)
  })

  it('waits for an asynchronous callback before the next', async () => {
    const queue = new PunctuationQueue()
    const fired: string[] = []
    queue.schedule(0, 5, async () => {
      await Promise.resolve()
      fired.push('first')
    })
    queue.schedule(1, 5, () => void fired.push('second'))
    expect(await queue.punctuate(4)).toBe(true)
    expect(fired).toEqual(['first', 'second'])
  })

  it.each([0, -1, NaN])('refuses an interval of %s ms', (intervalMs) => {
    expect(() => new PunctuationQueue().schedule(0, intervalMs, () => {})).toThrow(/at least 1/)
  })
})
