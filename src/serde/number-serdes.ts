// Numbers in Java's layouts: big endian, fixed length. A value outside the type's range is refused,
// never wrapped or rounded.
import type { Serde } from './serde.js'
import { withTraits } from './serde-traits.js'
import { asBuffer } from './utf8.js'
import { cannotWrite, wrongLength } from './value-type.js'

/** A serde of fixed length from how one value is checked, put and got. */
const fixed = <T>(
  name: string,
  length: number,
  check: (value: unknown) => T,
  put: (buffer: Buffer, offset: number, value: T) => void,
  get: (buffer: Buffer, offset: number) => T,
): Serde<T> => {
  const read = (bytes: Uint8Array, start: number, end: number): T => {
    if (end - start !== length) throw wrongLength(name, length, end - start)
    return get(asBuffer(bytes), start)
  }
  return withTraits<Serde<T>>(
    {
      serialize(value) {
        const checked = check(value)
        const bytes = Buffer.allocUnsafe(length)
        put(bytes, 0, checked)
        return bytes
      },
      deserialize: (bytes) => read(bytes, 0, bytes.length),
      write(buffer, offset, value) {
        const checked = check(value)
        if (offset + length > buffer.length) return -1
        put(asBuffer(buffer), offset, checked)
        return offset + length
      },
      read,
    },
    { name, fixedBytes: length },
  )
}

const wholeNumber = (name: string, min: number, max: number, wider: string) => {
  return (value: unknown): number => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max)
      return value
    if (typeof value !== 'number')
      throw cannotWrite(name, value, `it writes whole numbers; give this place a serde of its type`)
    if (!Number.isInteger(value))
      throw new TypeError(`${name} cannot write a number that is not whole: use double()`)
    throw new RangeError(`${name} cannot write a number outside [${min}, ${max}]: use ${wider}`)
  }
}

const anyNumber = (name: string) => {
  return (value: unknown): number => {
    if (typeof value === 'number') return value
    throw cannotWrite(name, value, 'it writes numbers; give this place a serde of its type')
  }
}

const maxSafe = Number.MAX_SAFE_INTEGER

const longSerde = fixed(
  'long()',
  8,
  wholeNumber('long()', -maxSafe, maxSafe, 'bigint()'),
  (buffer, offset, value) => {
    buffer.writeInt32BE(Math.floor(value / 2 ** 32), offset)
    buffer.writeUInt32BE(value >>> 0, offset + 4)
  },
  (buffer, offset) => {
    const value = buffer.readInt32BE(offset) * 2 ** 32 + buffer.readUInt32BE(offset + 4)
    if (Number.isSafeInteger(value)) return value
    throw new RangeError('long() reads whole numbers up to 2^53, this one is beyond: use bigint()')
  },
)

/**
 * A whole number in 8 bytes, as Java's `Serdes.Long`, within ±(2^53 - 1).
 * @throws RangeError beyond that, both ways: `bigint()` has all 64 bits.
 *
 * @example builder.stream('clicks').groupByKey().aggregate({ initial: () => 0, add: (n) => n + 1, value: long() })
 */
export function long(): Serde<number> {
  return longSerde
}

const bigintSerde = fixed(
  'bigint()',
  8,
  (value) => {
    if (typeof value !== 'bigint')
      throw cannotWrite('bigint()', value, 'it writes bigints; long() writes numbers')
    if (BigInt.asIntN(64, value) === value) return value
    throw new RangeError('bigint() cannot write a bigint beyond 64 bits: use string() or bytes()')
  },
  (buffer, offset, value) => void buffer.writeBigInt64BE(value, offset),
  (buffer, offset) => buffer.readBigInt64BE(offset),
)

/**
 * A whole number in 8 bytes, as Java's `Serdes.Long`, with all 64 bits.
 *
 * @example builder.stream('transfers', { key: string(), value: bigint() })
 */
export function bigint(): Serde<bigint> {
  return bigintSerde
}

const integerSerde = fixed(
  'integer()',
  4,
  wholeNumber('integer()', -(2 ** 31), 2 ** 31 - 1, 'long()'),
  (buffer, offset, value) => void buffer.writeInt32BE(value, offset),
  (buffer, offset) => buffer.readInt32BE(offset),
)

/**
 * A whole number in 4 bytes, as Java's `Serdes.Integer`. @throws RangeError outside 32 bits.
 *
 * @example builder.stream('levels', { key: integer(), value: string() })
 */
export function integer(): Serde<number> {
  return integerSerde
}

const shortSerde = fixed(
  'short()',
  2,
  wholeNumber('short()', -(2 ** 15), 2 ** 15 - 1, 'integer()'),
  (buffer, offset, value) => void buffer.writeInt16BE(value, offset),
  (buffer, offset) => buffer.readInt16BE(offset),
)

/**
 * A whole number in 2 bytes, as Java's `Serdes.Short`. @throws RangeError outside 16 bits.
 *
 * @example builder.stream('ports', { key: short(), value: string() })
 */
export function short(): Serde<number> {
  return shortSerde
}

const doubleSerde = fixed(
  'double()',
  8,
  anyNumber('double()'),
  (buffer, offset, value) => void buffer.writeDoubleBE(value, offset),
  (buffer, offset) => buffer.readDoubleBE(offset),
)

/**
 * Any number in 8 bytes, as Java's `Serdes.Double`.
 *
 * @example builder.stream('temperatures', { key: string(), value: double() })
 */
export function double(): Serde<number> {
  return doubleSerde
}

const floatSerde = fixed(
  'float()',
  4,
  (value) => {
    const number = anyNumber('float()')(value)
    if (Number.isFinite(number) && !Number.isFinite(Math.fround(number)))
      throw new RangeError('float() cannot write a number beyond 32-bit floats: use double()')
    return number
  },
  (buffer, offset, value) => void buffer.writeFloatBE(value, offset),
  (buffer, offset) => buffer.readFloatBE(offset),
)

/**
 * A number in 4 bytes, as Java's `Serdes.Float`; it is rounded to about 7 digits.
 * @throws RangeError beyond the range of 32-bit floats.
 *
 * @example builder.stream('voltages', { key: string(), value: float() })
 */
export function float(): Serde<number> {
  return floatSerde
}

/** Writes a time or offset, whole and not negative or above ±2^53, as 8 bytes big endian. */
export const putLong = (buffer: Buffer, offset: number, value: number): void => {
  buffer.writeInt32BE(Math.floor(value / 2 ** 32), offset)
  buffer.writeUInt32BE(value >>> 0, offset + 4)
}

/** Reads 8 bytes big endian; beyond 2^53 the result is rounded. */
export const getLong = (buffer: Buffer, offset: number): number =>
  buffer.readInt32BE(offset) * 2 ** 32 + buffer.readUInt32BE(offset + 4)
