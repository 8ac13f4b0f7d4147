// A broker that stops answering for ten seconds, without closing a socket, changes no result.
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { freeze, thaw } from './kafka-server.js'
import { Bench, CountModel, Feeder, countsOf, numbers } from './support.js'
import { describeWithKafka } from './use-kafka.js'

const frozenMs = 10_000
const foreign = 'the broker was not started here'

describeWithKafka('a broker that freezes', (kafka) => {
  const freezeForAWhile = async () => {
    onTestFinished(() => thaw(kafka))
    freeze(kafka)
    await delay(frozenMs)
    thaw(kafka)
  }

  it('while records are processed', { timeout: 120_000 }, async ({ skip }) => {
    skip(kafka.pid === undefined, foreign)
    const bench = await Bench.open(kafka, 'frozen')
    const model = new CountModel()
    const feeder = new Feeder(bench, model, { seed: 3, perSecond: 400 })
    const app = bench.start('counts', { sessionTimeoutMs: 2000 })
    await app.until('processing')
    await delay(1000)
    await freezeForAWhile()
    await delay(1000)
    await feeder.stop()
    await bench.untilCaughtUp()
    const output = await bench.untilRead(countsOf(bench.output), model.total)
    expect(model.differences(output)).toEqual([])
    await app.stop()
  })

  it('in the middle of a restore', { timeout: 120_000 }, async ({ skip }) => {
    skip(kafka.pid === undefined, foreign)
    const bench = await Bench.open(kafka, 'frozen-restore')
    const model = new CountModel()
    // Many rows: the changelog is read in many fetches.
    const records = Array.from({ length: 200_000 }, (_, n) => ({ key: `g${n % 50_000}`, value: n }))
    for (const { key, value } of records) model.feed(key, value)
    await bench.log.send(numbers(bench.input), records)
    const first = bench.start('counts')
    await bench.untilCaughtUp()
    await bench.untilRead(countsOf(bench.output), model.total)
    await first.stop()
    bench.forgetState()

    const second = bench.start('counts', { sessionTimeoutMs: 2000 })
    const { restored: before = 0 } = await second.until('restoring')
    await freezeForAWhile()
    const { restored: after = 0 } = await second.until('running', 60_000)
    expect(before).toBeGreaterThan(0)
    expect(after).toBeGreaterThan(before)
    const more = new Feeder(bench, model, { seed: 5, perSecond: 400 })
    await delay(1000)
    await more.stop()
    await bench.untilCaughtUp()
    const output = await bench.untilRead(countsOf(bench.output), model.total)
    expect(model.differences(output)).toEqual([])
    await second.stop()
  })
})
