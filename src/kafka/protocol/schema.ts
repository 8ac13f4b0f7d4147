// The interpreter: describes the fields of a message once, reads and writes them at any version,
// and gives their TypeScript types. A field outside its versions is not on the wire and reads as
// its default.
import { ProtocolError } from './protocol-error.js'
import { Reader } from './reader.js'
import { Writer } from './writer.js'

export type FieldKind =
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'bool'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records'
  | 'list'
  | 'struct'

/** Versions in which a field is on the wire, both inclusive, and its default. */
export interface FieldOptions<T> {
  readonly from?: number
  readonly to?: number
  /** Makes it a tagged field with this number, which whoever writes may leave out. */
  readonly tag?: number
  /** Makes it optional for whoever writes; what readers get where it is absent. */
  readonly or?: T
}

/** One field: `In` is written, `Out` is read; `Optional` says whether `In` may be left out. */
export interface Field<In, Out = In, Optional extends boolean = boolean> {
  readonly kind: FieldKind
  readonly from: number
  readonly to: number
  /** -1 for a field without a tag. */
  readonly tag: number
  readonly optional: Optional
  readonly or: Out
  /** The element of a list. */
  readonly item?: Field<unknown>
  /** The fields of a struct. */
  readonly shape?: Shape
  write(writer: Writer, value: In): void
  read(reader: Reader): Out
}

export type Shape = Readonly<Record<string, Field<unknown>>>

type Written<F> = F extends Field<infer In, unknown, boolean> ? In : never
type Read<F> = F extends Field<infer _In, infer Out, boolean> ? Out : never
type OptionalKeys<S> = { [K in keyof S]: S[K] extends { optional: true } ? K : never }[keyof S]

/** What is written for a shape. */
export type Body<S extends Shape> = {
  readonly [K in Exclude<keyof S, OptionalKeys<S>>]: Written<S[K]>
} & { readonly [K in OptionalKeys<S>]?: Written<S[K]> | undefined }

/** What is read for a shape. */
export type Parsed<S extends Shape> = { readonly [K in keyof S]: Read<S[K]> }

/** Tagged fields may be left out by whoever writes. */
type Tagged<O> = O extends { readonly tag: number } ? true : false

interface Codec<In, Out> {
  readonly kind: FieldKind
  readonly zero: Out
  readonly item?: Field<unknown>
  readonly shape?: Shape
  write(writer: Writer, value: In): void
  read(reader: Reader): Out
}

interface Scalar<T> {
  (options: FieldOptions<T> & { readonly or: T }): Field<T, T, true>
  (options?: FieldOptions<T>): Field<T, T, false>
}

const field = <In, Out, O extends boolean>(
  codec: Codec<In, Out>,
  options: FieldOptions<Out>,
): Field<In, Out, O> => ({
  ...codec,
  from: options.from ?? 0,
  to: options.to ?? 32767,
  tag: options.tag ?? -1,
  optional: ('or' in options || 'tag' in options) as O,
  or: options.or ?? codec.zero,
})

const scalar = <T>(codec: Codec<T, T>): Scalar<T> =>
  ((options?: FieldOptions<T>) => field(codec, options ?? {})) as Scalar<T>

const required = <T>(value: T | null, kind: string): T => {
  if (value === null) throw new ProtocolError(`null where a ${kind} is due`)
  return value
}

export const int8 = scalar<number>({
  kind: 'int8',
  zero: 0,
  write: (w, v) => w.int8(v),
  read: (r) => r.int8(),
})
export const int16 = scalar<number>({
  kind: 'int16',
  zero: 0,
  write: (w, v) => w.int16(v),
  read: (r) => r.int16(),
})
export const int32 = scalar<number>({
  kind: 'int32',
  zero: 0,
  write: (w, v) => w.int32(v),
  read: (r) => r.int32(),
})
export const int64 = scalar<number>({
  kind: 'int64',
  zero: 0,
  write: (w, v) => w.int64(v),
  read: (r) => r.int64(),
})
export const bool = scalar<boolean>({
  kind: 'bool',
  zero: false,
  write: (w, v) => w.int8(v ? 1 : 0),
  read: (r) => r.int8() !== 0,
})
/** The id of nothing. */
export const noUuid = '0'.repeat(32)
/** 32 hexadecimal digits. */
export const uuid = scalar<string>({
  kind: 'uuid',
  zero: noUuid,
  write: (w, v) => w.raw(Buffer.from(v, 'hex')),
  read: (r) => r.raw(16).toString('hex'),
})
export const string = scalar<string>({
  kind: 'string',
  zero: '',
  write: (w, v) => w.string(v),
  read: (r) => required(r.string(), 'string'),
})
export const nullableString = scalar<string | null>({
  kind: 'string',
  zero: null,
  write: (w, v) => w.string(v),
  read: (r) => r.string(),
})
export const bytes = scalar<Uint8Array>({
  kind: 'bytes',
  zero: Buffer.alloc(0),
  write: (w, v) => w.bytes(v),
  read: (r) => required(r.bytes(), 'byte field'),
})
export const nullableBytes = scalar<Uint8Array | null>({
  kind: 'bytes',
  zero: null,
  write: (w, v) => w.bytes(v),
  read: (r) => r.bytes(),
})
/** Record batches, one after another; null and empty mean the same. */
export const records = scalar<Uint8Array | null>({
  kind: 'records',
  zero: null,
  write: (w, v) => w.bytes(v),
  read: (r) => r.bytes(),
})

