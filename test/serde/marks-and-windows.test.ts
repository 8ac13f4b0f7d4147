import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HeaderList } from '../../src/serde/record-headers.js'
import type { Serde } from '../../src/serde/serde.js'
import {
  isNullable,
  isRequired,
  isUntyped,
  partitioningBytes,
  serdeForNode,
  serdeName,
} from '../../src/serde/serde-traits.js'
import {
  json,
  list,
  long,
  nullable,
  required,
  sessionWindowed,
  string,
  timeWindowed,
} from '../../src/serde/serdes.js'
import type { Windowed } from '../../src/serde/windowed.js'

const headers = new HeaderList()
const hex = <T>(s: Serde<T>, value: T): string =>
  Buffer.from(s.serialize(value, 'topic', headers)).toString('hex')

describe('nullable and required', () => {
  it('mark a new serde and leave the wrapped one as it is', () => {
    expect(isNullable(nullable(string()))).toBe(true)
    expect(isRequired(required(string()))).toBe(true)
    expect(required(string()).required).toBe(true)
    expect(isNullable(string()) || isRequired(string())).toBe(false)
  })

  it('keep each other and what else is known', () => {
    const both = nullable(required(json()))
    expect([isNullable(both), isRequired(both), isUntyped(both)]).toEqual([true, true, true])
    expect(serdeName(both)).toBe('nullable(required(json()))')
    expect(isNullable(serdeForNode(nullable(json())))).toBe(true)
    expect(serdeName(list(nullable(long())))).toBe('list(nullable(long()))')
  })

  it('write and read as the serde inside, fast contract included', () => {
    for (const s of [nullable(string()), required(string())]) {
      expect(hex(s as Serde<string>, 'a')).toBe('61')
      const buffer = new Uint8Array(4)
      expect(s.write!(buffer, 1, 'a')).toBe(2)
      expect(s.read!(buffer, 1, 2)).toBe('a')
    }
    expect(nullable(json()).write).toBeUndefined()
    expect(() => hex(nullable(string()), null)).toThrow(/tombstone/)
  })

  it('take serdes that are instances of classes', () => {
    class Upper implements Serde<string> {
      readonly prefix = '>'
      serialize = (value: string): Uint8Array => Buffer.from(this.prefix + value)
      deserialize = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
      read(buffer: Uint8Array, start: number, end: number): string {
        return this.prefix + Buffer.from(buffer).toString('utf8', start, end)
      }
    }
    expect(required(new Upper()).read!(Buffer.from('abc'), 1, 2)).toBe('>b')
    expect(serdeName(new Upper())).toBe('Upper')
  })
})

describe('windowed keys', () => {
  const time = timeWindowed(string(), { sizeMs: 10 })
  const session = sessionWindowed(string())

  it('have the layouts that Kafka Streams writes', () => {
    expect(hex<Windowed<string>>(time, { kind: 'time', key: 'a', startMs: 10, endMs: 20 })).toBe(
      '61000000000000000a',
    )
    expect(
      hex<Windowed<string, 'session'>>(session, {
        kind: 'session',
        key: 'a',
        startMs: 14,
        endMs: 15,
      }),
    ).toBe('61000000000000000f000000000000000e')
  })

  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.string(), fc.maxSafeInteger(), (key, n) => {
        const startMs = Math.abs(n)
        const window = { kind: 'time', key, startMs, endMs: startMs + 10 } as const
        expect(time.deserialize(time.serialize(window, 't', headers), 't', headers)).toEqual(window)
        const visit = { kind: 'session', key, startMs, endMs: startMs + 3 } as const
        if (startMs + 3 > Number.MAX_SAFE_INTEGER) return
        const written = session.serialize(visit, 't', headers)
        expect(session.deserialize(written, 't', headers)).toEqual(visit)
        expect(Buffer.from(partitioningBytes(session, written)).toString()).toBe(key)
      }),
    )
  })

  it('are partitioned by the inner key', () => {
    const written = time.serialize({ kind: 'time', key: 'ab', startMs: 1, endMs: 2 }, 't', headers)
    expect(Buffer.from(partitioningBytes(time, written)).toString()).toBe('ab')
    expect(partitioningBytes(string(), written)).toBe(written)
  })

  it('refuse each other, unwindowed keys and bytes too short', () => {
    const visit = { kind: 'session', key: 'a', startMs: 1, endMs: 2 } as const
    expect(() => hex<any>(time, visit)).toThrow(/sessionWindowed/)
    expect(() => hex<any>(session, { ...visit, kind: 'time' })).toThrow(/timeWindowed/)
    expect(() => hex<any>(time, 'a')).toThrow(/cannot write a string/)
    expect(() => time.deserialize(new Uint8Array(7), 't', headers)).toThrow(/too few/)
    expect(() => session.deserialize(new Uint8Array(15), 't', headers)).toThrow(/too few/)
    expect(() => timeWindowed(string(), {} as { sizeMs: number })).toThrow(/sizeMs/)
    expect(() => timeWindowed(string(), undefined as never)).toThrow(/sizeMs/)
  })
})
