import { describe, expect, it, vi } from 'vitest'
import {
  nullable,
  ProcessingError,
  string,
  StreamsBuilder,
  type KStream,
  type KTable,
} from '../../src/index.js'
import { TopologyTestDriver } from '../../src/testing/index.js'

const S = { key: string(), value: string() }
type Text = string | null
type Texts = KStream<Text, Text>
type Input = readonly [key: Text, value: Text, timestampMs?: number]

/** What a stream operator makes of records: `key=value@time`. */
async function through(
  operator: (stream: Texts) => KStream<any, any> | void,
  inputs: readonly Input[],
  config = {},
): Promise<string[]> {
  const builder = new StreamsBuilder(S)
  const stream = builder.stream('in', { key: string(), value: nullable(string()) })
  operator(stream)?.to('out')
  await using driver = new TopologyTestDriver(builder.build(), { startMs: 0, config })
  const input = driver.createInputTopic<Text, Text>('in', S as never)
  for (const [key, value, timestampMs = 1] of inputs)
    await input.pipeInput(key, value, { timestampMs })
  const output = driver.createOutputTopic('out', S)
  return output
    .readRecordsToList()
    .map(({ key, value, timestampMs }) => `${key}=${value}@${timestampMs}`)
}

const failing = (operator: (stream: Texts) => KStream<any, any> | void, message: RegExp) =>
  expect(through(operator, [['k', 'v']])).rejects.toThrow(message)

describe('print', () => {
  const printed = async (print: (stream: Texts) => void): Promise<string[]> => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    try {
      await through(print, [
        ['k', 'v'],
        [null, null],
      ])
      return write.mock.calls.map(([line]) => String(line))
    } finally {
      write.mockRestore()
    }
  }

  it('writes label, key and value', async () => {
    expect(await printed((s) => s.print())).toEqual([
      '[KSTREAM-SOURCE-0000000000]: k, v\n',
      '[KSTREAM-SOURCE-0000000000]: null, null\n',
    ])
  })

  it('writes windowed keys as Kafka Streams does, and nothing else like them', async () => {
    const windowed = (s: Texts) =>
      s
        .filter((v) => v !== null)
        .map(() => [
          { kind: 'time', key: 'k', startMs: 0, endMs: 5 } as const,
          { startMs: 1, endMs: 2 },
        ])
    expect(await printed((s) => windowed(s).print({ label: 'L' }))).toEqual([
      '[L]: [k@0/5], {"startMs":1,"endMs":2}\n',
    ])
  })

  it('writes what JSON cannot, too', async () => {
    const values = (s: Texts) =>
      s.filter((v) => v !== null).mapValues(() => ({ n: 1n, bytes: Uint8Array.of(1) }))
    expect(await printed((s) => values(s).print({ label: 'L' }))).toEqual([
      '[L]: k, { n: 1n, bytes: Uint8Array(1) [ 1 ] }\n',
    ])
  })

  it('writes what `format` makes of them', async () => {
    const format = (value: Text, key: Text) => `${key} is ${value}`
    expect(await printed((s) => s.print({ label: 'L', format }))).toEqual([
      '[L]: k is v\n',
      '[L]: null is null\n',
    ])
  })
})

