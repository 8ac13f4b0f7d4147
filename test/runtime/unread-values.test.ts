// Values of `bytes()` that no node looks at are not copied out of their batch. Nobody may notice:
// whoever looks, gets them.
import { describe, expect, it } from 'vitest'
import { recordsOf } from '../../src/runtime/record-source.js'
import { StreamsBuilder, bytes, json, nullable, string } from '../../src/index.js'
import { TopologyTestDriver } from '../../src/testing/index.js'
import type { Deserializer } from '../../src/serde/serde.js'
import { sourceDecoder } from './source-decoder.js'

const decode = (
  value: Deserializer<unknown>,
  text: string | null,
  timestamp?: () => number,
): unknown => {
  const decoder = sourceDecoder(value, timestamp)
  decoder.valuesMatter = false
  const records = recordsOf([
    {
      offset: 0,
      timestampMs: 0,
      key: Buffer.from('k'),
      value: text === null ? null : Buffer.from(text),
    },
  ])
  records.next()
  return decoder.decode(records, 0)?.value
}

describe('where no node looks at values', () => {
  it('leaves bytes unread, but not null', () => {
    expect(decode(bytes(), 'frame')).toHaveLength(0)
    expect(decode(nullable(bytes()), 'frame')).toHaveLength(0)
    expect(decode(nullable(bytes()), null)).toBeNull()
  })

  it('reads what a serde may refuse', () => {
    expect(decode(json(), '{"a":1}')).toEqual({ a: 1 })
    expect(decode(json(), '{"a":')).toBeUndefined()
  })

  it('reads what a timestamp extractor may look at', () => {
    expect(decode(bytes(), 'frame', () => 1)).toEqual(new Uint8Array(Buffer.from('frame')))
  })
})

it('gives values to every other node of the same source', async () => {
  const builder = new StreamsBuilder({ key: string(), value: bytes() })
  const frames = builder.stream<string, Uint8Array>('frames')
  const seen: string[] = []
  const table = frames.groupByKey().count()
  frames.forEach((value) => void seen.push(Buffer.from(value).toString()))
  const counts: number[] = []
  table.toStream().forEach((count) => void counts.push(count))
  await using driver = new TopologyTestDriver(builder.build(), { startMs: 0 })
  const input = driver.createInputTopic('frames', { key: string(), value: string() })
  await input.pipeInput('a', 'one')
  await input.pipeInput('a', 'two')
  expect(seen).toEqual(['one', 'two'])
  expect(counts).toEqual([1, 2])
})
