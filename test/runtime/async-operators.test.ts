// Asynchronous operators under the real loop: results of idle tasks go on by themselves, commits wait
// for open calls, and nothing is lost or doubled over restarts.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { long, string, StreamsBuilder, TopologyError, type Topology } from '../../src/index.js'
import { EmbeddedBench } from './embedded-bench.js'

let bench: EmbeddedBench
beforeEach(async () => void (bench = await EmbeddedBench.open('in', 'out')))
afterEach(() => bench.close())

const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

interface Seen {
  open: number
  most: number
}

/** Counts by key behind a call that takes a turn or two. */
function topology(seen: Seen): Topology {
  const builder = new StreamsBuilder({ key: string(), value: string() })
  builder
    .stream('in')
    .mapValuesAsync(async (value) => {
      seen.most = Math.max(seen.most, ++seen.open)
      for (let turns = value.length; turns > 0; turns--) await later()
      seen.open--
      return value
    })
    .groupByKey()
    .count({ store: 'counts' })
    .toStream()
    .to('out', { value: long() })
  return builder.build()
}

/** The highest count of each key so far. */
async function latest(total: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { key, value } of await bench.received('out', total))
    counts[String(key)] = Math.max(Number(value!.readBigInt64BE()), counts[String(key)] ?? 0)
  return counts
}

describe.each(['at_least_once', 'exactly_once_v2'] as const)('with %s', (processingGuarantee) => {
  const config = { processingGuarantee, cacheMaxBytes: 0 }

  it('sends results on while no further record comes', async () => {
    const app = bench.app(topology({ open: 0, most: 0 }), { ...config, commitIntervalMs: 1_000 })
    await app.start()
    await bench.send('in', ['a', 'x'])
    expect(await latest(1)).toEqual({ a: 1 })
    await app.close()
  })

  it('overlaps calls, and counts each record once over restarts', async () => {
    const seen = { open: 0, most: 0 }
    const keys = ['a', 'b', 'c']
    const wanted: Record<string, number> = {}
    let total = 0
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 30; n++) {
        const key = keys[n % 3]!
        wanted[key] = (wanted[key] ?? 0) + 1
        total++
        await bench.send('in', [key, 'x'.repeat(1 + (n % 5))])
      }
      const app = bench.app(topology(seen), config)
      await app.start()
      expect(await latest(total)).toEqual(wanted)
      await app.close()
    }
    expect(seen.most).toBeGreaterThan(1)
    expect(seen.open).toBe(0)
  })
})

describe('a call that does not end', () => {
  /** Hangs at the value `slow`; tells of calls and of their ends. */
  const hanging = (events: string[]): Topology => {
    const builder = new StreamsBuilder({ key: string(), value: string() })
    builder
      .stream('in')
      .mapValuesAsync(
        (value, _key, _record, { signal }) => {
          events.push(value)
          if (value === 'bad') throw new Error('no way')
          return new Promise<string>(() => {
            signal.addEventListener('abort', () => events.push('aborted'))
          })
        },
        { timeoutMs: 600_000, concurrency: 1 },
      )
      .to('out')
    return builder.build()
  }
  const config = { processingGuarantee: 'at_least_once', closeTimeoutMs: 50 } as const
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await later()
  }

  it('is no matter of punctuators: they wait for what they forwarded', async () => {
    const builder = new StreamsBuilder({ key: string(), value: string() })
    let ticks = 0
    builder
      .stream('in')
      .processValues((context) => {
        context.schedule({ intervalMs: 1, clock: 'wall' }, async () => {
          await later()
          ticks++
        })
        return { process: (record) => context.forward(record) }
      })
      .filterAsync(
        async (value) => {
          if (value === 'slow') await new Promise(() => {})
          return true
        },
        { timeoutMs: 600_000 },
      )
      .to('out', { value: string() })
    const app = bench.app(builder.build(), { ...config, commitIntervalMs: 600_000 })
    await app.start()
    await bench.send('in', ['a', 'slow'])
    const ticksOf = ticks
    await until(() => ticks > ticksOf + 4)
    await bench.send('in', ['b', 'x'], ['c', 'y'])
    const passed = await bench.received('out', 2)
    expect(passed.map(({ value }) => String(value)).toSorted()).toEqual(['x', 'y'])
    await app.close()
  })

  it('is aborted where it keeps an application from closing, and made again', async () => {
    const events: string[] = []
    await bench.send('in', ['a', 'slow'])
    for (let run = 1; run <= 2; run++) {
      const app = bench.app(hanging(events), config)
      await app.start()
      await until(() => events.length === 2 * run - 1)
      await app.close()
      expect(app.state).toBe('NOT_RUNNING')
      expect(events.slice(2 * run - 2)).toEqual(['slow', 'aborted'])
    }
  })

  it('is aborted where another one ends the application', async () => {
    const events: string[] = []
    await bench.send('in', ['a', 'slow'], ['b', 'bad'])
    const error = await bench.failure(hanging(events), config)
    expect(error.message).toContain('no way')
    expect(events.toSorted()).toEqual(['aborted', 'bad', 'slow'])
  })
})

