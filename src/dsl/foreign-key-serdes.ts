// What travels through the topics of a foreign-key join, and its bytes (semantics 8.10):
//
//   subscription   version 1, top bit: no hash | instruction | hash: 16 | left key | left partition: int32
//   response       version 0, top bit: no hash | hash: 16 | right value, nothing for null
import type { Serde } from '../serde/serde.js'

/** A left row's interest in a right row. Instruction 0 to 3 as in semantics 8.3. */
export interface Subscription {
  readonly instruction: 0 | 1 | 2 | 3
  /** Of the left value's bytes; null where that value is null. */
  readonly hash: Uint8Array | null
  readonly leftKey: unknown
  readonly leftPartition: number
}

/** A right value for a left row, with the hash of the left value that asked. */
export interface SubscriptionResponse {
  readonly hash: Uint8Array | null
  readonly value: unknown
  /** Where the response goes; it is not written. */
  readonly leftPartition: number
}

const subscriptionVersion = 1
const responseVersion = 0
const noHash = 0x80
const hashBytes = 16

const tooNew = (what: string, version: number): TypeError =>
  new TypeError(
    `this ${what} has version ${version}, which a newer application wrote: upgrade all instances`,
  )

/** Values of the subscription topic, and of the store that keeps them. */
export const subscriptionSerde = (leftKey: Serde<any>): Serde<Subscription> => ({
  serialize({ instruction, hash, leftKey: key, leftPartition }, topic, headers) {
    const keyBytes = leftKey.serialize(key, topic, headers)
    const head = Uint8Array.of(
      subscriptionVersion | (hash === null ? noHash : 0),
      instruction,
      ...(hash ?? []),
    )
    const bytes = Buffer.allocUnsafe(head.length + keyBytes.length + 4)
    bytes.set(head)
    bytes.set(keyBytes, head.length)
    bytes.writeInt32BE(leftPartition, bytes.length - 4)
    return bytes
  },
  deserialize(bytes, topic, headers) {
    const first = bytes[0] ?? 0
    const version = first & ~noHash
    if (version !== subscriptionVersion) throw tooNew('subscription', version)
    const start = (first & noHash) === 0 ? 2 + hashBytes : 2
    const end = bytes.length - 4
    if (end < start) throw new TypeError(`a subscription is longer than ${bytes.length} bytes`)
    return {
      instruction: bytes[1] as Subscription['instruction'],
      hash: start === 2 ? null : bytes.slice(2, start),
      leftKey: leftKey.deserialize(bytes.subarray(start, end), topic, headers),
      leftPartition: new DataView(bytes.buffer, bytes.byteOffset).getInt32(end),
    }
  },
})

/** Values of the response topic. */
export const responseSerde = (rightValue: Serde<any>): Serde<SubscriptionResponse> => ({
  serialize({ hash, value }, topic, headers) {
    const head = Uint8Array.of(responseVersion | (hash === null ? noHash : 0), ...(hash ?? []))
    if (value === null) return head
    return Buffer.concat([head, rightValue.serialize(value, topic, headers)])
  },
  deserialize(bytes, topic, headers) {
    const first = bytes[0] ?? 0
    const version = first & ~noHash
    if (version !== responseVersion) throw tooNew('response', version)
    const start = (first & noHash) === 0 ? 1 + hashBytes : 1
    if (bytes.length < start) throw new TypeError('a response ends inside its hash')
    return {
      hash: start === 1 ? null : bytes.slice(1, start),
      value:
        bytes.length === start
          ? null
          : rightValue.deserialize(bytes.subarray(start), topic, headers),
      leftPartition: -1,
    }
  },
})
