// Tables that are kept, filtered, mapped and looked up, on random inputs with commits between, against
// plain maps: what a join sees is the table as of then, and what is kept is what the model holds.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { json, nullable, string, StreamsBuilder, type Serde } from '../../src/index.js'
import { TopologyTestDriver } from '../../src/testing/index.js'

type Step =
  | { readonly op: 'row'; readonly key: string; readonly value: number | null }
  | { readonly op: 'record'; readonly key: string; readonly value: number }
  | { readonly op: 'commit' }

const key = fc.constantFrom('a', 'b', 'c', 'd')
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ op: fc.constant('row' as const), key, value: fc.option(fc.nat(9)) }),
  fc.record({ op: fc.constant('record' as const), key, value: fc.nat(99) }),
  fc.record({ op: fc.constant('commit' as const) }),
)

interface Variant {
  readonly caching: boolean
  readonly engine: 'leveldb' | 'memory'
  readonly partitions: number | undefined
}

const number = json() as unknown as Serde<number>
const isEven = (n: number): boolean => n % 2 === 0

async function observe(steps: readonly Step[], o: Variant) {
  const builder = new StreamsBuilder({ key: string(), value: number, engine: o.engine })
  const rows = builder.table('rows', { store: 'rows' })
  const even = rows.filter(isEven, { store: 'even' })
  const tens = even.mapValues((n) => n * 10, { store: 'tens', value: number })
  const records = builder.stream('records', { value: nullable(number) })
  records.leftJoin(tens, (n, ten) => `${n}/${ten}`).to('joined', { value: json<string>() })
  const latest = records.toTable({ store: 'latest' })
  const topology = builder.build({ rows, even, tens, latest })
  await using driver = new TopologyTestDriver(topology, {
    startMs: 0,
    partitions: o.partitions,
    config: { cacheMaxBytes: o.caching ? 1 << 20 : 0 },
  })
  const rowsIn = driver.createInputTopic('rows', { key: string(), value: number })
  const recordsIn = driver.createInputTopic('records', { key: string(), value: number })
  for (const s of steps)
    if (s.op === 'row') await rowsIn.pipeInput(s.key, s.value)
    else if (s.op === 'record') await recordsIn.pipeInput(s.key, s.value)
    else await driver.commit()
  await driver.commit()
  const stored: Record<string, Record<string, number>> = {}
  for (const name of ['rows', 'even', 'tens', 'latest'] as const) {
    stored[name] = {}
    for await (const [k, v] of driver.store(name).all()) stored[name][k] = v
  }
  const joined = driver
    .createOutputTopic('joined', { key: string(), value: json<string>() })
    .readKeyValuesToList()
  return { joined, stored }
}

function model(steps: readonly Step[]) {
  const rows = new Map<string, number>()
  const latest = new Map<string, number>()
  const joined: (readonly [string, string])[] = []
  for (const s of steps)
    if (s.op === 'row') {
      if (s.value === null) rows.delete(s.key)
      else rows.set(s.key, s.value)
    } else if (s.op === 'record') {
      latest.set(s.key, s.value)
      const row = rows.get(s.key)
      joined.push([s.key, `${s.value}/${row !== undefined && isEven(row) ? row * 10 : null}`])
    }
  const even = [...rows].filter(([, n]) => isEven(n))
  const tens = even.map(([k, n]) => [k, n * 10] as const)
  const maps = { rows, even, tens, latest }
  const stored = Object.fromEntries(
    Object.entries(maps).map(([name, map]) => [name, Object.fromEntries(map)]),
  )
  return { joined, stored }
}

/** The order across keys depends on partitions. */
const byKey = (records: readonly (readonly [string | null, unknown])[]): unknown =>
  ['a', 'b', 'c', 'd'].map((name) => records.filter(([k]) => k === name))

describe('tables against a model', () => {
  for (const engine of ['memory', 'leveldb'] as const)
    for (const partitions of [undefined, 3])
      it(`keep and show what the model holds: ${engine}, ${partitions ?? 'no'} partitions`, () =>
        fc.assert(
          fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
            const got = await observe(steps, { caching: false, engine, partitions })
            const wanted = model(steps)
            expect(got.stored).toEqual(wanted.stored)
            expect(byKey(got.joined)).toEqual(byKey(wanted.joined))
          }),
          { numRuns: 25 },
        ))

  it('end alike with record caches, which only hold updates back', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.constantFrom(undefined, 2),
        async (steps, partitions) => {
          const got = await observe(steps, { caching: true, engine: 'leveldb', partitions })
          expect(got.stored).toEqual(model(steps).stored)
        },
      ),
      { numRuns: 40 },
    ))
})
