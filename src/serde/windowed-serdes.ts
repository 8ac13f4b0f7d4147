// Windowed keys on topics:
//
//   time window     inner key | start: int64                the size is not written
//   session         inner key | end: int64 | start: int64
import { getLong, putLong } from './number-serdes.js'
import type { Serde } from './serde.js'
import { serdeName, withTraits } from './serde-traits.js'
import { asBuffer } from './utf8.js'
import { cannotWrite } from './value-type.js'
import type { Windowed, WindowKind } from './windowed.js'

/** The end of an unlimited window: 2^63 - 1 in Java, here the nearest number. */
export const endOfTimeMs = 2 ** 63

const windowOf = <K, W extends WindowKind>(
  name: string,
  kind: W,
  value: Windowed<K, W>,
): Windowed<K, W> => {
  if (typeof value === 'object' && value !== null && value.kind === kind) return value
  const given = (value as { kind?: unknown } | null)?.kind
  if (given === 'time' || given === 'session')
    throw new TypeError(
      `${name} cannot write the key of a ${given === 'time' ? 'time window' : 'session'}: ` +
        `use ${given}Windowed(…)`,
    )
  throw cannotWrite(name, value, 'it writes windowed keys, as windowed aggregations give them')
}

const tooShort = (name: string, length: number): TypeError =>
  new TypeError(
    `${name} reads a key and its window, these ${length} bytes are too few: ` +
      'was the topic written with another serde?',
  )

/**
 * Keys of time windows, sliding ones included: the inner key and the start. The size is not
 * written, so the reader gives it; for sliding windows it is the time difference.
 * @throws TypeError when `sizeMs` is missing or negative
 *
 * @example table.toStream().to('averages', { key: timeWindowed(string(), { sizeMs: minutes(1) }) })
 */
export function timeWindowed<K>(
  inner: Serde<K>,
  options: { readonly sizeMs: number },
): Serde<Windowed<K>> {
  const sizeMs: unknown = options?.sizeMs
  if (typeof sizeMs !== 'number' || !(sizeMs >= 0))
    throw new TypeError('timeWindowed needs { sizeMs }: the size of the windows in milliseconds')
  const name = `timeWindowed(${serdeName(inner)})`
  return withTraits<Serde<Windowed<K>>>(
    {
      serialize(value, topic, headers) {
        const { key, startMs } = windowOf(name, 'time', value)
        const keyBytes = inner.serialize(key, topic, headers)
        const bytes = Buffer.allocUnsafe(keyBytes.length + 8)
        bytes.set(keyBytes)
        putLong(bytes, keyBytes.length, startMs)
        return bytes
      },
      deserialize(bytes, topic, headers) {
        const at = bytes.length - 8
        if (at < 0) throw tooShort(name, bytes.length)
        const key = inner.deserialize(bytes.subarray(0, at), topic, headers)
        const startMs = getLong(asBuffer(bytes), at)
        return { kind: 'time', key, startMs, endMs: Math.min(startMs + sizeMs, endOfTimeMs) }
      },
    },
    { name, windowBytes: 8 },
  )
}

/**
 * Keys of sessions: the inner key, the end and the start, both inclusive.
 *
 * @example table.toStream().to('visits', { key: sessionWindowed(string()) })
 */
export function sessionWindowed<K>(inner: Serde<K>): Serde<Windowed<K, 'session'>> {
  const name = `sessionWindowed(${serdeName(inner)})`
  return withTraits<Serde<Windowed<K, 'session'>>>(
    {
      serialize(value, topic, headers) {
        const { key, startMs, endMs } = windowOf(name, 'session', value)
        const keyBytes = inner.serialize(key, topic, headers)
        const bytes = Buffer.allocUnsafe(keyBytes.length + 16)
        bytes.set(keyBytes)
        putLong(bytes, keyBytes.length, endMs)
        putLong(bytes, keyBytes.length + 8, startMs)
        return bytes
      },
      deserialize(bytes, topic, headers) {
        const at = bytes.length - 16
        if (at < 0) throw tooShort(name, bytes.length)
        const key = inner.deserialize(bytes.subarray(0, at), topic, headers)
        const buffer = asBuffer(bytes)
        return {
          kind: 'session',
          key,
          startMs: getLong(buffer, at + 8),
          endMs: getLong(buffer, at),
        }
      },
    },
    { name, windowBytes: 16 },
  )
}
