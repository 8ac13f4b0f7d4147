import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HeaderList } from '../../src/serde/record-headers.js'
import type { Serde } from '../../src/serde/serde.js'
import { integer, json, list, nullable, string, uuid } from '../../src/serde/serdes.js'

const headers = new HeaderList()
const hex = <T>(s: Serde<T>, value: T): string =>
  Buffer.from(s.serialize(value, 'topic', headers)).toString('hex')
const read = <T>(s: Serde<T>, text: string): T =>
  s.deserialize(Buffer.from(text, 'hex'), 'topic', headers)

describe('list', () => {
  it('has the variable-size layout for texts', () => {
    expect(hex(list(string()), ['A', ''])).toBe('01' + '00000002' + '0000000141' + '00000000')
    expect(hex(list(nullable(string())), [null, 'A'])).toBe(
      '0100000002' + 'ffffffff' + '0000000141',
    )
  })

  it('has the constant-size layout for numbers and UUIDs', () => {
    expect(hex(list(integer()), [1, 2])).toBe(
      '00' + '00000000' + '00000002' + '00000001' + '00000002',
    )
    expect(hex(list(nullable(integer())), [null, 7])).toBe(
      '00' + '00000001' + '00000000' + '00000002' + '00000007',
    )
    expect(hex(list(uuid()), [])).toBe('000000000000000000')
  })

  it('reads what it wrote', () => {
    const check = <T>(s: Serde<T>, values: fc.Arbitrary<T>): void =>
      fc.assert(
        fc.property(values, (value) => {
          expect(s.deserialize(s.serialize(value, 't', headers), 't', headers)).toEqual(value)
        }),
      )
    check(list(string()), fc.array(fc.string()))
    check(list(nullable(string())), fc.array(fc.option(fc.string())))
    check(list(nullable(integer())), fc.array(fc.option(fc.integer())))
    check(list(list(integer())), fc.array(fc.array(fc.integer())))
    check(list(json<object>()), fc.array(fc.record({ a: fc.integer() })))
  })

  it('refuses any cut or lengthened list, and never allocates by a length it did not check', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.string())), fc.nat(), (values, n) => {
        const whole = list(nullable(string())).serialize(values, 't', headers)
        const cut = whole.subarray(0, n % whole.length)
        expect(() => list(nullable(string())).deserialize(cut, 't', headers)).toThrow(TypeError)
        const longer = Buffer.concat([whole, Buffer.of(0)])
        expect(() => list(nullable(string())).deserialize(longer, 't', headers)).toThrow(TypeError)
      }),
    )
    expect(() => read(list(string()), '017fffffff')).toThrow(/ListSerde/)
    expect(() => read(list(integer()), '007fffffff00000000')).toThrow(/ListSerde/)
    expect(() => read(list(integer()), '00000000007fffffff')).toThrow(/ListSerde/)
    expect(() => read(list(string()), '0200000000')).toThrow(/ListSerde/)
    expect(() => read(list(string()), '')).toThrow(/ListSerde/)
    expect(() => read(list(string()), '000000000000000000')).toThrow(/fixed/)
  })

  it('has null elements only where nullable says so', () => {
    expect(() => hex(list(string()) as Serde<unknown>, [null])).toThrow(/list\(nullable/)
    expect(() => read(list(string()), '0100000001ffffffff')).toThrow(/list\(nullable/)
    expect(() => hex(list(string()) as Serde<unknown>, 'A')).toThrow(/cannot write a string/)
  })
})
