// After kill -9 the same program processes again as soon as the broker lets it: neither the session
// time-out nor the transaction time-out of its predecessor is waited for.
import { expect, it } from 'vitest'
import { Bench, CountModel, countsOf, numbers } from './support.js'
import { describeWithKafka } from './use-kafka.js'

describeWithKafka('a restart after kill -9', (kafka) => {
  it.each([1000, 30_000])(
    'processes again at once with a session time-out of %i ms',
    async (sessionTimeoutMs) => {
      const bench = await Bench.open(kafka, 'restart')
      const model = new CountModel()
      const send = async (value: number) => {
        await bench.log.send(numbers(bench.input), [{ key: 'g-1', value }])
        model.feed('g-1', value)
      }
      await send(1)
      const first = bench.start('counts', { sessionTimeoutMs, commitIntervalMs: 5000 })
      await first.until('processing')
      await first.kill() // inside a transaction, which nobody ends

      await send(2)
      const startedMs = Date.now()
      const second = bench.start('counts', { sessionTimeoutMs })
      const output = await bench.untilRead(countsOf(bench.output), model.total, 20_000)
      expect(model.differences(output)).toEqual([])
      expect(Date.now() - startedMs).toBeLessThan(8000)
      await second.stop()
    },
  )
})
