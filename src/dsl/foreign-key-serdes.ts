// What travels through the topics of a foreign-key join, and its bytes (semantics 8.10).
import { IllegalStateError } from '../errors.js'
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
  readonly leftPartition: number
}

/** Values of the subscription topic. */
export const subscriptionSerde = (_leftKey: Serde<any>): Serde<Subscription> => {
  throw new IllegalStateError('subscriptionSerde is not available in this version')
}

/** Values of the response topic. */
export const responseSerde = (_rightValue: Serde<any>): Serde<SubscriptionResponse> => {
  throw new IllegalStateError('responseSerde is not available in this version')
}
