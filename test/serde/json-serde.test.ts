import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HeaderList } from '../../src/serde/record-headers.js'
import type { Serde } from '../../src/serde/serde.js'
import { isUntyped, serdeForNode } from '../../src/serde/serde-traits.js'
import { json, type StandardSchemaV1 } from '../../src/serde/serdes.js'

const headers = new HeaderList()
const write = <T>(s: Serde<T>, value: unknown, topic = 'topic'): string =>
  Buffer.from(s.serialize(value as T, topic, headers)).toString()
const read = <T>(s: Serde<T>, text: string): T => s.deserialize(Buffer.from(text), 'topic', headers)
const messageOf = (action: () => unknown): string => {
  try {
    action()
  } catch (error) {
    return String(error)
  }
  throw new Error('did not throw')
}

/** A schema from a function, as schema libraries make them. */
const schemaOf = <I, O>(parse: (value: any) => O): StandardSchemaV1<I, O> => ({
  '~standard': {
    version: 1,
    vendor: 'test',
    validate(value) {
      try {
        return { value: parse(value) }
      } catch (error) {
        return { issues: [{ message: `bad ${JSON.stringify(value)}`, path: (error as any).path }] }
      }
    },
  },
})

describe('json', () => {
  it('reads what it wrote, as JSON.stringify has it', () => {
    const values = fc
      .jsonValue({ noUnicodeString: false })
      .filter((value) => value !== null)
      .map((value) => JSON.parse(JSON.stringify(value)) as unknown)
    fc.assert(
      fc.property(values, (value) => {
        const text = write(json(), value, `${fc.sample(fc.nat(), 1)[0]}`)
        expect(text).toBe(JSON.stringify(value))
        expect(read(json(), text)).toEqual(value)
        const within = Buffer.from(`..${text}.`)
        expect(json().read!(within, 2, within.length - 1)).toEqual(value)
      }),
    )
  })

  it.each([
    ['a Date', { at: new Date(0) }, 'value.at: a Date is read back as a string'],
    ['a Map', { rows: [new Map()] }, 'value.rows[0]: a Map is read back as an object'],
    ['a Set', new Set([1]), 'value: a Set'],
    ['NaN', { n: NaN }, 'value.n: NaN is read back as null'],
    ['infinity', { a: { b: -Infinity } }, 'value.a.b: -Infinity is read back as null'],
    ['undefined in an array', [undefined], 'value[0]: undefined is read back as null'],
    ['bytes', { b: new Uint8Array(1) }, 'value.b: a Uint8Array is read back as an object'],
    [
      'a class with methods',
      new (class Shape {
        area() {
          return 1
        }
      })(),
      'value: a Shape',
    ],
    ['a function', { f: () => 1 }, 'value.f: a function is read back as nothing'],
    ['a bigint', { n: 1n }, 'holds a bigint'],
    ['a bare bigint', 1n, 'use bigint()'],
    ['undefined', undefined, 'cannot write undefined'],
    ['a bare NaN', NaN, 'cannot write NaN'],
  ])('refuses %s', (_name, value, message) => {
    expect(messageOf(() => write(json(), value))).toContain(message)
  })

  it('takes undefined properties, and classes that hold data alone', () => {
    class Point {
      x = 1
      y: number | undefined = undefined
    }
    expect(write(json(), new Point())).toBe('{"x":1}')
    expect(write(json(), { a: -0 })).toBe('{"a":0}')
  })

  it('reads back the first hundred records of each topic and of each node', () => {
    const s = json<object>()
    for (let i = 0; i < 100; i++) write(s, {})
    expect(write(s, { at: new Date(0) })).toContain('1970')
    expect(() => write(s, { at: new Date(0) }, 'other')).toThrow(/value\.at/)
    expect(() => write(serdeForNode(s), { at: new Date(0) })).toThrow(/value\.at/)
  })

  it('refuses the text null unless it is said to be a tombstone', () => {
    expect(() => read(json(), 'null')).toThrow(/nullText: 'tombstone'/)
    expect(() => read(json(), ' null ')).toThrow(/nullText/)
    expect(read(json<object>({ nullText: 'tombstone' }), 'null')).toBeNull()
    expect(() => read(json<object>({ nullText: 'refuse' }), 'null')).toThrow(/nullText/)
    expect(() => json({ nullText: 'ignore' as 'refuse' })).toThrow(/nullText/)
  })

  it('never quotes what it could not read', () => {
    const message = messageOf(() => read(json(), '{"password":"hunter2"'))
    expect(message).toMatch(/reads JSON, these 21 bytes/)
    expect(message).not.toContain('hunter2')
    expect(() => read(json(), '')).toThrow(/0 bytes/)
  })

  it('marks the untyped form', () => {
    expect(json().untyped).toBe(true)
    expect(isUntyped(json())).toBe(true)
    expect(isUntyped(json(schemaOf((v: unknown) => v)))).toBe(false)
  })
})

