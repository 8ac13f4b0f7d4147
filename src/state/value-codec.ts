// Values and keys of one store as bytes, with errors that name the store. Timestamped stores put
// 8 bytes of time before the value (semantics 19.3); changelogs do not have them.
import { SerializationError, StateStoreError } from '../errors.js'
import { HeaderList } from '../serde/record-headers.js'
import type { SerdeFor } from '../serde/serde.js'
import { readInt64, toLatin1, writeInt64 } from './byte-keys.js'
import { ValueGuard } from './value-guard.js'

const slabBytes = 32 * 1024

/** Bytes are written one after the other into larger buffers, which live as long as any of them. */
export class ValueCodec<V> {
  readonly #serde: SerdeFor<V>
  readonly #store: string
  readonly #topic: string
  /** Bytes before the value: 8 with a timestamp, else 0. */
  readonly #prefix: 0 | 8
  readonly #guard: ValueGuard | undefined
  #slab: Uint8Array = Buffer.allocUnsafeSlow(slabBytes)
  #at = 0

  /** `guarded`: whether objects are watched that became rows. */
  constructor(
    serde: SerdeFor<V>,
    store: string,
    topic: string,
    timestamped: boolean,
    guarded = false,
  ) {
    this.#guard = guarded ? new ValueGuard(store) : undefined
    this.#serde = serde
    this.#store = store
    this.#topic = topic
    this.#prefix = timestamped ? 8 : 0
  }

