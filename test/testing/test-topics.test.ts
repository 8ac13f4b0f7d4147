// The two ends of a topology under test, over plain lists of bytes.
import { describe, expect, it } from 'vitest'
import { DeserializationError } from '../../src/errors.js'
import { HeaderList } from '../../src/serde/record-headers.js'
import { long } from '../../src/serde/number-serdes.js'
import { string } from '../../src/serde/string-serde.js'
import { ProducedRecords, type PipedBytes } from '../../src/testing/test-records.js'
import { BytesInputTopic, BytesOutputTopic } from '../../src/testing/test-topics.js'

const serdes = { key: string(), value: long() }
const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString())

function input(times: { startMs: number; autoAdvanceMs?: number }) {
  const piped: PipedBytes[] = []
  const topic = new BytesInputTopic('in', serdes, times, async (record) => void piped.push(record))
  return { topic, piped, times: () => piped.map(({ timestampMs }) => timestampMs) }
}

function output() {
  const produced = new ProducedRecords()
  const topic = new BytesOutputTopic('out', serdes, produced, () => 99)
  const add = (key: string | null, value: number | null, timestampMs: number | null = 1) => {
    const headers = new HeaderList()
    produced.add({
      topic: 'out',
      partition: 0,
      key: key === null ? null : serdes.key.serialize(key, 'out', headers),
      value: value === null ? null : serdes.value.serialize(value, 'out', headers),
      timestampMs,
      headers: [['h', null]],
    })
  }
  return { topic, add }
}

describe('an input topic', () => {
  it('writes keys, values and headers as bytes, and null as null', async () => {
    const { topic, piped } = input({ startMs: 0 })
    await topic.pipeInput('a', 1, { headers: { h: 'x' }, partition: 2 })
    await topic.pipeInput(null, null)
    expect(text(piped[0]!.key)).toBe('a')
    expect(piped[0]!.value).toHaveLength(8)
    expect(piped[0]!.headers.map(([name, value]) => [name, text(value)])).toEqual([['h', 'x']])
    expect(piped[0]!.partition).toBe(2)
    expect([piped[1]!.key, piped[1]!.value]).toEqual([null, null])
  })

  it('gives records its own time, which moves on by itself and by hand', async () => {
    const { topic, times } = input({ startMs: 10, autoAdvanceMs: 5 })
    await topic.pipeValue(1)
    await topic.pipeValue(2)
    topic.advanceTime(100)
    await topic.pipeValue(3)
    expect(times()).toEqual([10, 15, 120])
  })

  it("lets a record's own time win without moving on", async () => {
    const { topic, times } = input({ startMs: 10, autoAdvanceMs: 5 })
    await topic.pipeInput('a', 1, { timestampMs: 3 })
    await topic.pipeInput('a', 1)
    expect(times()).toEqual([3, 10])
  })

  it('spreads a list from its start by its step', async () => {
    const { topic, times, piped } = input({ startMs: 0, autoAdvanceMs: 5 })
    await topic.pipeKeyValueList(
      [
        ['a', 1],
        ['b', null],
      ],
      { timestampMs: 100, advanceMs: 7 },
    )
    await topic.pipeValueList([1, 2])
    expect(times()).toEqual([100, 107, 0, 5])
    expect(piped.map(({ key }) => text(key))).toEqual(['a', 'b', null, null])
  })

  it('takes the times of a list of records where they have one', async () => {
    const { topic, times } = input({ startMs: 8 })
    await topic.pipeRecordList([
      { key: 'a', value: 1, timestampMs: 2 },
      { key: 'a', value: 1 },
    ])
    expect(times()).toEqual([2, 8])
  })

  it('does not let time go back', () => {
    expect(() => input({ startMs: 0 }).topic.advanceTime(-1)).toThrow(RangeError)
    expect(() => input({ startMs: 0, autoAdvanceMs: -1 })).toThrow('autoAdvanceMs')
  })

  it('takes times in whole milliseconds only', async () => {
    const { topic } = input({ startMs: 0 })
    for (const timestampMs of [1.5, NaN, Infinity])
      await expect(topic.pipeInput('a', 1, { timestampMs })).rejects.toThrow(
        `the timestampMs of a record for in must be whole milliseconds, not ${timestampMs}`,
      )
    expect(() => topic.advanceTime(NaN)).toThrow(/advanceTime must be whole milliseconds, not NaN/)
  })

  it('rejects what the serde refuses', async () => {
    const { topic } = input({ startMs: 0 })
    await expect(topic.pipeInput('a', 'x' as never)).rejects.toThrow()
  })
})

describe('an output topic', () => {
  it('gives records in order of production and removes them', () => {
    const { topic, add } = output()
    add('a', 1)
    add('b', null, 2)
    expect(topic.queueSize).toBe(2)
    expect(topic.readRecord()).toMatchObject({ key: 'a', value: 1, timestampMs: 1 })
    expect(topic.readKeyValue()).toEqual(['b', null])
    expect(topic.isEmpty).toBe(true)
  })

  it('has headers, and the current time where none was given', () => {
    const { topic, add } = output()
    add('a', 1, null)
    const { headers, timestampMs } = topic.readRecord()
    expect(headers.get('h')).toBeNull()
    expect(timestampMs).toBe(99)
  })

  it('says when there is nothing', () => {
    const { topic, add } = output()
    expect(() => topic.readValue()).toThrow('nothing was produced to out')
    add('a', 1)
    expect(topic.readValue()).toBe(1)
    expect(() => topic.readValue()).toThrow('out holds no more records')
  })

  it('names topic and part where its serdes are not those of the records', () => {
    const produced = new ProducedRecords()
    const bytes = Buffer.from('text')
    const record = { topic: 'out', partition: 0, timestampMs: 1, headers: [] }
    produced.add({ ...record, key: bytes, value: bytes })
    produced.add({ ...record, key: null, value: null })
    const topic = new BytesOutputTopic('out', serdes, produced, () => 99)
    expect(() => topic.readRecord()).toThrow(DeserializationError)
    expect(topic.readRecord()).toMatchObject({ key: null, value: null })
    produced.add({ ...record, key: bytes, value: bytes })
    expect(() => topic.readRecord()).toThrow(
      /^the value of a record of out cannot be read: long\(\) reads 8 bytes, these are 4/,
    )
  })

  it('reads all at once as list or map', () => {
    const { topic, add } = output()
    add('a', 1)
    add('b', 2)
    add('a', 3)
    expect([...topic.readKeyValuesToMap()]).toEqual([
      ['a', 3],
      ['b', 2],
    ])
    add('a', 1)
    expect(topic.readValuesToList()).toEqual([1])
    expect(topic.readKeyValuesToList()).toEqual([])
  })

  it('refuses a null key in a map', () => {
    const { topic, add } = output()
    add(null, 1)
    expect(() => topic.readKeyValuesToMap()).toThrow('null key')
  })
})