describe('json with a schema', () => {
  interface Reading {
    readonly at: Date
  }
  const dates = schemaOf<{ at: string }, Reading>((value) => {
    if (typeof value?.at !== 'string')
      throw Object.assign(new Error(), { path: ['at', { key: 0 }] })
    return { at: new Date(value.at) }
  })

  it('checks what it reads, naming the path and not the value', () => {
    const message = messageOf(() => read(json(dates as never), '{"at":4711}'))
    expect(message).toContain('test schema refuses at at.0')
    expect(message).not.toContain('4711')
  })

  it('writes by encode what the schema reads', () => {
    const s = json(dates, { encode: (value) => ({ at: value.at.toISOString() }) })
    const text = write(s, { at: new Date(5) })
    expect(text).toBe('{"at":"1970-01-01T00:00:00.005Z"}')
    expect(read(s, text)).toEqual({ at: new Date(5) })
  })

  it('refuses a transform without encode, and an encode that is no inverse', () => {
    expect(() => write(json(dates as never), { at: new Date(5) })).toThrow(/value\.at: a Date/)
    const trims = schemaOf<{ a: string }, { a: string }>((v) => ({ a: v.a.trim() }))
    expect(() => write(json(trims), { a: ' x' })).toThrow(/value\.a/)
    expect(write(json(trims), { a: 'x' })).toBe('{"a":"x"}')
    const growing = json(trims as StandardSchemaV1<{ a: string }, { a: string }>, {
      encode: (value) => ({ a: `${value.a} x` }),
    })
    expect(() => write(growing, { a: 'x' })).toThrow(/value\.a/)
    const unreadable = json(dates, { encode: () => ({ at: 5 as unknown as string }) })
    expect(() => write(unreadable, { at: new Date(5) })).toThrow(/would read back.* at at\.0/)
    expect(() =>
      write(json(dates, { encode: (v) => ({ at: v.at as unknown as string }) }), {
        at: new Date(5),
      }),
    ).toThrow(/encode must give JSON values/)
  })

  it('lets a schema strip properties it does not know', () => {
    const stripping = schemaOf<{ a: number }, { a: number }>((v) => ({ a: v.a }))
    expect(write(json(stripping), { a: 1, b: 2 })).toBe('{"a":1,"b":2}')
    expect(read(json(stripping), '{"a":1,"b":2}')).toEqual({ a: 1 })
  })

  it('takes schemas that are functions', () => {
    const callable = Object.assign(
      () => {},
      schemaOf<number, number>((v) => v),
    )
    expect(read(json(callable), '5')).toBe(5)
  })

  it('refuses a schema that validates asynchronously, with the remedy', async () => {
    const late = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => Promise.reject(new Error('late')),
      },
    } as StandardSchemaV1<object, object>
    expect(() => read(json(late), '{}')).toThrow(/mapValuesAsync/)
    await new Promise(setImmediate)
  })
})
