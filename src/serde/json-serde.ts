// JSON values. What JSON would change silently is found by reading back the first records that a
// node writes, so that a Date fails in the first test and not after the first restart.
import { changeByJson } from './json-fidelity.js'
import type { Serde } from './serde.js'
import { withTraits } from './serde-traits.js'
import { isStandardSchema, validate, type StandardSchemaV1 } from './standard-schema.js'
import { readUtf8, utf8Bytes } from './utf8.js'
import { valueType } from './value-type.js'

/** `json()` without a type argument: says nothing about the type, so it never decides an inference. */
export interface JsonSerde extends Serde<unknown> {
  readonly untyped: true
}

/** What `json<T>()` does with the text `null`. */
export interface JsonOptions {
  /** What the four bytes `null` are when read: refused (default), or a tombstone. */
  readonly nullText?: 'refuse' | 'tombstone' | undefined
}

/** So many records of a node, or of a topic where a serde has no node, are read back. */
const recordsReadBack = 100

const jsonName = 'json()'
const schemaName = 'json(schema)'

/**
 * JSON text. Without a type argument the value's type is unknown; with one it is believed; with a
 * Standard Schema (zod, valibot, arktype …) it is checked on reading. A schema that transforms
 * needs `{ encode }`, since it must read what it wrote. The first 100 records of a node are read
 * back, and what JSON would change (Date, Map, bigint, NaN) is a TypeError that names the place.
 *
 * @example builder.stream('readings', { key: string(), value: json<Reading>() })
 * @example json(z.object({ at: z.string().transform((t) => new Date(t)) }), { encode: (r) => ({ at: r.at.toISOString() }) })
 */
export function json(): JsonSerde
export function json<T>(options?: JsonOptions): Serde<T>
export function json<I, O extends I>(schema: StandardSchemaV1<I, O>): Serde<O>
export function json<I, O>(
  schema: StandardSchemaV1<I, O>,
  options: { readonly encode: (value: O) => I },
): Serde<O>
export function json(
  schemaOrOptions?: StandardSchemaV1<any, any> | JsonOptions,
  options?: { readonly encode?: (value: any) => unknown },
): Serde<any> {
  if (schemaOrOptions === undefined)
    return Object.assign(jsonSerde({ name: jsonName }), { untyped: true as const })
  if (isStandardSchema(schemaOrOptions)) {
    const { encode } = options ?? {}
    if (options !== undefined && typeof encode !== 'function')
      throw new TypeError('json(schema, { encode }): encode is a function from value to JSON value')
    return jsonSerde({ name: schemaName, schema: schemaOrOptions, encode })
  }
  const { nullText = 'refuse' } = schemaOrOptions as JsonOptions
  if (nullText !== 'refuse' && nullText !== 'tombstone')
    throw new TypeError(`json({ nullText }): 'refuse' or 'tombstone', not ${String(nullText)}`)
  return jsonSerde({ name: jsonName, nullIsTombstone: nullText === 'tombstone' })
}

interface JsonForm {
  readonly name: string
  readonly schema?: StandardSchemaV1<any, unknown>
  readonly encode?: ((value: unknown) => unknown) | undefined
  readonly nullIsTombstone?: boolean
}

const jsonSerde = (form: JsonForm): Serde<any> => {
  const { name, schema, encode } = form
  const readBack = new ReadBack(form)
  const read = (buffer: Uint8Array, start: number, end: number): unknown => {
    const value = parse(readUtf8(buffer, start, end, name), end - start, form)
    return schema && value !== null ? validate(schema, value, 'reads') : value
  }
  return withTraits<Serde<any>>(
    {
      serialize(value, topic) {
        const encoded = encode ? encode(value) : value
        const text = stringify(encoded, name)
        if (readBack.isDue(topic)) readBack.check(value, encoded, text)
        return utf8Bytes(text, name)
      },
      deserialize: (bytes) => read(bytes, 0, bytes.length),
      read,
    },
    {
      name,
      ...(name === jsonName && !form.nullIsTombstone && { untyped: true }),
      perNode: () => jsonSerde(form),
    },
  )
}

/** The value of a text; errors of JSON.parse quote the text and are not passed on. */
const parse = (text: string, byteLength: number, form: JsonForm): unknown => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new TypeError(
      `${form.name} reads JSON, these ${byteLength} bytes are none: ` +
        'was the topic written with another serde?',
    )
  }
  if (value === null && !form.nullIsTombstone)
    throw new TypeError(
      `${form.name} reads the text null, which no value of its type has: ` +
        "json({ nullText: 'tombstone' }) takes it for a tombstone",
    )
  return value
}

const stringify = (value: unknown, name: string): string => {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    throw new TypeError(`${name} cannot write ${valueType(value)}: ${unwritable(value)}`, {
      cause: error,
    })
  }
  if (text === undefined || text === 'null')
    throw new TypeError(
      `${name} cannot write ${typeof value === 'number' ? String(value) : valueType(value)}: ` +
        'JSON has no text for it; map it to a plain value first',
    )
  return text
}

const unwritable = (value: unknown): string =>
  typeof value === 'bigint'
    ? 'JSON has no bigint; use bigint(), or write it as text'
    : 'it holds a bigint, refers to itself, or has a toJSON that throws; map it to a plain value first'

/** Reads back the first records and compares. */
class ReadBack {
  readonly #form: JsonForm
  readonly #counts = new Map<string, number>()
  /** The topic seen last whose records were all compared. */
  #doneTopic: string | undefined

  constructor(form: JsonForm) {
    this.#form = form
  }

  isDue(topic: string): boolean {
    if (topic === this.#doneTopic) return false
    const count = this.#counts.get(topic) ?? 0
    if (count < recordsReadBack) this.#counts.set(topic, count + 1)
    else this.#doneTopic = topic
    return count < recordsReadBack
  }

  check(value: unknown, encoded: unknown, text: string): void {
    const { schema, encode } = this.#form
    const parsed: unknown = JSON.parse(text)
    this.#refuse(encoded, parsed, false)
    if (!schema) return
    const back = validate(schema, parsed, 'would read back')
    if (!encode) this.#refuse(value, back, true)
    // Values of any kind are compared by what they are written as.
    else this.#refuse(JSON.parse(stringify(encode(back), schemaName)), parsed, true)
  }

  #refuse(before: unknown, after: unknown, mayDrop: boolean): void {
    const change = changeByJson(before, after, mayDrop)
    if (!change) return
    throw new TypeError(
      `${this.#form.name} would change ${change.path}: ${change.found} is read back as ${change.becomes}; ` +
        (this.#form.encode
          ? 'encode must give JSON values from which the schema makes the same value'
          : 'map it to a plain value first, or use json(schema, { encode }) or serde(…)'),
    )
  }
}
