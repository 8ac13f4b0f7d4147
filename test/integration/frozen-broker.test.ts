// A broker that stops answering for ten seconds, without closing a socket, changes no result.
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { freeze, thaw } from './kafka-server.js'
import { Bench, CountModel, Feeder, countsOf } from './support.js'
import { describeWithKafka } from './use-kafka.js'

const frozenMs = 10_000

describeWithKafka('a broker that freezes', (kafka) => {
  const freezeForAWhile = async () => {
    onTestFinished(() => thaw(kafka))
    freeze(kafka)
    await delay(frozenMs)
    thaw(kafka)
  }

  it('while records are processed', { timeout: 120_000 }, async () => {
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

  it('while a store is restored', { timeout: 120_000 }, async () => {
    const bench = await Bench.open(kafka, 'frozen-restore')
    const model = new CountModel()
    const feeder = new Feeder(bench, model, { seed: 4, perSecond: 4000 })
    const first = bench.start('counts')
    await first.until('processing')
    await delay(3000)
    await feeder.stop()
    await bench.untilCaughtUp()
    await first.stop()
    bench.forgetState()

    const second = bench.start('counts', { sessionTimeoutMs: 2000 })
    await second.until('starting')
    await delay(150) // the group is being joined or the changelog read
    await freezeForAWhile()
    const { restored = 0 } = await second.until('running', 60_000)
    expect(restored).toBeGreaterThan(0)
    const more = new Feeder(bench, model, { seed: 5, perSecond: 400 })
    await delay(1000)
    await more.stop()
    await bench.untilCaughtUp()
    const output = await bench.untilRead(countsOf(bench.output), model.total)
    expect(model.differences(output)).toEqual([])
    await second.stop()
  })
})
