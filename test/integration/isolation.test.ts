// Aborted transactions never show: not those of somebody else in our input, not our own in our output.
import { Kafka, logLevel } from 'kafkajs'
import { expect, it } from 'vitest'
import { consoleConsumer } from './kafka-tools.js'
import { Bench, CountModel, countsOf, numbers } from './support.js'
import { describeWithKafka, uniqueName } from './use-kafka.js'

describeWithKafka('aborted transactions', (kafka) => {
  it('of a producer of our input are not processed', async () => {
    const bench = await Bench.open(kafka, 'aborted')
    const model = new CountModel()
    const client = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING })
    const producer = client.producer({
      transactionalId: uniqueName('feeder'),
      maxInFlightRequests: 1,
      idempotent: true,
    })
    await producer.connect()
    for (let n = 0; n < 20; n++) {
      const transaction = await producer.transaction()
      const messages = Array.from({ length: 25 }, (_, i) => ({
        key: `g${i % 3}-${i}`,
        value: String(n * 100 + i),
      }))
      await transaction.send({ topic: bench.input, messages })
      if (n % 3 === 1) {
        await transaction.abort()
        continue
      }
      await transaction.commit()
      for (const { key, value } of messages) model.feed(key, Number(value))
    }
    await producer.disconnect()
    const app = bench.start('counts')
    const output = await bench.untilRead(countsOf(bench.output), model.total)
    expect(model.differences(output)).toEqual([])
    await app.stop()
  })

  it('of our own are seen by no reader of committed records, Java included', async () => {
    const bench = await Bench.open(kafka, 'own')
    const model = new CountModel()
    const records = Array.from({ length: 3000 }, (_, n) => ({ key: `g${n % 5}-${n}`, value: n }))
    for (const { key, value } of records) model.feed(key, value)
    await bench.log.send(numbers(bench.input), records)
    // A long commit interval: what is sent before the kill belongs to a transaction that is aborted.
    const killed = bench.start('counts', { commitIntervalMs: 5000 })
    await killed.until('processing')
    await killed.kill()
    const app = bench.start('counts')
    const output = await bench.untilRead(countsOf(bench.output), model.total)
    expect(model.differences(output)).toEqual([])
    const java = await consoleConsumer(kafka, {
      topic: bench.output,
      maxRecords: model.total,
      idleMs: 15_000,
    })
    expect(java).toHaveLength(model.total)
    await app.stop()
  })
})
