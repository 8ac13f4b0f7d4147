// kill -9 at random moments, again and again: output read committed equals the model to the record,
// and each restart reads only the tail of the changelog that the last persist did not hold.
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Bench, CountModel, Feeder, countsOf, seeded } from './support.js'
import { describeWithKafka } from './use-kafka.js'

const kills = 20
const perSecond = 400
const persistIntervalMs = 500
/** Ten groups, each a row per commit, and ten commits a second. */
const rowsPerSecond = 100

describeWithKafka('exactly once', (kafka) => {
  it(`survives ${kills} times kill -9`, { timeout: 240_000 }, async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
    console.log(`seed ${seed}`)
    const random = seeded(seed)
    const bench = await Bench.open(kafka, 'kill')
    const model = new CountModel()
    const feeder = new Feeder(bench, model, { seed, perSecond })
    const restored: number[] = []
    let persisted = false
    for (let n = 0; n < kills; n++) {
      const app = bench.start('counts', { persistIntervalMs })
      // Sometimes in the middle of a start, mostly while it processes.
      const early = random() < 0.2
      if (early) await delay(random() * 1500)
      else {
        const { restored: records = 0 } = await app.until('running')
        // A run that was killed before it persisted leaves its tail besides the one before.
        if (persisted) restored.push(records)
        await app.until('processing')
        const ranMs = random() * 2500
        await delay(ranMs)
        persisted = ranMs > 2 * persistIntervalMs
      }
      await app.kill()
    }
    await feeder.stop()
    const last = bench.start('counts', { persistIntervalMs })
    await bench.untilCaughtUp()
    const output = await bench.untilRead(countsOf(bench.output), model.total)
    expect(model.differences(output)).toEqual([])
    await last.stop()

    console.log(`restored at restarts: ${restored.join(', ')} records`)
    expect(restored.length).toBeGreaterThan(0)
    // A second of slack: on a busy machine a persist comes late.
    expect(Math.max(...restored)).toBeLessThan((rowsPerSecond * (persistIntervalMs + 1000)) / 1000)
  })

  it('hands the work of a killed process to the other one of its group', async () => {
    const bench = await Bench.open(kafka, 'two', 4)
    const model = new CountModel()
    const feeder = new Feeder(bench, model, { seed: 7, perSecond })
    const first = bench.start('counts', {}, 'one')
    const second = bench.start('counts', {}, 'two')
    await first.until('processing')
    await second.until('processing')
    await delay(2000)
    await first.kill()
    await delay(2000)
    await feeder.stop()
    await bench.untilCaughtUp()
    const output = await bench.untilRead(countsOf(bench.output), model.total)
    expect(model.differences(output)).toEqual([])
    await second.stop()
  })
})
