import fc from 'fast-check'
import { expect, it } from 'vitest'
import { KnownKeys } from '../../src/runtime/known-keys.js'
import { string } from '../../src/serde/string-serde.js'

const read = string().read!

it('reads what the serde reads, however often keys return', () => {
  const key = fc.oneof(
    fc.constantFrom('', 'a', 'b', 'sensor-1', 'sensor-2', 'é', 'Ã©', 'ÿ', '€', '😀'),
    fc.string({ maxLength: 80, unit: 'binary' }),
  )
  fc.assert(
    fc.property(fc.array(key, { maxLength: 200 }), (texts) => {
      const keys = new KnownKeys(read)
      for (const text of texts) {
        const bytes = Buffer.from(`<${text}>`, 'utf8')
        expect(keys.read(bytes, 1, bytes.length - 1)).toBe(text)
      }
    }),
    { numRuns: 50 },
  )
})

it('refuses what the serde refuses, also behind a text of the same characters', () => {
  const keys = new KnownKeys(read)
  const malformed = Buffer.from('Ã', 'latin1')
  expect(keys.read(Buffer.from('Ã', 'utf8'), 0, 2)).toBe('Ã')
  expect(() => keys.read(malformed, 0, 1)).toThrow('UTF-8')
})

it('asks the serde once for each key that returns', () => {
  let asked = 0
  const keys = new KnownKeys((bytes, start, end) => (asked++, read(bytes, start, end)))
  for (let round = 0; round < 100; round++)
    for (let n = 0; n < 10; n++) keys.read(Buffer.from(`sensor-${n}`), 0, 8)
  expect(asked).toBe(10)
})

it('stops to remember while keys do not return, and tries again later', () => {
  let asked = 0
  const keys = new KnownKeys((bytes, start, end) => (asked++, read(bytes, start, end)))
  const same = Buffer.from('again')
  for (let n = 0; n < 10_000; n++) {
    const bytes = Buffer.from(`once-${n}`)
    keys.read(bytes, 0, bytes.length)
  }
  asked = 0
  for (let n = 0; n < 1000; n++) keys.read(same, 0, same.length)
  expect(asked).toBe(1000)
  for (let n = 0; n < 200_000; n++) keys.read(same, 0, same.length)
  asked = 0
  for (let n = 0; n < 1000; n++) keys.read(same, 0, same.length)
  expect(asked).toBe(0)
})