describe('every stateless operator', () => {
  const operators: Record<string, (s: Texts, f: (v: Text) => any) => KStream<any, any>> = {
    filter: (s, f) => s.filter((v) => f(v)),
    filterNot: (s, f) => s.filterNot((v) => f(v)),
    map: (s, f) => s.map((v) => f(v)),
    mapValues: (s, f) => s.mapValues((v) => f(v)) as unknown as Texts,
    flatMap: (s, f) => s.flatMap((v) => f(v)),
    flatMapValues: (s, f) => s.flatMapValues((v) => f(v)),
    selectKey: (s, f) => s.selectKey((v) => f(v)),
    branch: (s, f) =>
      s
        .split()
        .branch('a', (v) => f(v))
        .noDefaultBranch().a,
  }
  for (const [name, operator] of Object.entries(operators)) {
    it(`${name}: a callback that throws is a processing error that names the node`, () =>
      failing(
        (s) =>
          operator(s, () => {
            throw new Error('as it happens')
          }),
        /KSTREAM-.*0000000001.*as it happens/s,
      ))

    it(`${name}: undefined where a value is due names the node`, () =>
      failing((s) => operator(s, () => undefined), /KSTREAM-.*0000000001.*undefined/s))

    it(`${name}: a promise where a value is due names what to use instead`, () =>
      failing((s) => operator(s, async () => 'x'), /a promise: .*mapValuesAsync/s))
  }

  it('goes on with the next record where the handler says so', async () => {
    const careful = (s: Texts): Texts =>
      s.filter((v) => {
        if (v === 'bad') throw new Error('bad')
        return true
      })
    expect(
      await through(
        careful,
        [
          ['a', '1'],
          ['a', 'bad'],
          ['a', '2'],
        ],
        {
          processingHandler: 'continue',
        },
      ),
    ).toEqual(['a=1@1', 'a=2@1'])
  })
})

describe('stateless operators', () => {
  it('pass null keys and values to callbacks and on', async () => {
    const seen: unknown[] = []
    const out = await through(
      (s) => s.peek((v, k) => seen.push([k, v])).filter(() => true),
      [
        [null, 'x'],
        ['k', null, 7],
      ],
    )
    expect(out).toEqual(['null=x@1', 'k=null@7'])
    expect(seen).toEqual([
      [null, 'x'],
      ['k', null],
    ])
  })

  it('filterNot keeps what filter drops', async () => {
    const inputs: Input[] = [
      ['a', '1'],
      ['a', '22'],
    ]
    expect(await through((s) => s.filter((v) => v!.length > 1), inputs)).toEqual(['a=22@1'])
    expect(await through((s) => s.filterNot((v) => v!.length > 1), inputs)).toEqual(['a=1@1'])
  })

  it('map, selectKey and flatMap change keys; flatMapValues keeps them', async () => {
    expect(await through((s) => s.map((v, k) => [v, k]), [['a', 'b']])).toEqual(['b=a@1'])
    expect(await through((s) => s.selectKey((v) => v), [['a', 'b']])).toEqual(['b=b@1'])
    const words = (v: Text): string[] => (v === null ? [] : v.split(' '))
    expect(
      await through((s) => s.flatMap((v) => words(v).map((w) => [w, w] as const)), [['a', 'x y']]),
    ).toEqual(['x=x@1', 'y=y@1'])
    expect(
      await through(
        (s) => s.flatMapValues(words),
        [
          ['a', 'x y'],
          ['a', null],
        ],
      ),
    ).toEqual(['a=x@1', 'a=y@1'])
  })

  it('map refuses what is no pair, flatMap what is no list', async () => {
    await failing((s) => s.map(() => null as never), /must return a pair/)
    await failing((s) => s.map(() => ['a', undefined] as never), /undefined in it/)
    await failing((s) => s.flatMap(() => 5 as never), /iterable/)
  })

  it('flatMap waits downstream for one element before the next', async () => {
    const order: string[] = []
    const slow = (s: KStream<any, string>): KStream<any, string> =>
      s.process((context) => ({
        async process(record) {
          order.push(`begin ${record.value}`)
          await Promise.resolve()
          order.push(`end ${record.value}`)
          return context.forward(record)
        },
      }))
    expect(await through((s) => slow(s.flatMapValues(() => ['1', '2'])), [['k', 'v']])).toEqual([
      'k=1@1',
      'k=2@1',
    ])
    expect(order).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2'])
  })

  it('a split gives a record to the first branch that takes it, and asks no other', async () => {
    const asked: string[] = []
    const out = await through(
      (s) => {
        const { a, b, rest } = s
          .split()
          .branch('a', (v) => (asked.push('a'), v === '1'))
          .branch('b', (v) => (asked.push('b'), v !== '3'))
          .defaultBranch('rest')
        return a
          .mapValues((v) => `a${v}`)
          .merge(b.mapValues((v) => `b${v}`))
          .merge(rest.mapValues((v) => `rest${v}`))
      },
      [
        ['k', '1'],
        ['k', '2'],
        ['k', '3'],
      ],
    )
    expect(out).toEqual(['k=a1@1', 'k=b2@1', 'k=rest3@1'])
    expect(asked).toEqual(['a', 'a', 'b', 'a', 'b'])
  })

  it('a split without default branch drops the rest', async () => {
    expect(
      await through(
        (s) =>
          s
            .split()
            .branch('a', (v) => v === '1')
            .noDefaultBranch().a,
        [
          ['k', '1'],
          ['k', '2'],
        ],
      ),
    ).toEqual(['k=1@1'])
  })

  it('merge serves the parent that was made first', async () => {
    const out = await through(
      (s) => {
        const left = s.mapValues((v) => `${v}L`)
        const right = s.mapValues((v) => `${v}R`)
        return right.merge(left)
      },
      [['k', 'v']],
    )
    expect(out).toEqual(['k=vL@1', 'k=vR@1'])
  })

  it('headers that a branch adds are seen by later ones', async () => {
    const builder = new StreamsBuilder(S)
    const stream = builder.stream('in')
    stream.peek((_v, _k, record) => record.headers.add('m', '1')).to('o1')
    stream.to('o2')
    await using driver = new TopologyTestDriver(builder.build())
    await driver.createInputTopic('in', S).pipeInput('a', 'x', { headers: [['h', '1']] })
    for (const topic of ['o1', 'o2']) {
      const names = [...driver.createOutputTopic(topic, S).readRecord().headers].map(([n]) => n)
      expect(names).toEqual(['h', 'm'])
    }
  })

  it('peek and forEach refuse promises, which nobody would wait for', async () => {
    await failing((s) => s.peek((async () => {}) as never), /a promise/)
    await failing((s) => s.forEach((async () => {}) as never), /a promise/)
  })

  it('pipe applies an operator of your own', async () => {
    const shout = (s: Texts): Texts => s.mapValues((v) => `${v}!`)
    expect(await through((s) => s.pipe(shout), [['k', 'v']])).toEqual(['k=v!@1'])
  })

  it('processValues refuses another key', () =>
    failing(
      (s) =>
        s.processValues((context) => ({
          process: (record) => context.forward({ ...record, key: 'other' }),
        })),
      /processValues keeps the key/,
    ))

  it('a supplier must return a processor', () =>
    failing((s) => s.process(() => undefined as never), /must return a processor/))
})

