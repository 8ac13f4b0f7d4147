// `nullable` and `required`: what a source promises about nulls. A serde never sees null itself;
// both are marks that the DSL reads.
import type { Serde } from './serde.js'
import { serdeName, serdeTraits, withTraits, type SerdeTraits } from './serde-traits.js'
import { cannotWrite } from './value-type.js'

/** A key serde under which null keys are refused at a source. */
export interface RequiredSerde<in out T> extends Serde<T> {
  readonly required: true
}

/** The same serde as a new object, so that a mark does not reach the one that is wrapped. */
const wrapped = <T>(inner: Serde<T>, traits: SerdeTraits): Serde<T> => {
  const { read, write } = inner
  const { perNode } = serdeTraits(inner)
  const serde: Serde<T> = {
    serialize: (value, topic, headers) => inner.serialize(value, topic, headers),
    deserialize: (bytes, topic, headers) => inner.deserialize(bytes, topic, headers),
    read: read && ((buffer, start, end) => read.call(inner, buffer, start, end)),
    write: write && ((buffer, offset, value) => write.call(inner, buffer, offset, value)),
  }
  if (isPlain(inner) && 'untyped' in inner) Object.assign(serde, { untyped: true })
  if (isPlain(inner) && 'required' in inner) Object.assign(serde, { required: true })
  return withTraits(serde, {
    ...serdeTraits(inner),
    ...traits,
    ...(perNode && { perNode: () => wrapped(perNode() as Serde<T>, traits) }),
  })
}

const isPlain = (value: unknown): value is object => typeof value === 'object' && value !== null

/**
 * Promises that nulls may come: a source stream with it has values `T | null` and passes
 * tombstones; in `list(nullable(…))` elements may be null. A fold that may delete takes it too.
 *
 * @example builder.stream('machines', { key: string(), value: nullable(json<Machine>()) })
 */
export function nullable<T>(serde: Serde<T>): Serde<T | null> {
  const name = `nullable(${serdeName(serde)})`
  const marked = wrapped(serde, { name, nullable: true })
  const { serialize, write } = marked
  // A null reaches no serde; a caller who hands one over is told so, not given the inner's refusal.
  const checked = (value: T | null): T => {
    if (value !== null) return value
    throw cannotWrite(name, value, 'a null value has no bytes; it is written as a tombstone')
  }
  return Object.assign(marked as Serde<any>, {
    serialize: (value: T | null, topic: string, headers: never) =>
      serialize(checked(value), topic, headers),
    write:
      write &&
      ((buffer: Uint8Array, offset: number, value: T | null) =>
        write(buffer, offset, checked(value))),
  })
}

/**
 * Promises that no key is null: a source stream with it has keys `K`, and a record without a key
 * goes to the deserialization handler.
 *
 * @example builder.stream('readings', { key: required(string()), value: json<Reading>() })
 */
export function required<T>(serde: Serde<T>): RequiredSerde<T> {
  const marked = wrapped(serde, { name: `required(${serdeName(serde)})`, required: true })
  return Object.assign(marked, { required: true as const })
}
