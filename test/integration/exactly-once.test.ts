// kill -9 at random moments, again and again: output read committed equals the model to the record,
// and each restart reads only the tail of the changelog that the last persist did not hold.
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { UnpersistedCommits, latePersists } from './persist-notes.js'
import { Bench, CountModel, Feeder, countsOf, seeded } from './support.js'
import { describeWithKafka } from './use-kafka.js'

const kills = 20
const perSecond = 400
const persistIntervalMs = 500
/** The tasks that count, one per partition of the input. */
const countingTasks = ['1_0', '1_1']
/** Ten groups: the most rows that a commit logs. */
const rowsPerCommit = 10

describeWithKafka('exactly once', (kafka) => {
  it(`survives ${kills} times kill -9`, { timeout: 240_000 }, async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
    console.log(`seed ${seed}`)
    const random = seeded(seed)
    const bench = await Bench.open(kafka, 'kill')
    const model = new CountModel()
    const feeder = new Feeder(bench, model, { seed, perSecond })
    const unpersisted = new UnpersistedCommits(countingTasks)
    const restored: { readonly records: number; readonly atMost: number }[] = []
    const late: string[] = []
    for (let n = 0; n < kills; n++) {
      const app = bench.start('counts', { persistIntervalMs })
      // Sometimes in the middle of a start, mostly while it processes.
      const early = random() < 0.2
      if (early) await delay(random() * 1500)
      else {
        const { restored: records = 0 } = await app.until('running')
        restored.push({ records, atMost: rowsPerCommit * unpersisted.most })
        await app.until('processing')
        await delay(random() * 2500)
      }
      await app.kill()
      unpersisted.add(app.events)
      late.push(...latePersists(app.events, persistIntervalMs))
    }
    await feeder.stop()
    const last = bench.start('counts', { persistIntervalMs })
    await bench.untilCaughtUp()
    const output = await bench.untilRead(countsOf(bench.output), model.total)
    expect(model.differences(output)).toEqual([])
    await last.stop()

    console.log(
      `restored at restarts: ${restored.map((r) => `${r.records} of ${r.atMost}`).join(', ')} records`,
    )
    // Together: a restart reads what the persist interval holds, and nothing besides. In time there
    // is no bound, because a commit, or a write to the disk, takes as long as the machine takes.
    expect(restored.filter(({ records, atMost }) => records > atMost)).toEqual([])
    expect(late).toEqual([])
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
