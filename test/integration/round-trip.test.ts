// One filter from a real topic to a real topic, judged by Java's own tools.
import { expect, it } from 'vitest'
import { consoleConsumer, describeGroup } from './kafka-tools.js'
import { Bench, numbers } from './support.js'
import { describeWithKafka } from './use-kafka.js'

describeWithKafka('a round trip', (kafka) => {
  it.each(['at_least_once', 'exactly_once_v2'] as const)(
    'filters from topic to topic, read by a Java consumer, with %s',
    async (processingGuarantee) => {
      const bench = await Bench.open(kafka, 'round-trip')
      const values = Array.from({ length: 200 }, (_, n) => n % 20)
      const records = values.map((value, n) => ({
        key: `k${n}`,
        value,
        timestampMs: 1_700_000_000_000 + n,
      }))
      await bench.log.send(numbers(bench.input), records)
      const app = bench.start('filtered', { processingGuarantee, commitIntervalMs: 200 })
      await bench.untilCaughtUp()

      const expected = records
        .filter(({ value }) => value > 10)
        .map(({ key, value, timestampMs }) => ({ key, value: String(value + 1), timestampMs }))
      const read = await consoleConsumer(kafka, {
        topic: bench.output,
        maxRecords: expected.length,
        idleMs: 10_000,
      })
      const byTime = read
        .map(({ key, value, timestampMs }) => ({ key, value, timestampMs }))
        .sort((a, b) => a.timestampMs - b.timestampMs)
      expect(byTime).toEqual(expected)

      const rows = await describeGroup(kafka, bench.applicationId)
      expect(rows.map((row) => [row.topic, row.lag])).toEqual([
        [bench.input, 0],
        [bench.input, 0],
      ])
      expect(rows.reduce((sum, row) => sum + (row.current ?? 0), 0)).toBe(records.length)
      await app.stop()
    },
  )

  it('shows our lag in the group tool while nothing runs', async () => {
    const bench = await Bench.open(kafka, 'lag')
    await bench.log.send(numbers(bench.input), [{ key: 'a', value: 11 }])
    const app = bench.start('filtered')
    await bench.untilCaughtUp()
    await app.stop()
    await bench.log.send(numbers(bench.input), [
      { key: 'a', value: 12 },
      { key: 'a', value: 13 },
    ])
    const rows = await describeGroup(kafka, bench.applicationId)
    expect(rows.reduce((sum, row) => sum + (row.lag ?? 0), 0)).toBe(2)
  })
})
