// A processor written as a class of its own names the stores that it needs; they must be connected.
import { keyValueStore, KafkaStreams, long, string, StreamsBuilder, versionedStore } from 'millrace'
import type { KeyValueStore, Processor, ProcessorContext, StoreBuilder, StreamRecord } from 'millrace'
import type { ReadOnlyKeyValueStore, Stores, VersionedRecord } from 'millrace'
import { is, orders, type Equal, type Order } from './world.js'

type Seen = { seen: StoreBuilder<KeyValueStore<string, number>> }
class Deduplicate implements Processor<string | null, Order> {
  readonly #context: ProcessorContext<string | null, Order, Seen>
  constructor(context: ProcessorContext<string | null, Order, Seen>) {
    this.#context = context
  }
  process(record: StreamRecord<string | null, Order>) {
    const seen = this.#context.getStateStore('seen')
    if (seen.putIfAbsent(record.value.id, 1) === undefined) return this.#context.forward(record)
  }
}
const seen = keyValueStore({ key: string(), value: long() })
orders.process((context) => new Deduplicate(context), { stores: { seen } })
orders.process((context) => new Deduplicate(context), { stores: { seen, more: seen } })
// @ts-expect-error its store is not connected
orders.process((context) => new Deduplicate(context))
// @ts-expect-error another one is
orders.process((context) => new Deduplicate(context), { stores: { sene: seen } })
// @ts-expect-error a store of another type is
orders.process((context) => new Deduplicate(context), {
  stores: { seen: keyValueStore({ key: string(), value: string() }) },
})

// Helpers take any context, or one with stores of any kind.
declare function tick(context: ProcessorContext<never, never, Stores>): void
declare function tell<K, V, S>(context: ProcessorContext<K, V, S>): void
orders.process(
  (context) => {
    tell(context)
    tick(context)
    return { process: (record) => context.forward(record) }
  },
  { stores: { seen } },
)

// A versioned store answers queries with the latest version.
const builder = new StreamsBuilder()
const prices = builder.addStateStore(
  'prices',
  versionedStore({ key: string(), value: long(), historyMs: 1000 }),
)
const streams = new KafkaStreams(builder.build({ prices }), { applicationId: 'a', brokers: ['b:1'] })
const asked = streams.store('prices')
is<Equal<typeof asked, ReadOnlyKeyValueStore<string, VersionedRecord<number>>>>()
const latest: number | undefined = (await asked.get('a'))?.value
