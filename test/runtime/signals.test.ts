// `closeOnSignals`: the first signal closes, and the handlers are gone then.
import { expect, it } from 'vitest'
import { closeOnSignals } from '../../src/runtime/kafka-streams.js'
import { countTopology, EmbeddedBench } from './embedded-bench.js'

it('commits and leaves at the first signal, and leaves the second to its usual effect', async () => {
  const bench = await EmbeddedBench.open('in', 'out')
  const app = bench.app(countTopology())
  const before = process.listeners('SIGTERM')
  closeOnSignals(app)
  const [added] = process.listeners('SIGTERM').filter((l) => !before.includes(l))
  await app.start()
  await bench.send('in', ['a', '1'])
  await bench.received('out', 1)
  const closed = new Promise<void>((resolve) => {
    app.onStateChange((next) => next === 'NOT_RUNNING' && resolve())
  })
  added!('SIGTERM')
  await closed
  expect(process.listeners('SIGTERM')).toEqual(before)
  const committed = await bench.client.admin.committed('app', [{ topic: 'in', partition: 1 }])
  expect(committed.get('in-1')?.offset).toBe(1)
  await bench.close()
})