describe('tables without stores', () => {
  /** What comes of a table operator. */
  async function rows(
    operator: (table: KTable<string, string>) => KTable<string, any, any>,
    inputs: readonly Input[],
    o = {},
  ): Promise<string[]> {
    const builder = new StreamsBuilder(S)
    operator(builder.table('in', o)).toStream().to('out')
    await using driver = new TopologyTestDriver(builder.build(), {
      startMs: 0,
      config: { cacheMaxBytes: 0 },
    })
    const input = driver.createInputTopic<Text, Text>('in', S as never)
    for (const [key, value, timestampMs = 1] of inputs)
      await input.pipeInput(key, value, { timestampMs })
    const dropped = driver.metrics().get('dropped-records-total') ?? 0
    const records = driver.createOutputTopic('out', S).readRecordsToList()
    return [
      ...records.map(({ key, value, timestampMs }) => `${key}=${value}@${timestampMs}`),
      ...(dropped > 0 ? [`dropped ${dropped}`] : []),
    ]
  }
  const numbers: Input[] = [
    ['a', '1', 1],
    ['a', '7', 2],
    ['a', '2', 3],
    ['a', '3', 4],
    ['a', null, 5],
  ]
  const large = (v: string): boolean => Number(v) > 5

  it('drop and count null keys, and let offset order win', async () => {
    const inputs: Input[] = [
      ['a', '1', 5],
      ['a', '0', 3],
      [null, 'x', 4],
    ]
    expect(await rows((t) => t, inputs)).toEqual(['a=1@5', 'a=0@3', 'dropped 1'])
  })

  it('filter sends tombstones for rows that it cannot know were never there', async () => {
    expect(await rows((t) => t.filter(large), numbers)).toEqual([
      'a=null@1',
      'a=7@2',
      'a=null@3',
      'a=null@4',
      'a=null@5',
    ])
  })

  it('filter holds them back where the table keeps its rows', async () => {
    expect(await rows((t) => t.filter(large), numbers, { store: 'st' })).toEqual([
      'a=7@2',
      'a=null@3',
    ])
  })

  it('mapValues is not called for deletions, transformValues is', async () => {
    const seen: unknown[] = []
    const map = (t: KTable<string, string>) => t.mapValues((v) => (seen.push(v), `${v}!`))
    expect(
      await rows(map, [
        ['a', '1'],
        ['a', null],
      ]),
    ).toEqual(['a=1!@1', 'a=null@1'])
    expect(seen).toEqual(['1'])
    const transform = (t: KTable<string, string>) => t.transformValues(() => (v) => v ?? 'gone')
    expect(await rows(transform, [['a', null]])).toEqual(['a=gone@1'])
  })

  it('transformValues forwards nothing, and needs a function', async () => {
    const forwarding = (t: KTable<string, string>) =>
      t.transformValues((context) => (value, key) => {
        void context.forward({ key, value: value as never, timestampMs: 1 })
        return value
      })
    await expect(rows(forwarding, [['a', '1']])).rejects.toThrow(
      /cannot forward: transformValues returns the new value of a row/,
    )
    const object = (t: KTable<string, string>) => t.transformValues(() => ({}) as never)
    await expect(rows(object, [['a', '1']])).rejects.toThrow(/must return a function/)
  })

  it('mapValues may delete', async () => {
    expect(await rows((t) => t.mapValues(() => null), [['a', '1']])).toEqual(['a=null@1'])
  })

  it('are looked up through operators that keep nothing', async () => {
    const builder = new StreamsBuilder(S)
    const table = builder
      .table('t')
      .filter(large)
      .mapValues((v) => `<${v}>`)
    builder
      .stream('s')
      .leftJoin(table, (a, b) => `${a}${b}`)
      .to('out')
    await using driver = new TopologyTestDriver(builder.build())
    const rowsIn = driver.createInputTopic('t', S)
    const stream = driver.createInputTopic('s', S)
    await rowsIn.pipeKeyValueList([
      ['a', '9'],
      ['b', '1'],
    ])
    await stream.pipeKeyValueList([
      ['a', 'x'],
      ['b', 'y'],
    ])
    const values = driver.createOutputTopic('out', S).readValuesToList()
    expect(values).toEqual(['x<9>', 'ynull'])
  })

  it('a callback that returns a promise is an error', async () => {
    const error = rows((t) => t.mapValues(async (v) => v) as never, [['a', '1']])
    await expect(error).rejects.toThrow(ProcessingError)
  })
})

describe('a null where none is promised', () => {
  it('asks the deserialization handler once, with the remedy', async () => {
    const asked: string[] = []
    const builder = new StreamsBuilder(S)
    builder.stream('in').to('out')
    await using driver = new TopologyTestDriver(builder.build(), {
      config: {
        deserializationHandler: (error) => {
          asked.push(error.message)
          return 'continue'
        },
      },
    })
    const input = driver.createInputTopic('in', S)
    await input.pipeKeyValueList([
      ['a', null],
      ['a', 'x'],
    ])
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatch(/its value is null; .*nullable\(serde\)/)
    expect(driver.createOutputTopic('out', S).readValuesToList()).toEqual(['x'])
  })
})