describe('an asynchronous punctuator', () => {
  const outputs = async (count: number): Promise<string[]> =>
    (await bench.received('out', count)).map(({ value }) => String(value))

  it.each(['stream', 'wall'] as const)(
    'by the %s clock holds up its own task alone',
    async (clock) => {
      const builder = new StreamsBuilder({ key: string(), value: string() })
      const held: (() => void)[] = []
      builder
        .stream('in')
        .processValues((context) => {
          context.schedule({ intervalMs: 1, clock }, async () => {
            // The key a goes to partition 1.
            if (context.taskId === '0_1' && held.length === 0)
              await new Promise<void>((resolve) => held.push(resolve))
          })
          return { process: (record) => context.forward(record) }
        })
        .to('out', { value: string() })
      const app = bench.app(builder.build(), {
        processingGuarantee: 'at_least_once',
        commitIntervalMs: 600_000,
      })
      await app.start()
      await bench.send('in', ['a', '1'])
      while (held.length === 0) await later()
      await bench.send('in', ['a', '2'], ['b', '3'])
      for (let seen: string[] = []; !seen.includes('3');) seen = await outputs(seen.length + 1)
      held[0]!()
      expect((await outputs(3)).toSorted()).toEqual(['1', '2', '3'])
      await app.close()
    },
  )
})

describe('a call that fails', () => {
  it('leaves the record it was made for as a dead letter, whatever came after', async () => {
    const builder = new StreamsBuilder({ key: string(), value: string() })
    builder
      .stream('in')
      .mapValuesAsync(async (value) => {
        for (let turns = 4 - value.length; turns > 0; turns--) await later()
        if (value === 'a1') throw new Error('first')
        return value.toUpperCase()
      })
      .filterAsync(
        async (value) => {
          await later()
          if (value === 'A22') throw new Error('second')
          return true
        },
        { concurrency: 2 },
      )
      .to('out')
    await bench.createTopics(1, 'dead')
    await bench.send('in', ['a', 'a1'], ['a', 'a22'], ['c', 'a333'], ['e', 'a'])
    const app = bench.app(builder.build(), { deadLetterTopic: 'dead' })
    await app.start()
    const letters = await bench.received('dead', 2)
    const parts = letters.map(({ key, value, headers }) => [
      key,
      value?.toString(),
      headers.get('origin'),
      headers.get('__streams.errors.message'),
      headers.get('__streams.errors.offset'),
    ])
    expect(parts.toSorted()).toEqual([
      ['a', 'a1', 'test', 'first', '0'],
      ['a', 'a22', 'test', 'second', '1'],
    ])
    const passed = await bench.received('out', 2)
    expect(passed.map(({ value }) => String(value)).toSorted()).toEqual(['A', 'A333'])
    await app.close()
  })
})

describe('exactly once', () => {
  it('refuses calls that may outlast a transaction', () => {
    const builder = new StreamsBuilder({ key: string(), value: string() })
    builder.stream('in').forEachAsync(async () => {}, { timeoutMs: 6_000, retry: { attempts: 2 } })
    const topologyWithWait = builder.build()
    expect(() => bench.app(topologyWithWait, { processingGuarantee: 'exactly_once_v2' })).toThrow(
      TopologyError,
    )
  })
})
