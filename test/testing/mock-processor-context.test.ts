// A processor's context without a topology.
import { describe, expect, it } from 'vitest'
import { recordHeaders } from '../../src/serde/record-headers.js'
import { long } from '../../src/serde/number-serdes.js'
import { string } from '../../src/serde/string-serde.js'
import { keyValueStore } from '../../src/state/stores.js'
import { MockProcessorContext } from '../../src/testing/mock-processor-context.js'

const counts = keyValueStore({ key: string(), value: long() })

describe('a mock context', () => {
  it('records what is forwarded, and to whom', async () => {
    const context = new MockProcessorContext<string, number>()
    await context.forward({ key: 'a', value: 1, timestampMs: 5 })
    await context.forward({ key: 'b', value: 2, timestampMs: 6 }, 'child')
    expect(context.forwarded.map(({ record, child }) => [record.key, child])).toEqual([
      ['a', undefined],
      ['b', 'child'],
    ])
  })

  it('refuses what a task refuses', () => {
    const context = new MockProcessorContext<string, number>()
    const late = { key: 'a', value: 1, timestampMs: 1.5 }
    expect(() => context.forward(late)).toThrow(
      /timestampMs of a forwarded record must be whole milliseconds, not 1.5/,
    )
    expect(context.forwarded).toEqual([])
    const schedule = { intervalMs: 10, clock: 'WALL' as 'wall' }
    expect(() => context.schedule(schedule, () => {})).toThrow(
      /must be 'stream' or 'wall', not WALL/,
    )
  })

  it('has real stores under the names that they were given', async () => {
    const context = new MockProcessorContext<string, number, { counts: typeof counts }>({
      stores: { counts },
    })
    const store = context.getStateStore('counts')
    store.put('b', 2)
    store.put('a', 1)
    const rows: unknown[] = []
    for await (const row of store.all()) rows.push(row)
    expect(rows).toEqual([
      ['a', 1],
      ['b', 2],
    ])
    expect(() => context.getStateStore('other' as 'counts')).toThrow('it has counts')
  })

  it('runs punctuators by the clock that is moved, with the metadata of a punctuator', async () => {
    const context = new MockProcessorContext<string, string>({ startMs: 100 })
    const topic = () => String(context.recordMetadata?.topic)
    const ran: string[] = []
    context.schedule({ intervalMs: 10, clock: 'wall' }, (at) => void ran.push(`wall ${at}`))
    const stream = context.schedule({ intervalMs: 10, clock: 'stream' }, (at) => {
      ran.push(`stream ${at} ${topic()}`)
      stream.cancel()
    })
    await context.advance('wall', 109)
    await context.advance('wall', 110)
    await context.advance('stream', 200)
    await context.advance('stream', 300)
    expect(ran).toEqual(['wall 110', 'stream 200 null'])
    expect([context.systemTimeMs, context.streamTimeMs]).toEqual([110, 300])
    expect(context.recordMetadata).toBeUndefined()
  })

  it('counts commits, and lets a processor of users run', async () => {
    const context = new MockProcessorContext<string, number>()
    const processor = {
      process(record: { key: string; value: string; timestampMs: number }) {
        context.commit()
        return context.forward({ ...record, value: record.value.length })
      },
    }
    const record = { key: 'a', value: 'xyz', timestampMs: 1, headers: recordHeaders() }
    await processor.process(record)
    expect(context.commits).toBe(1)
    expect(context.forwarded[0]!.record.value).toBe(3)
  })
})
