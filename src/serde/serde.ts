// How keys and values become bytes and back. A serde never sees null.
import type { RecordHeaders } from './record-headers.js'

/** Writes values of T. @throws when the value is not of its type. */
export interface Serializer<in T> {
  readonly serialize: (value: T, topic: string, headers: RecordHeaders) => Uint8Array
  /** Optional fast path: writes at `offset`, returns the end, or -1 when the buffer is too small. */
  readonly write?: ((buffer: Uint8Array, offset: number, value: T) => number) | undefined
}

/** Reads values of T. @throws when the bytes are not such a value. */
export interface Deserializer<out T> {
  readonly deserialize: (bytes: Uint8Array, topic: string, headers: RecordHeaders) => T
  /** Optional fast path: reads `[start, end)` of a larger buffer without a copy. */
  readonly read?: ((buffer: Uint8Array, start: number, end: number) => T) | undefined
}

/** Both ways. */
export interface Serde<in out T> extends Serializer<T>, Deserializer<T> {}

/** Fits where the type is known already: writes T, what it reads is believed to be T. */
export interface SerdeFor<in T> extends Serializer<T>, Deserializer<unknown> {}
