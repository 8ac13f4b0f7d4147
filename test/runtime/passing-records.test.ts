// Where every node is done with a record when `process` returns, the next one takes its object over.
// Nobody may notice: results, contexts and dead letters are those of records apart.
import { describe, expect, it } from 'vitest'
import {
  StreamsBuilder,
  json,
  string,
  tumbling,
  type KStream,
  type StreamRecord,
} from '../../src/index.js'
import { recordsOf } from '../../src/runtime/record-source.js'
import { TopologyTestDriver } from '../../src/testing/index.js'
import { PassingRecord } from '../../src/topology/passing-record.js'
import { sourceDecoder } from './source-decoder.js'

const text = { key: string(), value: string() }

/** What reaches the end downstream of an aggregation, after each commit; records of one partition. */
async function downstream(
  build: (input: KStream<string | null, string>) => { forEach(callback: Callback): void },
  records: readonly (readonly [string, string, number, string?])[],
  config: object = {},
): Promise<{ seen: string[]; driver: TopologyTestDriver }> {
  const seen: string[] = []
  const builder = new StreamsBuilder(text)
  build(builder.stream('in')).forEach((value, key, { timestampMs, headers, metadata }) => {
    const names = [...headers].map(([name]) => name).join()
    seen.push(`${key}=${JSON.stringify(value)}@${timestampMs} ${names} ${metadata?.offset}`)
  })
  const driver = new TopologyTestDriver(builder.build(), { startMs: 0, partitions: 1, config })
  const input = driver.createInputTopic('in', text)
  for (const [key, value, timestampMs, header] of records)
    await input.pipeInput(key, value, {
      timestampMs,
      headers: header === undefined ? [] : [[header, '1']],
    })
  await driver.commit()
  return { seen, driver }
}

type Callback = (value: unknown, key: any, record: StreamRecord<any, unknown>) => void

describe('an object that serves several records', () => {
  it('leaves each key its own context', async () => {
    const { seen, driver } = await downstream(
      (input) => input.groupByKey().count().toStream(),
      [
        ['a', 'x', 5, 'h'],
        ['b', 'x', 3],
        ['a', 'x', 4, 'i'],
        ['c', 'x', 6],
        ['d', 'x', 7, 'j'],
        ['c', 'x', 2],
      ],
    )
    await using _ = driver
    expect(seen).toEqual(['b=1@3  1', 'a=2@5 i 2', 'd=1@7 j 4', 'c=2@6  5'])
  })

  it('leaves values to those who keep them', async () => {
    const { seen, driver } = await downstream(
      (input) =>
        input
          .groupByKey()
          .windowedBy(tumbling({ sizeMs: 10, graceMs: 0 }))
          .reduce((kept) => kept)
          .toStream()
          .selectKey((_value, { key }) => key),
      [
        ['a', 'first', 0],
        ['a', 'second', 1],
        ['b', 'other', 2],
        ['b', 'last', 3],
      ],
    )
    await using _ = driver
    expect(seen).toEqual(['a="first"@1  1', 'b="other"@3  3'])
  })

  it('gives a dead letter the bytes of the record that failed', async () => {
    const { seen, driver } = await downstream(
      (input) =>
        input
          .groupByKey()
          .reduce((a, b) => {
            if (b === 'bad') throw new Error('no')
            return a + b
          })
          .toStream(),
      [
        ['a', 'x', 0],
        ['a', 'bad', 1],
        ['a', 'y', 2],
      ],
      { deadLetterTopic: 'dlq' },
    )
    await using _ = driver
    expect(seen).toEqual(['a="xy"@2  2'])
    const letter = driver.createOutputTopic('dlq', text).readRecord()
    expect([letter.key, letter.value, letter.timestampMs]).toEqual(['a', 'bad', 1])
  })

  it('is not used where some node may keep a record', async () => {
    const kept: StreamRecord<string | null, string>[] = []
    const { seen, driver } = await downstream(
      (input) => {
        input.forEach((_value, _key, record) => void kept.push(record))
        return input.groupByKey().count().toStream()
      },
      [
        ['a', 'x', 0],
        ['b', 'y', 1],
        ['c', 'z', 2],
      ],
    )
    await using _ = driver
    expect(seen).toHaveLength(3)
    expect(kept.map(({ value, metadata }) => `${value}${metadata?.offset}`)).toEqual([
      'x0',
      'y1',
      'z2',
    ])
  })
})

describe('a decoder', () => {
  it('uses an object again only where nobody sees it before the nodes do', () => {
    expect(sourceDecoder(json()).canReuseRecords).toBe(true)
    expect(sourceDecoder(json(), () => 1).canReuseRecords).toBe(false)
    expect(
      sourceDecoder({ deserialize: (_bytes, _topic, headers) => headers }).canReuseRecords,
    ).toBe(false)
  })

  it('puts the next record into it', () => {
    const passing = new PassingRecord('in', 0)
    const records = recordsOf([
      { offset: 7, timestampMs: 1, key: Buffer.from('k'), value: Buffer.from('1') },
      { offset: 9, timestampMs: 2, key: null, value: null, headers: [['h', null]] },
      { offset: 10, timestampMs: 3, key: null, value: null },
    ])
    const source = sourceDecoder(json())
    const next = () => {
      records.next()
      const record = source.decode(records, -1, passing)!
      expect(record).toBe(passing)
      const { key, value, timestampMs, headers, metadata } = record
      return [key, value, timestampMs, [...headers].length, metadata!.offset]
    }
    expect(next()).toEqual(['k', 1, 1, 0, 7])
    expect(next()).toEqual([null, null, 2, 1, 9])
    expect(passing.context).toMatchObject({ timestampMs: 2, headers: [['h', null]] })
    expect(next()).toEqual([null, null, 3, 0, 10])
    expect(passing.context.headers).toEqual([])
  })
})
