// What a changelog keeps of a buffered update, byte for byte as Kafka Streams has it (semantics
// 13.11). Lengths are int32, big-endian; -1 stands for null.
//
//   context:  timestamp int64 · offset int64 · topic length, topic · partition int32 ·
//             header count · per header: name length, name · value length, value
//   prior length, prior · old length, old (-2: old equals prior) · new length, new · time int64
import { noHeaders, type HeaderEntry } from '../serde/record-headers.js'
import { readInt32, readInt64, writeInt32, writeInt64 } from './byte-keys.js'
import { StateStoreError } from '../errors.js'
import type { StoreRecordContext } from './state-store.js'

/** An update as bytes, with the record that it came of. */
export interface BufferedUpdate {
  readonly context: StoreRecordContext
  /** What look-ups see while the update waits. */
  readonly prior: Uint8Array | null
  readonly oldValue: Uint8Array | null
  readonly newValue: Uint8Array | null
}

const oldEqualsPrior = -2

/** Whether two values are the same bytes. */
export const sameBytes = (a: Uint8Array | null, b: Uint8Array | null): boolean => {
  if (a === b) return true
  if (a === null || b === null || a.length !== b.length) return false
  // Below this length a loop is quicker than a call out of JavaScript.
  if (a.length > 32) return Buffer.compare(a, b) === 0
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

class Writer {
  readonly #parts: Uint8Array[] = []

  int32(value: number): void {
    const bytes = new Uint8Array(4)
    writeInt32(bytes, 0, value)
    this.#parts.push(bytes)
  }

  int64(value: number): void {
    const bytes = new Uint8Array(8)
    writeInt64(bytes, 0, value)
    this.#parts.push(bytes)
  }

  sized(bytes: Uint8Array | null): void {
    this.int32(bytes === null ? -1 : bytes.length)
    if (bytes !== null) this.#parts.push(bytes)
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#parts)
  }
}

/** The bytes of an update that waits since `timeMs`. */
export function encodeBuffered(update: BufferedUpdate, timeMs: number): Uint8Array {
  const { context, prior, oldValue, newValue } = update
  const { metadata, headers } = context
  const writer = new Writer()
  writer.int64(context.timestampMs)
  writer.int64(metadata?.offset ?? -1)
  writer.sized(Buffer.from(metadata?.topic ?? ''))
  writer.int32(metadata?.partition ?? -1)
  writer.int32(headers.length)
  for (const [name, value] of headers) {
    writer.sized(Buffer.from(name))
    writer.sized(value)
  }
  writer.sized(prior)
  if (oldValue !== null && sameBytes(oldValue, prior)) writer.int32(oldEqualsPrior)
  else writer.sized(oldValue)
  writer.sized(newValue)
  writer.int64(timeMs)
  return writer.finish()
}

/** The update that `encodeBuffered` wrote, and its time. @throws StateStoreError for other bytes */
export function decodeBuffered(bytes: Uint8Array): { update: BufferedUpdate; timeMs: number } {
  let at = 0
  const int32 = (): number => {
    at += 4
    if (at > bytes.length) throw new StateStoreError('a buffered record in a changelog is cut off')
    return readInt32(bytes, at - 4)
  }
  const int64 = (): number => {
    at += 8
    if (at > bytes.length) throw new StateStoreError('a buffered record in a changelog is cut off')
    return readInt64(bytes, at - 8)
  }
  const take = (length: number): Uint8Array => {
    at += length
    if (at > bytes.length) throw new StateStoreError('a buffered record in a changelog is cut off')
    return new Uint8Array(bytes.subarray(at - length, at))
  }
  const sized = (): Uint8Array | null => {
    const length = int32()
    return length < 0 ? null : take(length)
  }
  const timestampMs = int64()
  const offset = int64()
  const topic = Buffer.from(sized() ?? []).toString()
  const partition = int32()
  const count = int32()
  const headers: HeaderEntry[] = []
  for (let i = 0; i < count; i++) headers.push([Buffer.from(sized()!).toString(), sized()])
  const prior = sized()
  const oldLength = int32()
  const oldValue = oldLength === oldEqualsPrior ? prior : oldLength < 0 ? null : take(oldLength)
  const newValue = sized()
  const metadata = { topic: topic === '' ? null : topic, partition, offset }
  const context = { timestampMs, headers: count > 0 ? headers : noHeaders, metadata }
  return { update: { context, prior, oldValue, newValue }, timeMs: int64() }
}
