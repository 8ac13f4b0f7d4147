// Lists in the layout of Java's ListSerde:
//
//   constant size (numbers, UUIDs)   0 | nulls: int32 | index: int32 … | count: int32 | element …
//   variable size (all others)       1 | count: int32 | (length: int32, element) …   length -1: null
import { HeaderList, type RecordHeaders } from './record-headers.js'
import type { Serde } from './serde.js'
import { isNullable, serdeName, serdeTraits, withTraits } from './serde-traits.js'
import { asBuffer } from './utf8.js'
import { cannotWrite } from './value-type.js'

const constantSize = 0
const variableSize = 1

/**
 * A list of what `inner` writes, byte for byte as Java's `ListSerde` with the same inner serde.
 * Elements may be null only under `list(nullable(inner))`.
 *
 * @example builder.stream('tags', { key: string(), value: list(string()) })
 */
export function list<T>(inner: Serde<T>): Serde<readonly T[]> {
  const name = `list(${serdeName(inner)})`
  const elementBytes = serdeTraits(inner).fixedBytes
  const nullsAllowed = isNullable(inner)

  const elementsOf = (
    values: readonly T[],
    topic: string,
    headers: RecordHeaders,
  ): (Uint8Array | null)[] =>
    values.map((value) => {
      if (value !== null) return inner.serialize(value, topic, headers)
      if (nullsAllowed) return null
      throw new TypeError(`${name} cannot write null elements: use list(nullable(…))`)
    })

  return withTraits<Serde<readonly T[]>>(
    {
      serialize(values, topic, headers) {
        if (!Array.isArray(values))
          throw cannotWrite(name, values, 'it writes arrays; give this place a serde of its type')
        const elements = elementsOf(values, topic, headers)
        return elementBytes === undefined
          ? variableList(elements)
          : constantList(elements, elementBytes)
      },
      deserialize(bytes, topic, headers) {
        const read = (start: number, end: number): T =>
          inner.read
            ? inner.read(bytes, start, end)
            : inner.deserialize(bytes.subarray(start, end), topic, headers ?? new HeaderList())
        return new ListReader(bytes, name, elementBytes, nullsAllowed).list(read)
      },
    },
    { name },
  )
}

const variableList = (elements: readonly (Uint8Array | null)[]): Uint8Array => {
  let length = 5
  for (const element of elements) length += 4 + (element?.length ?? 0)
  const bytes = Buffer.allocUnsafe(length)
  bytes[0] = variableSize
  let at = bytes.writeInt32BE(elements.length, 1)
  for (const element of elements) {
    at = bytes.writeInt32BE(element?.length ?? -1, at)
    if (element === null) continue
    bytes.set(element, at)
    at += element.length
  }
  return bytes
}

const constantList = (elements: readonly (Uint8Array | null)[], size: number): Uint8Array => {
  let nulls = 0
  for (const element of elements) if (element === null) nulls++
  const bytes = Buffer.allocUnsafe(9 + 4 * nulls + size * (elements.length - nulls))
  bytes[0] = constantSize
  let at = bytes.writeInt32BE(nulls, 1)
  for (const [i, element] of elements.entries()) if (!element) at = bytes.writeInt32BE(i, at)
  at = bytes.writeInt32BE(elements.length, at)
  for (const element of elements) {
    if (element === null) continue
    bytes.set(element, at)
    at += element.length
  }
  return bytes
}

/** Reads one list; every length is checked against what is there before it is trusted. */
class ListReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(
    bytes: Uint8Array,
    readonly name: string,
    readonly elementBytes: number | undefined,
    readonly nullsAllowed: boolean,
  ) {
    this.#bytes = asBuffer(bytes)
  }

  list<T>(read: (start: number, end: number) => T): T[] {
    const layout = this.#skip(1) === 0 ? this.#bytes[0] : undefined
    if (layout !== constantSize && layout !== variableSize) throw this.#malformed()
    if (layout === constantSize && this.elementBytes === undefined)
      throw new TypeError(`${this.name} reads elements of any length, this list has fixed ones`)
    const nulls = new Set<number>()
    if (layout === constantSize) for (let n = this.#count(4); n > 0; n--) nulls.add(this.#int())
    const count = layout === constantSize ? this.#int() : this.#count(4)
    if (count < 0 || count - nulls.size > this.#bytes.length) throw this.#malformed()
    const values: (T | null)[] = []
    for (let i = 0; i < count; i++) {
      const isNull = nulls.has(i)
      const length = layout === constantSize ? (isNull ? -1 : this.elementBytes!) : this.#int()
      if (length === -1 && !this.nullsAllowed)
        throw new TypeError(`${this.name} reads a null element: use list(nullable(…))`)
      if (length < -1) throw this.#malformed()
      const start = length === -1 ? 0 : this.#skip(length)
      values.push(length === -1 ? null : read(start, this.#at))
    }
    if (this.#at !== this.#bytes.length) throw this.#malformed()
    return values as T[]
  }

  #skip(length: number): number {
    const start = this.#at
    if (start + length > this.#bytes.length) throw this.#malformed()
    this.#at = start + length
    return start
  }

  #int(): number {
    return this.#bytes.readInt32BE(this.#skip(4))
  }

  /** A number of things that take at least `least` bytes each. */
  #count(least: number): number {
    const count = this.#int()
    if (count < 0 || count * least > this.#bytes.length) throw this.#malformed()
    return count
  }

  #malformed(): TypeError {
    return new TypeError(
      `${this.name} reads a list as Java's ListSerde writes it, these ${this.#bytes.length} bytes ` +
        'are none: was the topic written with another serde?',
    )
  }
}
