// Joins over several partitions: repartitioning brings equal keys together, and foreign-key joins find
// rows wherever they lie. The final tables are those of a model, whatever the order across partitions.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { json, string, StreamsBuilder, type KTable, type Serde } from '../../../src/index.js'
import { TopologyTestDriver } from '../../../src/testing/index.js'

interface Order {
  readonly customer: string
  readonly amount: number
}

const orderIds = ['o1', 'o2', 'o3', 'o4', 'o5']
const customerIds = ['c1', 'c2', 'c3']
const step = fc.oneof(
  fc.record({
    topic: fc.constant('orders' as const),
    key: fc.constantFrom(...orderIds),
    value: fc.option(fc.record({ customer: fc.constantFrom(...customerIds), amount: fc.nat(9) }), {
      freq: 4,
    }),
  }),
  fc.record({
    topic: fc.constant('customers' as const),
    key: fc.constantFrom(...customerIds),
    value: fc.option(fc.constantFrom('Ann', 'Bob'), { freq: 4 }),
  }),
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

type Build = (
  orders: KTable<string, Order>,
  names: KTable<string, string>,
) => KTable<string, string>

/** The final rows of a table that `build` makes. */
async function rows(
  build: Build,
  steps: readonly Step[],
  partitions: number,
): Promise<Record<string, string>> {
  const anything = json() as unknown as Serde<any>
  const builder = new StreamsBuilder({ key: string(), value: anything })
  const result = build(builder.table('orders'), builder.table('customers'))
  result.toStream().to('out')
  await using driver = new TopologyTestDriver(builder.build(), { startMs: 0, partitions })
  const serdes = { key: string(), value: anything }
  for (const { topic, key, value } of steps)
    await driver.createInputTopic(topic, serdes).pipeInput(key, value)
  // What a record cache held back passes a repartition and waits in the next cache.
  for (let hop = 0; hop < 4; hop++) await driver.commit()
  const last: Record<string, string> = {}
  const output = driver.createOutputTopic('out', { key: string(), value: json<string>() })
  for (const [key, value] of output.readKeyValuesToList())
    if (value === null) delete last[key!]
    else last[key!] = value
  return last
}

/** The tables as they are in the end. */
function tables(steps: readonly Step[]) {
  const orders = new Map<string, Order>()
  const names = new Map<string, string>()
  for (const s of steps)
    if (s.topic === 'orders') {
      if (s.value === null) orders.delete(s.key)
      else orders.set(s.key, s.value)
    } else if (s.value === null) names.delete(s.key)
    else names.set(s.key, s.value)
  return { orders, names }
}

const check = (
  build: Build,
  expected: (t: ReturnType<typeof tables>) => (readonly [string, string])[],
) =>
  fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 30 }),
      fc.constantFrom(1, 3),
      async (steps, partitions) => {
        const wanted = Object.fromEntries(expected(tables(steps)))
        expect(await rows(build, steps, partitions)).toEqual(wanted)
      },
    ),
    { numRuns: 30 },
  )

describe('over partitions', () => {
  it('a foreign-key join ends in the join of both tables', () =>
    check(
      (orders, names) =>
        orders.join(
          names,
          (order) => order.customer,
          (order, name) => `${name} ${order.amount}`,
        ),
      ({ orders, names }) =>
        [...orders].flatMap(([id, order]) => {
          const name = names.get(order.customer)
          return name === undefined ? [] : [[id, `${name} ${order.amount}`] as const]
        }),
    ))

  it('a foreign-key left join keeps rows without a partner', () =>
    check(
      (orders, names) =>
        orders.leftJoin(
          names,
          (order) => order.customer,
          (order, name) => `${name} ${order.amount}`,
        ),
      ({ orders, names }) =>
        [...orders].map(
          ([id, { customer, amount }]) => [id, `${names.get(customer) ?? null} ${amount}`] as const,
        ),
    ))

  it('a table that is regrouped and joined by key ends in the join of the sums', () =>
    check(
      (orders, names) =>
        orders
          .groupBy((order) => [order.customer, order.amount])
          .aggregate({
            initial: () => ({ n: 0, sum: 0 }),
            add: ({ n, sum }, amount) => ({ n: n + 1, sum: sum + amount }),
            subtract: ({ n, sum }, amount) => ({ n: n - 1, sum: sum - amount }),
          })
          .filter(({ n }) => n > 0)
          .join(names, ({ n, sum }, name) => `${name} ${n} ${sum}`),
      ({ orders, names }) =>
        [...names].flatMap(([id, name]) => {
          const own = [...orders.values()].filter(({ customer }) => customer === id)
          const sum = own.reduce((total, { amount }) => total + amount, 0)
          return own.length === 0 ? [] : [[id, `${name} ${own.length} ${sum}`] as const]
        }),
    ))
})
