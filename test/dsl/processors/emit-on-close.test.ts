import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  json,
  recordHeaders,
  serde,
  hopping,
  session,
  sessionWindowed,
  sliding,
  StreamsBuilder,
  string,
  timeWindowed,
  tumbling,
  type KTable,
  type Windowed,
  type WindowKind,
} from '../../../src/index.js'
import { serdeName } from '../../../src/serde/serde-traits.js'
import { windowAggregate } from '../../../src/dsl/processors/window-aggregate.js'
import { TopologyTestDriver } from '../../../src/testing/index.js'
import { NodeHarness, WindowMapRows } from './node-harness.js'

type Engine = 'leveldb' | 'memory'

const grouped = (engine: Engine) => {
  const builder = new StreamsBuilder({ engine })
  return { builder, stream: builder.stream('in', { key: string(), value: string() }).groupByKey() }
}

/** A topology that collects the values of each window. */
const collecting: Record<string, (engine: Engine) => StreamsBuilder> = {
  'tumbling windows': (engine) => {
    const { builder, stream } = grouped(engine)
    const windows = tumbling({ sizeMs: 10, graceMs: 5 })
    const table = stream.windowedBy(windows).emitStrategy('onWindowClose').aggregate(append)
    toOutput(table, timeWindowed(string(), { sizeMs: 10 }))
    return builder
  },
  'hopping windows': (engine) => {
    const { builder, stream } = grouped(engine)
    const windows = hopping({ sizeMs: 10, advanceMs: 4, graceMs: 0 })
    const table = stream.windowedBy(windows).emitStrategy('onWindowClose').aggregate(append)
    toOutput(table, timeWindowed(string(), { sizeMs: 10 }))
    return builder
  },
  'sliding windows': (engine) => {
    const { builder, stream } = grouped(engine)
    const windows = sliding({ differenceMs: 10, graceMs: 5 })
    const table = stream.windowedBy(windows).emitStrategy('onWindowClose').aggregate(append)
    toOutput(table, timeWindowed(string(), { sizeMs: 10 }))
    return builder
  },
  sessions: (engine) => {
    const { builder, stream } = grouped(engine)
    const windows = session({ gapMs: 5, graceMs: 5 })
    const merge = (a: string[], b: string[]): string[] => [...a, ...b]
    const table = stream
      .windowedBy(windows)
      .emitStrategy('onWindowClose')
      .aggregate({ ...append, merge })
    toOutput(table, sessionWindowed(string()))
    return builder
  },
}

/** Changes its accumulator in place. */
const append = {
  initial: (): string[] => [],
  add: (values: string[], value: string): string[] => (values.push(value), values),
  value: json<string[]>(),
}

function toOutput(table: KTable<any, any, any>, key: any): void {
  table.toStream().to('out', { key, value: json<any>() })
}

interface Input {
  readonly key: string
  readonly value: string
  readonly timestampMs: number
}

/** The windows that were emitted, and what the changelog has of every window that was written. */
const run = async (builder: StreamsBuilder, inputs: readonly Input[], key: any) => {
  await using driver = new TopologyTestDriver(builder.build(), {
    startMs: 0,
    config: { cacheMaxBytes: 0 },
  })
  const topic = driver.createInputTopic('in', { key: string(), value: string() })
  for (const { key: k, value, timestampMs } of inputs)
    await topic.pipeInput(k, value, { timestampMs })
  const [changelog] = [...driver.producedTopicNames].filter((name) => name.endsWith('-changelog'))
  const read = (name: string, keys: any) =>
    driver
      .createOutputTopic<any, string[]>(name, { key: keys, value: json<any>() })
      .readKeyValuesToList()
  const emitted = read('out', key).map(([window, value]) => [idOf(window), textOf(value)] as const)
  const written = new Map<string, string>()
  for (const [id, value] of read(changelog!, changelogKey(key)))
    if (value === null) written.delete(id)
    else written.set(id, textOf(value))
  return { emitted, written }
}

const idOf = ({ key, startMs, endMs }: Windowed<string, WindowKind>): string =>
  `${key}[${startMs},${endMs}]`

const textOf = (value: string[] | null): string => String(value?.toSorted().join(''))

/** Keys of a changelog: those of time windows end with a sequence number. */
const changelogKey = (key: any) =>
  serde<string>(
    () => new Uint8Array(),
    (bytes) => {
      const window = serdeName(key).startsWith('time') ? bytes.subarray(0, -4) : bytes
      return idOf(key.deserialize(window, '', recordHeaders()))
    },
  )

const inputs = fc
  .array(
    fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      value: fc.constantFrom('x', 'y', 'z'),
      stepMs: fc.constantFrom(0, 1, 2, 5, 9, -3, -8, 30, 1000),
    }),
    { maxLength: 40, size: 'max' },
  )
  .map((steps) => {
    let nowMs = 100
    return steps.map(({ stepMs, key, value }) => {
      nowMs = Math.max(20, nowMs + stepMs)
      return { key, value, timestampMs: nowMs }
    })
  })

describe.each(Object.entries(collecting))('%s emitted on close', (name, build) => {
  const key =
    name === 'sessions' ? sessionWindowed(string()) : timeWindowed(string(), { sizeMs: 10 })

  it.each(['leveldb', 'memory'] as const)(
    'come exactly once with their last value, whatever the jumps (%s)',
    async (engine) => {
      await fc.assert(
        fc.asyncProperty(inputs, async (records) => {
          // The last record closes all windows but its own.
          const all = [...records, { key: 'end', value: 'x', timestampMs: 1_000_000 }]
          const { emitted, written } = await run(build(engine), all, key)
          for (const window of written.keys()) if (window.startsWith('end')) written.delete(window)
          expect(emitted.length).toBe(new Set(emitted.map(([window]) => window)).size)
          expect(new Map(emitted)).toEqual(written)
        }),
        { numRuns: 40 },
      )
    },
  )
})

describe('looking for closed windows', () => {
  const node = (keptFromMs = 0) => {
    const rows = new (class extends WindowMapRows {
      override keptFromMs(): number {
        return keptFromMs
      }
    })()
    const windows = {
      kind: 'time',
      sizeMs: 10,
      advanceMs: 10,
      graceMs: 0,
      startMs: undefined,
    } as const
    const supplier = windowAggregate({
      store: 's',
      fold: { kind: 'count' },
      windows,
      emit: 'onWindowClose',
      sendsOldValues: () => false,
    })
    return new NodeHarness(supplier, rows, { emitIntervalMs: undefined })
  }

  it('happens once a second while records come', async () => {
    const n = node()
    await n.pipe('a', '', 0)
    expect(await n.pipe('a', '', 10)).toEqual(['a[0,10)=1@0'])
    n.nowMs = 999
    expect(await n.pipe('a', '', 25)).toEqual([])
    n.nowMs = 1000
    expect(await n.pipe('a', '', 26)).toEqual(['a[10,20)=1@10'])
  })

  it('does not wait when the store would forget windows', async () => {
    const n = node(20)
    await n.pipe('a', '', 0)
    expect(await n.pipe('a', '', 10)).toEqual(['a[0,10)=1@0'])
    expect(await n.pipe('a', '', 25)).toEqual(['a[10,20)=1@10'])
  })
})