const listCodec = <In, Out>(item: Field<In, Out>): Codec<readonly In[], readonly Out[]> => ({
  kind: 'list',
  zero: [],
  item: item as Field<unknown>,
  write(w, values) {
    w.length(values.length)
    for (const value of values) item.write(w, value)
  },
  read(r) {
    // A null list and an empty one mean the same to us.
    const count = r.length()
    const values: Out[] = []
    for (let n = 0; n < count; n++) values.push(item.read(r))
    return values
  },
})

/** A list of plain values. */
export const listOf = <T>(item: Field<T>, options: FieldOptions<readonly T[]> = {}) =>
  field<readonly T[], readonly T[], false>(listCodec(item), options)

/** A list of structs. */
export const list = <
  const S extends Shape,
  const O extends FieldOptions<readonly Parsed<S>[]> = object,
>(
  shape: S,
  options?: O,
) =>
  field<readonly Body<S>[], readonly Parsed<S>[], Tagged<O>>(
    listCodec(struct(shape) as Field<Body<S>, Parsed<S>>),
    options ?? {},
  )

/** A list of structs that may be left out, or null for "all" where the protocol says so. */
export const optionalList = <const S extends Shape>(
  shape: S,
  options: FieldOptions<readonly Parsed<S>[]> = {},
) => {
  const codec = listCodec<Body<S>, Parsed<S>>(struct(shape))
  return field<readonly Body<S>[] | null, readonly Parsed<S>[], true>(
    { ...codec, write: (w, v) => (v === null ? w.length(-1) : codec.write(w, v)) },
    { or: [], ...options },
  )
}

/** A nested struct; where it is absent each of its fields has its default. */
export const struct = <const S extends Shape, const O extends FieldOptions<Parsed<S>> = object>(
  shape: S,
  options?: O,
) =>
  field<Body<S>, Parsed<S>, Tagged<O>>(
    {
      kind: 'struct',
      shape,
      zero: defaults(shape),
      write: (w, v) => writeShape(w, shape, v),
      read: (r) => readShape(r, shape),
    },
    options ?? {},
  )

const defaults = <S extends Shape>(shape: S): Parsed<S> =>
  Object.fromEntries(Object.entries(shape).map(([name, f]) => [name, f.or])) as Parsed<S>

const has = (f: Field<unknown>, version: number): boolean => version >= f.from && version <= f.to

/** Writes `body` as the writer's version has it. @throws TypeError when a field is missing. */
export function writeShape<S extends Shape>(writer: Writer, shape: S, body: Body<S>): void {
  const values = body as Readonly<Record<string, unknown>>
  let tagged: [Field<unknown>, unknown][] | undefined
  for (const name in shape) {
    const f = shape[name] as Field<unknown>
    if (!has(f, writer.version)) continue
    const value = values[name]
    if (f.tag >= 0) {
      if (value !== undefined) (tagged ??= []).push([f, value])
      continue
    }
    if (value === undefined && !f.optional) throw new TypeError(`${name} is missing`)
    f.write(writer, value === undefined ? f.or : value)
  }
  if (writer.flexible) writeTagged(writer, tagged ?? [])
}

function writeTagged(
  writer: Writer,
  tagged: readonly (readonly [Field<unknown>, unknown])[],
): void {
  writer.uvarint(tagged.length)
  for (const [f, value] of tagged) {
    const part = new Writer(writer.version, true)
    f.write(part, value)
    writer.uvarint(f.tag)
    writer.uvarint(part.byteLength)
    for (const chunk of part.chunks()) writer.raw(chunk)
  }
}

/** Reads what the reader's version has; the rest are defaults. @throws ProtocolError */
export function readShape<S extends Shape>(reader: Reader, shape: S): Parsed<S> {
  const result: Record<string, unknown> = {}
  for (const name in shape) {
    const f = shape[name] as Field<unknown>
    result[name] = f.tag < 0 && has(f, reader.version) ? f.read(reader) : f.or
  }
  if (reader.flexible) readTagged(reader, shape, result)
  return result as Parsed<S>
}

function readTagged(reader: Reader, shape: Shape, result: Record<string, unknown>): void {
  for (let left = reader.uvarint(); left > 0; left--) {
    const tag = reader.uvarint()
    const size = reader.uvarint()
    const start = reader.at
    reader.skip(size)
    for (const name in shape) {
      const f = shape[name] as Field<unknown>
      if (f.tag !== tag || !has(f, reader.version)) continue
      const part = new Reader(reader.buffer.subarray(0, start + size), reader.version, true, start)
      result[name] = f.read(part)
    }
  }
}
