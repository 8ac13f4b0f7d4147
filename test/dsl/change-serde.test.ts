import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Change } from '../../src/dsl/change.js'
import { changeSerde } from '../../src/dsl/change-serde.js'
import { HeaderList } from '../../src/serde/record-headers.js'
import { json, string } from '../../src/serde/serdes.js'

const headers = new HeaderList()
const serde = changeSerde(string())
const hex = (change: Change<string>): string =>
  Buffer.from(serde.serialize(change, 'topic', headers)).toString('hex')
const read = (text: string): Change<string> =>
  serde.deserialize(Buffer.from(text, 'hex'), 'topic', headers)

describe('changes in a repartition topic', () => {
  it('have the bytes that Kafka Streams writes', () => {
    expect(hex(new Change('ab', null))).toBe('616201')
    expect(hex(new Change('ac', 'ab'))).toBe('046163616202')
    expect(hex(new Change<string>(null, 'bc'))).toBe('626300')
  })

  it('are read as they were written, with any serde', () => {
    const value = fc.option(fc.string({ maxLength: 300 }))
    fc.assert(
      fc.property(value, value, (newValue, oldValue) => {
        fc.pre(newValue !== null || oldValue !== null)
        const change = new Change(newValue, oldValue)
        for (const s of [serde, changeSerde(json<string>())])
          expect(s.deserialize(s.serialize(change, 't', headers), 't', headers)).toEqual(change)
      }),
    )
  })

  it('may say whether they are the latest', () => {
    expect(read('61620003')).toEqual(new Change(null, 'ab', false))
    expect(read('61620104')).toEqual(new Change('ab', null, true))
    expect(read('0461636162' + '0005')).toEqual(new Change('ac', 'ab', false))
  })

  it('are refused when they are something else', () => {
    for (const bytes of ['', '6109', '03', '0861616202', 'ffffffffffff02', '01ff02'])
      expect(() => read(bytes), bytes).toThrow(TypeError)
    expect(() => hex(new Change<string>(null, null))).toThrow(/without an old and a new value/)
  })
})
