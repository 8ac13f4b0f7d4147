// What the DSL and the runtime may know of a serde beyond reading and writing: its name, and marks
// such as `nullable`. They stand under a symbol, so that serdes of users' own need none of them.
import type { Deserializer, Serde, Serializer } from './serde.js'

const traitsKey: unique symbol = Symbol('millrace.serde')

/** All fields are optional: a serde of a user's own has none. */
export interface SerdeTraits {
  /** As `describe({ serdes: true })` prints it, such as `list(string())`. */
  readonly name?: string
  /** Null values are welcome at a source. */
  readonly nullable?: true
  /** Null keys are refused at a source. */
  readonly required?: true
  /** `json()` without a schema: says nothing about the type. */
  readonly untyped?: true
  /** Values are texts, and their bytes are these texts in UTF-8. */
  readonly text?: true
  /** Reads whatever bytes there are, so that a value nobody looks at need not be read. */
  readonly total?: true
  /** All values take this many bytes; lists then have Java's constant-size layout. */
  readonly fixedBytes?: number
  /** Bytes of window bounds behind the inner key: 8 for time windows, 16 for sessions. */
  readonly windowBytes?: number
  /** A new instance for one node, for serdes that look closer at the first records they see. */
  readonly perNode?: () => Serde<any>
}

type AnySerde = Serializer<any> | Deserializer<any>
interface WithTraits {
  readonly [traitsKey]?: SerdeTraits
}

const none: SerdeTraits = Object.freeze({})

/** What is known of a serde. */
export const serdeTraits = (serde: AnySerde): SerdeTraits =>
  (serde as WithTraits)[traitsKey] ?? none

/** Adds to what is known of a serde. */
export const withTraits = <S extends AnySerde>(serde: S, traits: SerdeTraits): S =>
  Object.assign(serde, { [traitsKey]: { ...serdeTraits(serde), ...traits } })

/** Whether a source with this value serde takes null values. */
export const isNullable = (serde: AnySerde): boolean => serdeTraits(serde).nullable === true

/** Whether a source with this key serde refuses null keys. */
export const isRequired = (serde: AnySerde): boolean => serdeTraits(serde).required === true

/** Whether this is `json()` without a schema. */
export const isUntyped = (serde: AnySerde): boolean => serdeTraits(serde).untyped === true

/** How a serde is called in messages and in `describe({ serdes: true })`. */
export const serdeName = (serde: AnySerde): string => {
  const name = serdeTraits(serde).name
  if (name !== undefined) return name
  const className: unknown = Object.getPrototypeOf(serde)?.constructor?.name
  return typeof className === 'string' && className !== 'Object' ? className : 'serde()'
}

/**
 * The serde as one node uses it. `json` compares a read-back of the first records that a node
 * writes; nodes that share a serde object each get their own count this way.
 */
export const serdeForNode = <S extends AnySerde>(serde: S): S =>
  (serdeTraits(serde).perNode?.() as S | undefined) ?? serde

/** The part of a windowed key's bytes that holds the inner key; other keys are returned whole. */
export const partitioningBytes = (serde: AnySerde, bytes: Uint8Array): Uint8Array => {
  const windowBytes = serdeTraits(serde).windowBytes
  return windowBytes === undefined ? bytes : bytes.subarray(0, bytes.length - windowBytes)
}
