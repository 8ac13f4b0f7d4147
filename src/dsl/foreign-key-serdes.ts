// What travels through the topics of a foreign-key join, in the bytes of Kafka Streams (semantics
// 8.10). Numbers are big-endian; the hash is absent where the version's top bit is set.
//
//   subscription  version byte 1 · instruction byte · hash 16 · left key · left partition int32
//   response      version byte 0 · hash 16 · right value, nothing for null
//
// A right value of no bytes thus arrives as null, as in Kafka Streams.
import type { RecordHeaders } from '../serde/record-headers.js'
import type { Serde } from '../serde/serde.js'
import { serdeName, withTraits } from '../serde/serde-traits.js'

/** What the right side is to do: the four instructions of semantics 8.3. */
export const deleteOnly = 0
export const deleteAndAnswer = 1
export const answerAlways = 2
export const answerIfThere = 3
export type Instruction = 0 | 1 | 2 | 3

/** A left row's interest in a right row. */
export interface Subscription {
  readonly instruction: Instruction
  /** Of the left value's bytes; null where that value is null. */
  readonly hash: Uint8Array | null
  readonly leftKey: unknown
  /** Undefined in subscriptions that old versions of Kafka Streams wrote. */
  readonly leftPartition: number | undefined
}

/** A right value for a left row, with the hash of the left value that asked. */
export interface SubscriptionResponse {
  readonly hash: Uint8Array | null
  readonly value: unknown
  readonly leftPartition: number | undefined
}

const noHash = 0x80
const hashBytes = 16
const subscriptionVersion = 1
const responseVersion = 0

const hashLength = (hash: Uint8Array | null): number => (hash === null ? 0 : hashBytes)

/** A subscription as bytes, for the topic and for the store. */
export function encodeSubscription(
  subscription: Omit<Subscription, 'leftKey'>,
  leftKey: Uint8Array,
): Uint8Array {
  const { instruction, hash, leftPartition } = subscription
  const keyStart = 2 + hashLength(hash)
  const bytes = Buffer.allocUnsafeSlow(keyStart + leftKey.length + 4)
  bytes[0] = subscriptionVersion | (hash === null ? noHash : 0)
  bytes[1] = instruction
  if (hash !== null) bytes.set(hash, 2)
  bytes.set(leftKey, keyStart)
  bytes.writeInt32BE(leftPartition ?? 0, keyStart + leftKey.length)
  return bytes
}

/** @throws TypeError when the bytes are something else, or of a later version */
export function decodeSubscription(
  bytes: Uint8Array,
): Omit<Subscription, 'leftKey'> & { readonly leftKey: Uint8Array } {
  const version = (bytes[0] ?? -1) & ~noHash
  const hash = hashAt(bytes, 2)
  const keyStart = 2 + hashLength(hash)
  // The partition came with version 1.
  const keyEnd = bytes.length - (version === 0 ? 0 : 4)
  const instruction = bytes[1]!
  if (version > subscriptionVersion || keyEnd < keyStart || instruction > answerIfThere)
    throw foreign('subscription', bytes)
  return {
    instruction: instruction as Instruction,
    hash,
    leftKey: bytes.subarray(keyStart, keyEnd),
    leftPartition:
      version === 0 ? undefined : new DataView(bytes.buffer, bytes.byteOffset).getInt32(keyEnd),
  }
}

/** Of its own memory: what is read here outlives the fetched batch. `slice` of a Buffer does not. */
const copyOf = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes)

const hashAt = (bytes: Uint8Array, start: number): Uint8Array | null =>
  (bytes[0]! & noHash) !== 0 ? null : copyOf(bytes.subarray(start, start + hashBytes))

const foreign = (what: string, bytes: Uint8Array): TypeError =>
  new TypeError(
    `these ${bytes.length} bytes are no ${what} of a foreign-key join: ` +
      'another program writes to its internal topic, or a later version of Kafka Streams does',
  )

/** The topic that keys in subscriptions are written for, as Kafka Streams names it to serdes. */
export const leftKeyTopic = (subscriptionTopic: string): string => `${subscriptionTopic}-pk`

/** Values of the subscription topic. */
export const subscriptionSerde = (leftKey: Serde<any>): Serde<Subscription> =>
  withTraits<Serde<Subscription>>(
    {
      serialize: (subscription, topic, headers) =>
        encodeSubscription(
          subscription,
          leftKey.serialize(subscription.leftKey, leftKeyTopic(topic), headers),
        ),
      deserialize(bytes, topic, headers) {
        const subscription = decodeSubscription(bytes)
        const key = copyOf(subscription.leftKey)
        return { ...subscription, leftKey: leftKey.deserialize(key, leftKeyTopic(topic), headers) }
      },
    },
    { name: `subscription(${serdeName(leftKey)})` },
  )

/** Values of the response topic. */
export const responseSerde = (rightValue: Serde<any>): Serde<SubscriptionResponse> =>
  withTraits<Serde<SubscriptionResponse>>(
    {
      serialize({ hash, value }, topic, headers) {
        const valueBytes = value === null ? undefined : rightValue.serialize(value, topic, headers)
        const start = 1 + hashLength(hash)
        const bytes = Buffer.allocUnsafe(start + (valueBytes?.length ?? 0))
        bytes[0] = responseVersion | (hash === null ? noHash : 0)
        if (hash !== null) bytes.set(hash, 1)
        if (valueBytes !== undefined) bytes.set(valueBytes, start)
        return bytes
      },
      deserialize(bytes, topic, headers) {
        const hash = hashAt(bytes, 1)
        const start = 1 + hashLength(hash)
        if ((bytes[0] ?? -1) > (responseVersion | noHash) || bytes.length < start)
          throw foreign('response', bytes)
        const value =
          bytes.length === start ? null : readValue(rightValue, bytes, start, topic, headers)
        return { hash, value, leftPartition: undefined }
      },
    },
    { name: `response(${serdeName(rightValue)})` },
  )

const readValue = (
  serde: Serde<any>,
  bytes: Uint8Array,
  start: number,
  topic: string,
  headers: RecordHeaders,
): unknown =>
  serde.read === undefined
    ? serde.deserialize(bytes.subarray(start), topic, headers)
    : serde.read(bytes, start, bytes.length)

/** Whether two hashes are the same; that of null is null. */
export const sameHash = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === b || (a !== null && b !== null && Buffer.compare(a, b) === 0)
