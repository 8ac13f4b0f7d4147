// Bytes as they are, booleans, and serdes made of two functions.
import { ByteSlab } from './byte-slab.js'
import type { Serde } from './serde.js'
import { withTraits } from './serde-traits.js'
import { cannotWrite, valueType, wrongLength } from './value-type.js'

const bytesName = 'bytes()'

const asBytes = (value: unknown): Uint8Array => {
  if (value instanceof Uint8Array) return value
  throw cannotWrite(bytesName, value, 'it writes Uint8Array; give this place a serde of its type')
}

const slab = new ByteSlab(64 * 1024)
/** Fewer bytes are copied sooner one by one than by a call (measured on Node 20). */
const fewBytes = 32

/** A copy of `[start, end)`; small ones share slabs, as Node's own small buffers do. */
function copyOf(buffer: Uint8Array, start: number, end: number): Uint8Array {
  const size = end - start
  const copy = slab.allocate(size)
  if (size < fewBytes) for (let i = 0; i < size; i++) copy[i] = buffer[start + i]!
  else copy.set(new Uint8Array(buffer.buffer, buffer.byteOffset + start, size))
  return copy
}

// Copies both ways: a value that its owner changes later must not reach into rows and batches.
const bytesSerde: Serde<Uint8Array> = withTraits(
  {
    serialize: (value) => new Uint8Array(asBytes(value)),
    deserialize: (bytes) => new Uint8Array(bytes),
    write(buffer, offset, value) {
      if (offset + asBytes(value).length > buffer.length) return -1
      buffer.set(value, offset)
      return offset + value.length
    },
    read: copyOf,
  },
  { name: bytesName, total: true },
)

/**
 * Bytes as they are, as Java's `Serdes.ByteArray`. What is read is a copy of its own.
 *
 * @example builder.stream('frames', { key: string(), value: bytes() })
 */
export function bytes(): Serde<Uint8Array> {
  return bytesSerde
}

const booleanName = 'boolean()'

const bit = (value: unknown): number => {
  if (typeof value === 'boolean') return value ? 1 : 0
  throw cannotWrite(booleanName, value, 'it writes booleans; give this place a serde of its type')
}

const readBoolean = (buffer: Uint8Array, start: number, end: number): boolean => {
  if (end - start !== 1) throw wrongLength(booleanName, 1, end - start)
  const byte = buffer[start]
  if (byte === 0 || byte === 1) return byte === 1
  throw new TypeError(
    `${booleanName} reads a byte 0 or 1, this is another: was the topic written with another serde?`,
  )
}

const booleanSerde: Serde<boolean> = withTraits(
  {
    serialize: (value) => Uint8Array.of(bit(value)),
    deserialize: (bytes) => readBoolean(bytes, 0, bytes.length),
    write(buffer, offset, value) {
      const byte = bit(value)
      if (offset >= buffer.length) return -1
      buffer[offset] = byte
      return offset + 1
    },
    read: readBoolean,
  },
  { name: booleanName },
)

/**
 * One byte, 1 for true and 0 for false, as Java's `Serdes.Boolean`.
 *
 * @example builder.stream('switches', { key: string(), value: boolean() })
 */
export function boolean(): Serde<boolean> {
  return booleanSerde
}

/** Of a text, which has a length too, nothing would be written but zeros. */
function written(bytes: Uint8Array): Uint8Array {
  if (bytes === null || bytes instanceof Uint8Array) return bytes
  throw new TypeError(
    `serde() needs a function that gives a Uint8Array, this one gave ${valueType(bytes)}: use Buffer.from(…) for a text`,
  )
}

/**
 * A serde from two functions, as Java's `Serdes.serdeFrom`. Neither ever sees null.
 *
 * @example const celsius = serde((t: number) => Uint8Array.of(t + 100), (bytes) => bytes[0]! - 100)
 */
export function serde<T>(
  serializer: (value: T) => Uint8Array,
  deserializer: (bytes: Uint8Array) => T,
): Serde<T> {
  return withTraits<Serde<T>>(
    {
      serialize: (value) => written(serializer(value)),
      deserialize: (bytes) => deserializer(bytes),
    },
    { name: 'serde()' },
  )
}
