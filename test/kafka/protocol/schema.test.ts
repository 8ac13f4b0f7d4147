// The interpreter and the tables: what is written at a version is read again at that version, and
// hostile lengths are refused before anything is allocated for them.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Api } from '../../../src/kafka/protocol/api.js'
import { ProtocolError } from '../../../src/kafka/protocol/protocol-error.js'
import { Reader } from '../../../src/kafka/protocol/reader.js'
import {
  int32,
  listOf,
  nullableString,
  readShape,
  string,
  writeShape,
  type Body,
  type Field,
  type Shape,
} from '../../../src/kafka/protocol/schema.js'
import { Writer } from '../../../src/kafka/protocol/writer.js'
import { allApis } from '../fake-broker.js'

const int = (bits: number) => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 })

const arbitraryOf = (f: Field<unknown>, version: number): fc.Arbitrary<unknown> => {
  switch (f.kind) {
    case 'int8':
      return int(8)
    case 'int16':
      return int(16)
    case 'int32':
      return int(32)
    case 'int64':
      return fc.maxSafeInteger()
    case 'bool':
      return fc.boolean()
    case 'uuid':
      return fc.stringMatching(/^[0-9a-f]{32}$/)
    case 'string':
      return f.or === null ? fc.option(fc.string({ unit: 'grapheme' })) : fc.string()
    case 'bytes':
    case 'records':
      return fc.uint8Array({ maxLength: 40 }).map((b) => Buffer.from(b))
    case 'list':
      return fc.array(arbitraryOf(f.item as Field<unknown>, version), { maxLength: 3 })
    case 'struct':
      return bodyOf(f.shape as Shape, version)
  }
}

/** Bodies as they read at a version: fields that it does not have are at their defaults. */
const bodyOf = (shape: Shape, version: number): fc.Arbitrary<object> =>
  fc.record(
    Object.fromEntries(
      Object.entries(shape).map(([name, f]) => [
        name,
        version >= f.from && version <= f.to ? arbitraryOf(f, version) : fc.constant(f.or),
      ]),
    ),
  )

const roundTrip = (api: Api, shape: Shape, version: number, body: object): object => {
  const flexible = version >= api.flexibleFrom
  const writer = new Writer(version, flexible)
  writeShape(writer, shape, body as Body<Shape>)
  const size = writer.byteLength
  const bytes = Buffer.concat(writer.chunks())
  expect(bytes.length).toBe(size)
  const reader = new Reader(bytes, version, flexible)
  const read = readShape(reader, shape)
  expect(reader.left).toBe(0)
  return read
}

describe('the tables', () => {
  it.each(allApis.map((api) => [api.name, api] as const))('%s reads what it writes', (_, api) => {
    for (let version = api.minVersion; version <= api.maxVersion; version++)
      for (const shape of [api.request, api.response])
        fc.assert(
          fc.property(bodyOf(shape, version), (body) => {
            expect(roundTrip(api, shape, version, body)).toEqual(body)
          }),
          { numRuns: 20 },
        )
  })
})

describe('the interpreter', () => {
  const shape = { name: string(), more: nullableString({ or: null }), numbers: listOf(int32()) }

  const bytesOf = (version: number, flexible: boolean, write: (w: Writer) => void): Reader => {
    const writer = new Writer(version, flexible)
    write(writer)
    return new Reader(Buffer.concat(writer.chunks()), version, flexible)
  }

  it('refuses lengths beyond what is left', () => {
    const huge = bytesOf(0, false, (w) => {
      w.string('a')
      w.string(null)
      w.int32(2 ** 31 - 1)
    })
    expect(() => readShape(huge, shape)).toThrow(ProtocolError)
    const compact = bytesOf(0, true, (w) => {
      w.uvarint(2 ** 32 - 1)
    })
    expect(() => readShape(compact, shape)).toThrow(ProtocolError)
    const negative = bytesOf(0, false, (w) => w.int16(-2))
    expect(() => readShape(negative, shape)).toThrow(ProtocolError)
  })

  it('refuses a length that has no end', () => {
    const reader = new Reader(Buffer.alloc(10, 0xff), 0, true)
    expect(() => reader.uvarint()).toThrow(ProtocolError)
  })

  it('passes over tagged fields that it does not know', () => {
    const reader = bytesOf(0, true, (w) => {
      w.string('a')
      w.string('b')
      w.uvarint(1)
      w.uvarint(1)
      w.uvarint(9)
      w.uvarint(3)
      w.raw(Buffer.from('xyz'))
    })
    expect(readShape(reader, shape)).toEqual({ name: 'a', more: 'b', numbers: [] })
    expect(reader.left).toBe(0)
  })

  it('names a field that is missing', () => {
    const writer = new Writer(0, false)
    expect(() => writeShape(writer, shape, { numbers: [] } as never)).toThrow('name is missing')
  })

  it('does not copy large bytes', () => {
    const large = Buffer.alloc(10_000)
    const writer = new Writer(0, false)
    writer.bytes(large)
    writer.int32(1)
    expect(writer.chunks()[1]).toBe(large)
  })
})
