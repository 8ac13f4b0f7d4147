// A change on its way through the repartition topic of a grouped table (ChangedSerializer):
//
//   old | 00        new | 01        length of new: varint, zig-zag | new | old | 02
//
// Flags 3 to 5 are the same with one byte before the flag that says whether the change is the
// latest; Kafka Streams reads them, and so do we.
import type { RecordHeaders } from '../serde/record-headers.js'
import type { Serde } from '../serde/serde.js'
import { serdeName, withTraits } from '../serde/serde-traits.js'
import { Change } from './change.js'

const oldOnly = 0
const newOnly = 1
const both = 2

/** The serde of changes whose values `inner` writes. */
export const changeSerde = <V>(inner: Serde<V>): Serde<Change<V>> => {
  const name = `change(${serdeName(inner)})`

  const malformed = (bytes: Uint8Array): TypeError =>
    new TypeError(
      `${name} reads what a grouped table writes to its repartition topic, ` +
        `these ${bytes.length} bytes are something else`,
    )

  return withTraits<Serde<Change<V>>>(
    {
      serialize(change, topic, headers) {
        const { newValue, oldValue } = change
        const newBytes = newValue === null ? null : inner.serialize(newValue, topic, headers)
        const oldBytes = oldValue === null ? null : inner.serialize(oldValue, topic, headers)
        if (newBytes && oldBytes) return withBoth(newBytes, oldBytes)
        if (newBytes) return withFlag(newBytes, newOnly)
        if (oldBytes) return withFlag(oldBytes, oldOnly)
        throw new TypeError(`${name} cannot write a change without an old and a new value`)
      },
      deserialize(bytes, topic, headers) {
        const read = (start: number, end: number): V =>
          readValue(inner, bytes, start, end, topic, headers)
        const flag = bytes.at(-1)
        if (flag === undefined || flag > 5) throw malformed(bytes)
        const hasLatest = flag > both
        const end = bytes.length - (hasLatest ? 2 : 1)
        if (end < 0) throw malformed(bytes)
        const isLatest = !hasLatest || bytes[end] === 1
        switch (hasLatest ? flag - 3 : flag) {
          case oldOnly:
            return new Change<V>(null, read(0, end), isLatest)
          case newOnly:
            return new Change<V>(read(0, end), null, isLatest)
          default: {
            const [length, start] = readVarint(bytes)
            if (length < 0 || start + length > end) throw malformed(bytes)
            const oldStart = start + length
            return new Change<V>(read(start, oldStart), read(oldStart, end), isLatest)
          }
        }
      },
    },
    { name },
  )
}

const readValue = <V>(
  inner: Serde<V>,
  bytes: Uint8Array,
  start: number,
  end: number,
  topic: string,
  headers: RecordHeaders,
): V =>
  inner.read
    ? inner.read(bytes, start, end)
    : inner.deserialize(bytes.subarray(start, end), topic, headers)

const withFlag = (value: Uint8Array, flag: number): Uint8Array => {
  const bytes = Buffer.allocUnsafe(value.length + 1)
  bytes.set(value)
  bytes[value.length] = flag
  return bytes
}

const withBoth = (newBytes: Uint8Array, oldBytes: Uint8Array): Uint8Array => {
  const bytes = Buffer.allocUnsafe(5 + newBytes.length + oldBytes.length + 1)
  let at = 0
  let rest = newBytes.length * 2
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes[at++] = (rest & 0x7f) | 0x80
  bytes[at++] = rest
  bytes.set(newBytes, at)
  bytes.set(oldBytes, at + newBytes.length)
  at += newBytes.length + oldBytes.length
  bytes[at++] = both
  return bytes.subarray(0, at)
}

/** A zig-zag varint at the start, and where it ends. */
const readVarint = (bytes: Uint8Array): [value: number, end: number] => {
  let value = 0
  for (let at = 0; at < Math.min(5, bytes.length); at++) {
    const byte = bytes[at]!
    value += (byte & 0x7f) * 2 ** (7 * at)
    if (byte < 0x80) return [value % 2 === 0 ? value / 2 : -(value + 1) / 2, at + 1]
  }
  return [-1, 0]
}
