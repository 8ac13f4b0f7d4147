// What folds and processors see has the plain type of the accumulator or the output, also in helpers.
import { json, session, type Aggregate, type Folder, type KGroupedStream } from 'millrace'
import type { KTable, Processor, ProcessorContext } from 'millrace'
import { is, measurements, orders, type Equal, type Order } from './world.js'

const grouped = orders.groupByKey()
grouped.aggregate({
  initial: () => ({ n: 0, last: null as Order | null }),
  add: (a, order) => {
    is<Equal<typeof a, { n: number; last: Order | null }>>()
    return { n: a.n + 1, last: order }
  },
})
grouped.windowedBy(session({ gapMs: 1, graceMs: 0 })).aggregate({
  initial: (): 'idle' | 'busy' => 'idle',
  add: (a, order) => (order.amount > 1 ? 'busy' : a),
  merge: (a, b) => (is<Equal<typeof b, 'idle' | 'busy'>>(), a === 'busy' ? a : b),
})
measurements.process((context) => {
  is<Equal<typeof context, ProcessorContext<string | null, (typeof record)['value'], {}>>>()
  return { process: (r) => context.forward(r) }
})
declare const record: { value: import('./world.js').Measurement }
// The type of a tuple is said where it begins and where it is made.
const mean = grouped.aggregate({
  initial: (): [n: number, sum: number] => [0, 0],
  add: ([n, sum], order): [n: number, sum: number] => [n + 1, sum + order.amount],
})
is<Equal<typeof mean, KTable<string, [n: number, sum: number], never>>>()

export function fold<K, V, A>(stream: KGroupedStream<K, V>, initial: () => A, add: Folder<A, K, V>) {
  return stream.aggregate({ initial, add })
}
export function foldWith<K, V, A>(stream: KGroupedStream<K, V>, options: Aggregate<A, K, V>) {
  return stream.aggregate({ ...options, store: 'folded' })
}
const folded = foldWith(grouped, { initial: () => 0, add: (sum, order) => sum + order.amount })
is<Equal<typeof folded, KTable<string, number, never>>>()
export function latest<K, V>(stream: KGroupedStream<K, V>): KTable<K, V> {
  return stream.aggregate({ initial: (): V | null => null, add: (_, value) => value })
}
export const echo = <K, V>(context: ProcessorContext<K, V, {}>): Processor<K, V> => ({
  process: (r) => context.forward(r),
})
orders.process(echo)

// @ts-expect-error the accumulator is a number
grouped.aggregate({ initial: () => 0, add: (a: string) => a })
// @ts-expect-error a fold that deletes begins with a type that says so
grouped.aggregate({ initial: () => 0, add: (a, order) => (order.amount > 1 ? a : null) })
// @ts-expect-error json() says nothing of the accumulator, initial does
grouped.aggregate({ initial: () => ({ n: 0 }), add: () => ({ n: 'one' }), value: json() })
