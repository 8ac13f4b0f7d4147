import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HeaderList } from '../../src/serde/record-headers.js'
import type { Serde } from '../../src/serde/serde.js'
import {
  bigint,
  boolean,
  bytes,
  double,
  float,
  integer,
  long,
  serde,
  short,
  string,
  uuid,
} from '../../src/serde/serdes.js'

const headers = new HeaderList()
const hex = <T>(s: Serde<T>, value: T): string =>
  Buffer.from(s.serialize(value, 'topic', headers)).toString('hex')
const read = <T>(s: Serde<T>, text: string): T =>
  s.deserialize(Buffer.from(text, 'hex'), 'topic', headers)

/** Every way in and out gives the same: whole arrays, and the fast contract in a larger buffer. */
const roundTrips = <T>(s: Serde<T>, values: fc.Arbitrary<T>): void => {
  fc.assert(
    fc.property(values, fc.nat(8), fc.nat(8), (value, before, after) => {
      const whole = s.serialize(value, 'topic', headers)
      expect(s.deserialize(whole, 'topic', headers)).toEqual(value)
      expect(s.deserialize(new Uint8Array(whole), 'topic', headers)).toEqual(value)
      if (!s.write || !s.read) return
      for (const buffer of [
        new Uint8Array(before + whole.length + after),
        Buffer.alloc(before + whole.length + after),
      ]) {
        const end = s.write(buffer, before, value)
        expect(end).toBe(before + whole.length)
        expect(Buffer.from(buffer.subarray(before, end))).toEqual(Buffer.from(whole))
        expect(s.read(buffer, before, end)).toEqual(value)
      }
      if (whole.length > 0)
        expect(s.write(new Uint8Array(before + whole.length - 1), before, value)).toBe(-1)
    }),
  )
}

const wellFormed = fc.string({ unit: 'binary', maxLength: 200 }).map((text) => text.toWellFormed())

describe('layouts of the Java serdes', () => {
  it.each([
    [string(), 'aé€😀', '61c3a9e282acf09f9880'],
    [long(), 1, '0000000000000001'],
    [long(), -2, 'fffffffffffffffe'],
    [long(), 2 ** 53 - 1, '001fffffffffffff'],
    [bigint(), -(2n ** 63n), '8000000000000000'],
    [integer(), -2, 'fffffffe'],
    [short(), 258, '0102'],
    [double(), 1.5, '3ff8000000000000'],
    [float(), 1.5, '3fc00000'],
    [boolean(), true, '01'],
    [boolean(), false, '00'],
    [bytes(), Uint8Array.of(1, 2), '0102'],
    [
      uuid(),
      '01234567-89ab-cdef-0123-456789abcdef',
      Buffer.from('01234567-89ab-cdef-0123-456789abcdef').toString('hex'),
    ],
  ] as [Serde<unknown>, unknown, string][])('%s writes %s', (s, value, bytesInHex) => {
    expect(hex(s, value)).toBe(bytesInHex)
    expect(read(s, bytesInHex)).toEqual(value)
  })
})

describe('round trips', () => {
  it('string', () => roundTrips(string(), wellFormed))
  it('string of ASCII', () =>
    roundTrips(string(), fc.string({ unit: 'binary-ascii', maxLength: 90 })))
  it('long', () => roundTrips(long(), fc.maxSafeInteger()))
  it('bigint', () => roundTrips(bigint(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })))
  it('integer', () => roundTrips(integer(), fc.integer()))
  it('short', () => roundTrips(short(), fc.integer({ min: -32768, max: 32767 })))
  it('double', () => roundTrips(double(), fc.double()))
  it('float', () => roundTrips(float(), fc.float()))
  it('boolean', () => roundTrips(boolean(), fc.boolean()))
  it('uuid', () => roundTrips(uuid(), fc.uuid()))
  it('bytes', () => roundTrips(bytes(), fc.uint8Array()))
  it('serde', () =>
    roundTrips(
      serde(
        (n: number) => Uint8Array.of(n),
        (b) => b[0]!,
      ),
      fc.integer({ min: 0, max: 255 }),
    ))
})

