// The text beside a committed offset, as Java writes it.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeMetadata, encodeMetadata } from '../../src/runtime/committed-metadata.js'

describe('committed offset metadata', () => {
  it('is version 2 and the partition time', () => {
    const text = encodeMetadata({ partitionTimeMs: 5, times: new Map() })
    expect(Buffer.from(text, 'base64').toString('hex')).toBe('020000000000000005')
  })

  it('lists named times behind', () => {
    const text = encodeMetadata({ partitionTimeMs: -1, times: new Map([['ab', 7]]) })
    expect(Buffer.from(text, 'base64').toString('hex')).toBe(
      '02ffffffffffffffff00000001000000026162' + '0000000000000007',
    )
  })

  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(
        fc.maxSafeInteger(),
        fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.maxSafeInteger())),
        (partitionTimeMs, entries) => {
          const times = new Map(entries)
          expect(decodeMetadata(encodeMetadata({ partitionTimeMs, times }))).toEqual({
            partitionTimeMs,
            times,
          })
        },
      ),
    )
  })

  it('reads nothing from texts of others', () => {
    for (const text of ['', 'hello', 'Ag==', Buffer.of(9, 9, 9).toString('base64')])
      expect(decodeMetadata(text)).toBeUndefined()
    fc.assert(fc.property(fc.base64String(), (text) => void decodeMetadata(text)))
  })
})
