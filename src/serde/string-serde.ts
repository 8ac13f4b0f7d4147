// Text as UTF-8, and UUIDs as text.
import type { Serde } from './serde.js'
import { withTraits } from './serde-traits.js'
import { readUtf8, utf8Bytes, writeUtf8 } from './utf8.js'
import { cannotWrite } from './value-type.js'

const stringName = 'string()'

const text = (value: unknown): string => {
  if (typeof value === 'string') return value
  throw cannotWrite(stringName, value, 'give this place a serde of its type, such as json()')
}

const stringSerde: Serde<string> = withTraits(
  {
    serialize: (value) => utf8Bytes(text(value), stringName),
    deserialize: (bytes) => readUtf8(bytes, 0, bytes.length, stringName),
    write: (buffer, offset, value) => writeUtf8(buffer, offset, text(value), stringName),
    read: (buffer, start, end) => readUtf8(buffer, start, end, stringName),
  },
  { name: stringName, text: true },
)

/**
 * Text as UTF-8, as Java's `Serdes.String`, but strict: malformed bytes and lone surrogates are a
 * TypeError both ways, never replaced.
 *
 * @example builder.stream('lines', { key: string(), value: string() })
 */
export function string(): Serde<string> {
  return stringSerde
}

const uuidName = 'uuid()'
const uuidLength = 36
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

const uuidText = (value: unknown): string => {
  if (typeof value === 'string' && uuidPattern.test(value)) return value
  throw cannotWrite(
    uuidName,
    value,
    typeof value === 'string'
      ? 'it writes 36 lower-case characters as crypto.randomUUID() gives them; toLowerCase() where needed'
      : 'it writes the text of a UUID, as crypto.randomUUID() gives it',
  )
}

const readUuid = (bytes: Uint8Array, start: number, end: number): string => {
  const value = readUtf8(bytes, start, end, uuidName).toLowerCase()
  if (uuidPattern.test(value)) return value
  throw new TypeError(
    `${uuidName} reads the 36 characters of a UUID, these ${end - start} bytes are none: ` +
      'was the topic written with another serde?',
  )
}

const uuidSerde: Serde<string> = withTraits(
  {
    serialize: (value) => utf8Bytes(uuidText(value), uuidName),
    deserialize: (bytes) => readUuid(bytes, 0, bytes.length),
    write: (buffer, offset, value) => writeUtf8(buffer, offset, uuidText(value), uuidName),
    read: readUuid,
  },
  { name: uuidName, text: true, fixedBytes: uuidLength },
)

/**
 * A UUID as its 36 characters, as Java's `Serdes.UUID` writes it. Reads upper case too, gives lower.
 *
 * @example builder.stream('orders', { key: uuid(), value: json<Order>() })
 */
export function uuid(): Serde<string> {
  return uuidSerde
}
