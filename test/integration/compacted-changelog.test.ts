// A changelog that the broker has compacted has holes and lacks what was overwritten; a store that is
// restored from it is what it was.
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Bench, CountModel, countsOf, numbers } from './support.js'
import { describeWithKafka } from './use-kafka.js'

describeWithKafka('a compacted changelog', (kafka) => {
  it('restores what the store held', { timeout: 120_000 }, async () => {
    const bench = await Bench.open(kafka, 'compacted')
    const model = new CountModel()
    const send = async (from: number, count: number) => {
      const records = Array.from({ length: count }, (_, i) => ({
        key: `g${(from + i) % 7}-${i}`,
        value: from + i,
      }))
      await bench.log.send(numbers(bench.input), records)
      for (const { key, value } of records) model.feed(key, value)
    }
    const first = bench.start('counts', {
      topicConfig: {
        'segment.ms': '100',
        'min.cleanable.dirty.ratio': '0.001',
        'delete.retention.ms': '100',
      },
    })
    const changelog = `${bench.applicationId}-counts-changelog`
    await first.until('running')
    // Every round is a commit or more, and so overwrites rows in the changelog.
    for (let round = 0; round < 30; round++) {
      await send(round * 70, 70)
      await delay(120)
    }
    await bench.untilCaughtUp()
    const count = async () => {
      let records = 0
      let end = 0
      for (const [, offset] of await bench.log.endOffsets(changelog)) end += offset
      for await (const _ of bench.log.read(bytesOf(changelog))) records++
      return { records, end }
    }
    const before = await count()
    const deadlineMs = Date.now() + 30_000
    let after = before
    while (after.records > before.end / 3 && Date.now() < deadlineMs) {
      await delay(250)
      await send(100_000, 7) // rolls a segment
      after = await count()
    }
    expect(after.records).toBeLessThan(before.end / 3)
    await bench.untilCaughtUp()
    await first.stop()
    bench.forgetState()

    const second = bench.start('counts')
    const { restored = 0 } = await second.until('running')
    expect(restored).toBeGreaterThan(0)
    await send(200_000, 70)
    await bench.untilCaughtUp()
    const output = await bench.untilRead(countsOf(bench.output), model.total)
    expect(model.differences(output)).toEqual([])
    await second.stop()
  })
})

/** Changelog values carry a timestamp before their value: read as texts, only counted. */
const bytesOf = (name: string) => ({
  name,
  key: { deserialize: (bytes: Uint8Array) => bytes },
  value: { deserialize: (bytes: Uint8Array) => bytes },
})