describe('string', () => {
  it('refuses malformed UTF-8 without quoting it', () => {
    for (const malformed of ['ff', 'c3', 'eda080', 'f8808080', '6161c0af'])
      expect(() => read(string(), malformed)).toThrow(/UTF-8.*another serde/)
  })

  it('reads a replacement character and a byte order mark as they are', () => {
    expect(read(string(), 'efbfbd')).toBe('\ufffd')
    expect(read(string(), 'efbbbf61')).toBe('\ufeffa')
  })

  it('refuses lone surrogates, in short and long texts', () => {
    for (const text of ['\ud800', 'a\udc00', 'x'.repeat(100) + '\ud83d']) {
      expect(() => hex(string(), text)).toThrow(/lone surrogate/)
      expect(() => string().write!(new Uint8Array(1000), 0, text)).toThrow(/lone surrogate/)
    }
  })

  it('names the type of what it cannot write, not the value', () => {
    const secret = { password: 'hunter2' }
    expect(() => hex(string() as Serde<unknown>, secret)).toThrow(/cannot write an object: .*json/)
    expect(() => hex(string() as Serde<unknown>, 42)).toThrow('cannot write a number')
    expect(() => hex(string() as Serde<unknown>, undefined)).toThrow('cannot write undefined')
    try {
      hex(string() as Serde<unknown>, secret)
    } catch (error) {
      expect(String(error)).not.toContain('hunter2')
    }
  })
})

describe('numbers', () => {
  it('long refuses what a number cannot hold, both ways', () => {
    expect(() => hex(long(), 2 ** 53)).toThrow(/bigint\(\)/)
    expect(() => read(long(), '0020000000000000')).toThrow(/2\^53.*bigint\(\)/)
    expect(() => read(long(), '7fffffffffffffff')).toThrow(/bigint\(\)/)
    expect(() => hex(long(), 1.5)).toThrow(/double\(\)/)
    expect(() => hex(long(), NaN)).toThrow(TypeError)
    expect(() => hex(long() as Serde<unknown>, '1')).toThrow('cannot write a string')
  })

  it('narrow types refuse what they would wrap', () => {
    expect(() => hex(integer(), 2 ** 31)).toThrow(/long\(\)/)
    expect(() => hex(short(), 32768)).toThrow(/integer\(\)/)
    expect(() => hex(float(), 1e39)).toThrow(/double\(\)/)
    expect(() => hex(bigint(), 2n ** 63n)).toThrow(/64 bits/)
    expect(hex(float(), Infinity)).toBe('7f800000')
  })

  it('refuse bytes of another length', () => {
    expect(() => read(long(), '00000001')).toThrow(/reads 8 bytes, these are 4/)
    expect(() => read(boolean(), '0001')).toThrow(/reads 1 byte, these are 2/)
    expect(() => read(boolean(), '02')).toThrow(/0 or 1/)
  })
})

describe('bytes', () => {
  it('copies both ways, so that later changes reach neither rows nor values', () => {
    const value = Uint8Array.of(1, 2)
    const written = bytes().serialize(value, 'topic', headers)
    const back = bytes().deserialize(written, 'topic', headers)
    value[0] = 9
    written[1] = 9
    expect([...written]).toEqual([1, 9])
    expect([...back]).toEqual([1, 2])
  })
})

describe('a serde of two functions', () => {
  it('refuses what is no bytes', () => {
    const text = serde<string>((value) => value as never, String)
    const write = () => text.serialize('x', 'topic', headers)
    expect(write).toThrow(/gives a Uint8Array, this one gave a string: use Buffer\.from/)
  })
})

describe('uuid', () => {
  it('writes lower case only and reads both', () => {
    const upper = '01234567-89AB-CDEF-0123-456789ABCDEF'
    expect(() => hex(uuid(), upper)).toThrow(/lower-case/)
    expect(read(uuid(), Buffer.from(upper).toString('hex'))).toBe(upper.toLowerCase())
    expect(() => read(uuid(), '61')).toThrow(/36 characters/)
  })
})
