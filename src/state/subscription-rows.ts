// The subscription store of foreign-key joins: (foreign key, left key) → subscription, in the bytes
// that Kafka Streams has (semantics 8.10).
//
//   key  length of the foreign key int32 · foreign key · left key
import { bytes } from '../serde/bytes-serdes.js'
import { afterPrefix, concatBytes, readInt64, writeInt32 } from './byte-keys.js'
import { KeyValueRows } from './key-value-rows.js'
import { RowsOver } from './rows-over.js'
import type { StoreContext } from './state-store.js'

export interface Subscriber {
  readonly leftKey: Uint8Array
  readonly subscription: Uint8Array
  readonly timestampMs: number
}

const prefixOf = (foreignKey: Uint8Array): Uint8Array => {
  const length = new Uint8Array(4)
  writeInt32(length, 0, foreignKey.length)
  return concatBytes(length, foreignKey)
}

export class SubscriptionRows extends RowsOver<KeyValueRows<Uint8Array, Uint8Array>> {
  /** The rows as bytes, for who looks at every store of a task. */
  override readonly api: unknown

  constructor(name: string, context: StoreContext) {
    super(new KeyValueRows({ name, key: bytes(), value: bytes(), timestamped: true }, context))
    this.api = this.inner.api
  }

  /** Keys and subscription are bytes as Kafka Streams has them; null deletes. */
  write(
    foreignKey: Uint8Array,
    leftKey: Uint8Array,
    subscription: Uint8Array | null,
    timestampMs: number,
  ): void {
    this.inner.write(concatBytes(prefixOf(foreignKey), leftKey), subscription, timestampMs)
  }

  /** All subscriptions of a foreign key by bytes of the left key. */
  async *scan(foreignKey: Uint8Array): AsyncGenerator<Subscriber> {
    const from = prefixOf(foreignKey)
    for await (const [key, image] of this.inner.scanBytes({ from, to: afterPrefix(from) }))
      yield {
        leftKey: key.subarray(from.length),
        subscription: image.subarray(8),
        timestampMs: readInt64(image, 0),
      }
  }
}
