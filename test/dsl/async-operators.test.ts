import { describe, expect, it } from 'vitest'
import { json, required, string, StreamsBuilder, type KStream } from '../../src/index.js'
import { TopologyTestDriver } from '../../src/testing/index.js'

type Numbers = KStream<string | null, number>

/** Pipes `inputs` and gives what came out. */
async function run(
  build: (stream: Numbers) => KStream<string | null, unknown>,
  inputs: readonly (readonly [key: string | null, value: number])[],
  o: { readonly partitions?: number; readonly config?: object } = { partitions: 1 },
): Promise<readonly (readonly [string | null, unknown])[]> {
  const builder = new StreamsBuilder({ key: string(), value: json() })
  build(builder.stream('in', { value: json<number>() })).to('out')
  await using driver = new TopologyTestDriver(builder.build(), { ...o, startMs: 0 })
  const input = driver.createInputTopic('in', { key: string(), value: json<number>() })
  const output = driver.createOutputTopic('out', { key: string(), value: json() })
  await input.pipeKeyValueList(inputs, { timestampMs: 5 })
  await driver.commit()
  return output.readKeyValuesToList()
}

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

it('asynchronous operators have names, and new values a serde', () => {
  const builder = new StreamsBuilder({ key: string(), value: json() })
  const stream = builder.stream('in', { value: json<number>() })
  stream.mapValuesAsync(async (n) => String(n), { name: 'call', value: string() }).to('out')
  stream.filterAsync(async () => true, { name: 'ask' }).to('asked')
  stream.forEachAsync(async () => {}, { name: 'tell' })
  const text = builder.build().describe({ serdes: true })
  for (const name of ['call', 'ask', 'tell']) expect(text).toContain(`Processor: ${name} `)
  expect(text).toMatch(/topic: out\)\n\s+serdes: key string\(\) \(default\), value string\(\)\n/)
})

describe('mapValuesAsync', () => {
  it('forwards results with the key, time and headers of their inputs', async () => {
    const builder = new StreamsBuilder({ key: string(), value: json() })
    builder
      .stream('in', { key: required(string()), value: json<number>() })
      .mapValuesAsync(async (n) => n * 2)
      .to('out')
    await using driver = new TopologyTestDriver(builder.build(), { startMs: 0 })
    const input = driver.createInputTopic('in', { key: string(), value: json<number>() })
    await input.pipeInput('a', 4, { timestampMs: 7, headers: [['h', '1']] })
    const output = driver.createOutputTopic('out', { key: string(), value: json() })
    const record = output.readRecord()
    expect([record.key, record.value, record.timestampMs]).toEqual(['a', 8, 7])
    expect(record.headers.getAll('h')).toHaveLength(1)
  })

  it('keeps the headers that its record came with, whatever siblings add meanwhile', async () => {
    const builder = new StreamsBuilder({ key: string(), value: json() })
    const stream = builder.stream('in', { value: json<number>() })
    stream
      .mapValuesAsync(async (_n, _key, record) => {
        await after(1)
        return [...record.headers].length
      })
      .to('out')
    stream.peek((_n, _key, { headers }) => headers.add('later', 'x')).to('other')
    await using driver = new TopologyTestDriver(builder.build(), { startMs: 0 })
    const input = driver.createInputTopic('in', { key: string(), value: json<number>() })
    await input.pipeInput('a', 4, { headers: [['h', '1']] })
    const output = driver.createOutputTopic('out', { key: string(), value: json() })
    const { value, headers } = output.readRecord()
    expect([value, [...headers].length]).toEqual([1, 1])
  })

  it('is called with the attempt and a signal, and again until the attempts are used up', async () => {
    const seen: number[] = []
    const results = await run(
      (s) =>
        s.mapValuesAsync(
          async (n, _key, _record, { attempt, signal }) => {
            seen.push(attempt)
            expect(signal.aborted).toBe(false)
            if (attempt < 2) throw new Error('not yet')
            return n + attempt
          },
          { retry: { attempts: 2 } },
        ),
      [['a', 1]],
    )
    expect(results).toEqual([['a', 3]])
    expect(seen).toEqual([1, 2])
  })

  it('fails a call that takes longer than its time-out, and aborts its signal', async () => {
    let aborted = false
    const failing = run(
      (s) =>
        s.mapValuesAsync(
          (n, _key, _record, { signal }) =>
            new Promise<number>(() => {
              signal.addEventListener('abort', () => (aborted = true))
            }),
          { timeoutMs: 5 },
        ),
      [['a', 1]],
    )
    await expect(failing).rejects.toThrow(/KSTREAM-MAPVALUES-ASYNC-0000000001.*timeoutMs/s)
    expect(aborted).toBe(true)
  })

  it('asks the processing handler about a failed call, and goes on', async () => {
    const results = await run(
      (s) =>
        s.mapValuesAsync(async (n) => {
          if (n === 2) throw new Error('no')
          return n
        }),
      [
        ['a', 1],
        ['a', 2],
        ['a', 3],
      ],
      { partitions: 1, config: { processingHandler: 'continue' } },
    )
    expect(results.map(([, value]) => value)).toEqual([1, 3])
  })

  it('refuses undefined as a result, and names the node', async () => {
    const failing = run((s) => s.mapValuesAsync(async () => undefined), [['a', 1]])
    await expect(failing).rejects.toThrow(/KSTREAM-MAPVALUES-ASYNC-0000000001.*undefined/s)
  })
})