  /**
   * @throws SerializationError when the value is not of the serde's type
   * @throws StateStoreError when it is guarded, and no longer what was written
   */
  encode(value: V, timestampMs: number): Uint8Array {
    const image = this.#encode(value, timestampMs)
    if (this.#guard !== undefined && typeof value === 'object' && value !== null)
      this.#guard.check(value, this.payload(image), () => this.payload(this.#encode(value, -1)))
    return image
  }

  /** Told of each live value that becomes a row. */
  written(value: V | null): void {
    if (this.#guard === undefined || typeof value !== 'object' || value === null) return
    this.#guard.written(value, this.payload(this.#encode(value, -1)))
  }

  /** @throws StateStoreError when a value is guarded, and no longer what was written */
  check(value: V | null): void {
    if (this.#guard !== undefined && typeof value === 'object' && value !== null)
      this.encode(value, -1)
  }

  #encode(value: V, timestampMs: number): Uint8Array {
    const prefix = this.#prefix
    const write = this.#serde.write
    try {
      if (write !== undefined) {
        if (slabBytes - this.#at < 64) this.#nextSlab()
        let start = this.#at
        let end = write(this.#slab, start + prefix, value)
        if (end < 0 && start > 0) {
          this.#nextSlab()
          start = 0
          end = write(this.#slab, prefix, value)
        }
        if (end >= 0) return this.#finish(start, end, timestampMs)
      }
      const bytes = this.#serde.serialize(value, this.#topic, new HeaderList())
      // Always a copy: what a serde returns may be the user's own array.
      if (bytes.length + prefix > slabBytes / 4) {
        const image = Buffer.allocUnsafeSlow(bytes.length + prefix)
        if (prefix !== 0) writeInt64(image, 0, timestampMs)
        image.set(bytes, prefix)
        return image
      }
      if (slabBytes - this.#at < bytes.length + prefix) this.#nextSlab()
      this.#slab.set(bytes, this.#at + prefix)
      return this.#finish(this.#at, this.#at + prefix + bytes.length, timestampMs)
    } catch (error) {
      throw this.#refused(error)
    }
  }

  /**
   * Writes the bytes at the start of `to`; gives their end, or -1 where they have no room or the serde cannot.
   * @throws SerializationError when the value is not of the serde's type
   */
  write(value: V, timestampMs: number, to: Uint8Array): number {
    const write = this.#serde.write
    if (write === undefined) return -1
    if (this.#prefix !== 0) writeInt64(to, 0, timestampMs)
    try {
      return write(to, this.#prefix, value)
    } catch (error) {
      throw this.#refused(error)
    }
  }

  /** @throws StateStoreError when the bytes are not such a value */
  decode(image: Uint8Array): V {
    return this.decodeIn(image, 0, image.length)
  }

  /** The same of an image that lies among other bytes. */
  decodeIn(bytes: Uint8Array, from: number, end: number): V {
    const start = from + this.#prefix
    try {
      // What a serde reads is believed to be its type: these bytes were written by it.
      if (this.#serde.read !== undefined) return this.#serde.read(bytes, start, end) as V
      return this.#serde.deserialize(
        start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end),
        this.#topic,
        new HeaderList(),
      ) as V
    } catch (error) {
      throw new StateStoreError(
        `store ${this.#store}: cannot read a stored value: ${messageOf(error)}; was it written with another serde?`,
        { cause: error },
      )
    }
  }

  timestampOf(image: Uint8Array, start = 0): number {
    return this.#prefix === 0 ? -1 : readInt64(image, start)
  }

  /** The value's bytes alone, as the changelog has them. */
  payload(image: Uint8Array): Uint8Array {
    // Twice as fast as `subarray`, and this runs for every row of a commit.
    return this.#prefix === 0
      ? image
      : new Uint8Array(image.buffer, image.byteOffset + 8, image.length - 8)
  }

  /** The engine's bytes for a changelog record. */
  imageOf(payload: Uint8Array, timestampMs: number): Uint8Array {
    if (this.#prefix === 0) return payload
    const image = Buffer.allocUnsafe(payload.length + 8)
    writeInt64(image, 0, timestampMs)
    image.set(payload, 8)
    return image
  }

  #refused(error: unknown): SerializationError {
    const reason = `store ${this.#store}: cannot write a value: ${messageOf(error)}`
    return new SerializationError(reason, { cause: error })
  }

  #finish(start: number, end: number, timestampMs: number): Uint8Array {
    if (this.#prefix !== 0) writeInt64(this.#slab, start, timestampMs)
    this.#at = end
    return new Uint8Array(this.#slab.buffer, start, end - start)
  }

  #nextSlab(): void {
    this.#slab = Buffer.allocUnsafeSlow(slabBytes)
    this.#at = 0
  }
}

/** Keys of one store. Keys that are equal must have equal bytes, and the other way round. */
export class KeyCodec<K> {
  readonly #serde: SerdeFor<K>
  readonly #store: string
  readonly #topic: string

  constructor(serde: SerdeFor<K>, store: string, topic: string) {
    this.#serde = serde
    this.#store = store
    this.#topic = topic
  }

  /** @throws SerializationError when the key is not of the serde's type */
  encode(key: K): Uint8Array {
    try {
      const bytes = this.#serde.serialize(key, this.#topic, new HeaderList())
      return Object.is(bytes, key) ? new Uint8Array(bytes) : bytes
    } catch (error) {
      throw this.#refused(error)
    }
  }

  /**
   * Writes the key at the start of `to`; gives its end, or -1 where it has no room or the serde cannot.
   * @throws SerializationError when the key is not of the serde's type
   */
  write(key: K, to: Uint8Array): number {
    try {
      return this.#serde.write === undefined ? -1 : this.#serde.write(to, 0, key)
    } catch (error) {
      throw this.#refused(error)
    }
  }

  /** @throws StateStoreError when the bytes are not such a key */
  decode(bytes: Uint8Array): K {
    try {
      return this.#serde.deserialize(bytes, this.#topic, new HeaderList()) as K
    } catch (error) {
      throw new StateStoreError(
        `store ${this.#store}: cannot read a stored key: ${messageOf(error)}; was it written with another serde?`,
        { cause: error },
      )
    }
  }

  #refused(error: unknown): SerializationError {
    const reason = `store ${this.#store}: cannot write a key: ${messageOf(error)}`
    return new SerializationError(reason, { cause: error })
  }

  /** What stands for the key in a map: texts and numbers themselves, else their bytes as text. */
  mapKey(key: K): unknown {
    return typeof key === 'string' || typeof key === 'number' || typeof key === 'bigint'
      ? key
      : `\0${toLatin1(this.encode(key))}`
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
