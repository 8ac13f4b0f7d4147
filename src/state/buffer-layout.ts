// What a changelog keeps of a buffered update, byte for byte as Kafka Streams has it (semantics
// 13.11). Lengths are int32, big-endian; -1 stands for null.
//
//   context:  timestamp int64 · offset int64 · topic length, topic · partition int32 ·
//             header count · per header: name length, name · value length, value
//   prior length, prior · old length, old (-2: old equals prior) · new length, new · time int64
import { noHeaders, type HeaderEntry } from '../serde/record-headers.js'
import { readInt32, readInt64, writeInt32, writeInt64 } from './byte-keys.js'
import { allocate } from './byte-slab.js'
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
/** Of all numbers outside of headers. */
const fixedBytes = 8 + 8 + 4 + 4 + 4 + 4 + 4 + 4 + 8

const noNames: readonly Uint8Array[] = []

/** Whether two values are the same bytes. */
export const sameBytes = (a: Uint8Array | null, b: Uint8Array | null): boolean => {
  if (a === b) return true
  if (a === null || b === null || a.length !== b.length) return false
  // Below this length a loop is quicker than a call out of JavaScript.
  if (a.length > 32) return Buffer.compare(a, b) === 0
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Topics as bytes; an application has few. */
const topics = new Map<string, Uint8Array>()

function topicBytes(topic: string): Uint8Array {
  let bytes = topics.get(topic)
  if (bytes === undefined) {
    if (topics.size >= 1000) topics.clear()
    topics.set(topic, (bytes = Buffer.from(topic)))
  }
  return bytes
}

const putSized = (to: Uint8Array, at: number, bytes: Uint8Array | null): number => {
  if (bytes === null) return writeInt32(to, at, -1)
  const start = writeInt32(to, at, bytes.length)
  to.set(bytes, start)
  return start + bytes.length
}

/** The bytes of an update that waits since `timeMs`. */
export function encodeBuffered(update: BufferedUpdate, timeMs: number): Uint8Array {
  const { context, prior, oldValue, newValue } = update
  const { metadata, headers } = context
  const topic = topicBytes(metadata?.topic ?? '')
  const names = headers.length === 0 ? noNames : headers.map(([name]) => Buffer.from(name))
  const isPrior = oldValue !== null && sameBytes(oldValue, prior)
  let length = fixedBytes + topic.length + (prior?.length ?? 0) + (newValue?.length ?? 0)
  if (!isPrior) length += oldValue?.length ?? 0
  for (let i = 0; i < names.length; i++)
    length += 8 + names[i]!.length + (headers[i]![1]?.length ?? 0)
  const bytes = allocate(length)
  let at = writeInt64(bytes, 0, context.timestampMs)
  at = writeInt64(bytes, at, metadata?.offset ?? -1)
  at = putSized(bytes, at, topic)
  at = writeInt32(bytes, at, metadata?.partition ?? -1)
  at = writeInt32(bytes, at, headers.length)
  for (let i = 0; i < names.length; i++) {
    at = putSized(bytes, at, names[i]!)
    at = putSized(bytes, at, headers[i]![1])
  }
  at = putSized(bytes, at, prior)
  at = isPrior ? writeInt32(bytes, at, oldEqualsPrior) : putSized(bytes, at, oldValue)
  at = putSized(bytes, at, newValue)
  writeInt64(bytes, at, timeMs)
  return bytes
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