describe('the order of results', () => {
  /** The first call of each pair takes longer than the second. */
  const slowFirst = async (n: number): Promise<number> => {
    await after(n % 2 === 1 ? 15 : 1)
    return n
  }
  const pipeTogether = async (order: 'key' | 'partition' | 'none'): Promise<unknown[]> => {
    const builder = new StreamsBuilder({ key: string(), value: json() })
    builder
      .stream('in', { value: json<readonly (readonly [string, number])[]>() })
      .flatMap((pairs) => pairs)
      .mapValuesAsync(slowFirst, { order })
      .to('out')
    await using driver = new TopologyTestDriver(builder.build(), { startMs: 0 })
    const input = driver.createInputTopic('in', { key: string(), value: json() })
    await input.pipeInput('all', [
      ['a', 1],
      ['b', 2],
      ['a', 4],
    ])
    const output = driver.createOutputTopic('out', { key: string(), value: json() })
    return output.readValuesToList() as unknown[]
  }

  it("keeps the order of each key for 'key', while other keys overtake", async () => {
    expect(await pipeTogether('key')).toEqual([2, 1, 4])
  })

  it("keeps the order of all for 'partition'", async () => {
    expect(await pipeTogether('partition')).toEqual([1, 2, 4])
  })

  it("lets each result go when it is there for 'none'", async () => {
    const values = await pipeTogether('none')
    expect(values[2]).toBe(1)
  })
})

describe('concurrency', () => {
  it('opens no more calls at a time than it says', async () => {
    let open = 0
    let most = 0
    const builder = new StreamsBuilder({ key: string(), value: json() })
    builder
      .stream('in', { value: json<readonly number[]>() })
      .flatMap((list) => list.map((n) => [String(n), n] as const))
      .mapValuesAsync(
        async (n) => {
          most = Math.max(most, ++open)
          await after(1)
          open--
          return n
        },
        { concurrency: 3 },
      )
      .to('out')
    await using driver = new TopologyTestDriver(builder.build(), { startMs: 0 })
    const input = driver.createInputTopic('in', { key: string(), value: json() })
    await input.pipeInput('all', [1, 2, 3, 4, 5, 6, 7, 8])
    const output = driver.createOutputTopic('out', { key: string(), value: json() })
    expect(output.readValuesToList()).toHaveLength(8)
    expect(most).toBe(3)
  })
})

describe('filterAsync and forEachAsync', () => {
  it('keeps what the predicate holds for', async () => {
    const results = await run(
      (s) => s.filterAsync(async (n) => n > 1),
      [
        ['a', 1],
        ['a', 2],
      ],
    )
    expect(results).toEqual([['a', 2]])
  })

  it('waits for side effects before the commit', async () => {
    const seen: number[] = []
    const builder = new StreamsBuilder({ key: string(), value: json() })
    builder.stream('in', { value: json<number>() }).forEachAsync(async (n) => {
      await after(2)
      seen.push(n)
    })
    await using driver = new TopologyTestDriver(builder.build(), { startMs: 0 })
    await driver.createInputTopic('in', { key: string(), value: json<number>() }).pipeInput('a', 1)
    expect(seen).toEqual([1])
  })

  it('takes one index each', () => {
    const builder = new StreamsBuilder({ key: string(), value: json() })
    builder
      .stream('in', { value: json<number>() })
      .filterAsync(async () => true)
      .mapValuesAsync(async (n) => n)
      .to('out')
    const text = builder.build().describe()
    expect(text).toContain('KSTREAM-FILTER-ASYNC-0000000001')
    expect(text).toContain('KSTREAM-MAPVALUES-ASYNC-0000000002')
    expect(text).toContain('KSTREAM-SINK-0000000003')
  })
})
