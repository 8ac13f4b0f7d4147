// Each join in process: every other record is of the one side, the rest of the other. docs/joins.md
// says what those that cost more than five times as much as `count` do for it.
import {
  StreamsBuilder,
  bytes,
  seconds,
  string,
  type KStream,
  type KTable,
  type Topology,
} from '../src/index.js'

type Side = KStream<string, Uint8Array>
type Rows = KTable<string, Uint8Array>

const joining = (build: (left: Side, right: Side) => KStream<any, any>) => (): Topology => {
  const builder = new StreamsBuilder({ key: string(), value: bytes(), optimization: 'all' })
  const stream = builder.stream<string, Uint8Array>('in') as Side
  const left = stream.filter((_value, _key, { timestampMs }) => timestampMs % 2 === 0)
  const right = stream.filter((_value, _key, { timestampMs }) => timestampMs % 2 === 1)
  build(left, right).forEach(() => {})
  return builder.build()
}

const first = (left: unknown, right: unknown): unknown => left ?? right
const table = (side: Side): Rows => side.toTable() as unknown as Rows

const versioned = (side: Side): Rows =>
  side.toTable({ store: 'versions', historyMs: seconds(60) }) as unknown as Rows

/** Of a hundred records so many are of the left side; each left row points to the right row of its key. */
const byForeignKey = (ofHundred: number) => (): Topology => {
  const builder = new StreamsBuilder({ key: string(), value: bytes() })
  const stream = builder.stream<string, Uint8Array>('in') as Side
  const isLeft = (timestampMs: number): boolean => timestampMs % 100 < ofHundred
  const left = table(stream.filter((_value, _key, record) => isLeft(record.timestampMs)))
  const right = table(stream.filterNot((_value, _key, record) => isLeft(record.timestampMs)))
  left
    .join(right, (_value, key) => key, first)
    .toStream()
    .forEach(() => {})
  return builder.build()
}

/** A record meets about one of the other side. */
const within = { beforeMs: seconds(1), afterMs: seconds(1), graceMs: seconds(1) }
/** One in ten meets another. */
const rarely = { ...within, beforeMs: 50, afterMs: 50 }

/** Topologies by the name of their join. */
export const joinTopologies: Readonly<Record<string, () => Topology>> = {
  'stream-table join': joining((left, right) => left.join(table(right), first)),
  'stream-table join, as of': joining((left, right) => left.join(versioned(right), first)),
  'stream-table join, with grace': joining((left, right) =>
    left.join(versioned(right), first, { graceMs: seconds(1) }),
  ),
  'table-table join': joining((left, right) => table(left).join(table(right), first).toStream()),
  'table-table outer join': joining((left, right) =>
    table(left)
      .outerJoin(table(right), first as never, { caching: false })
      .toStream(),
  ),
  'foreign-key join, left rows change': byForeignKey(99),
  'foreign-key join, right rows change': byForeignKey(1),
  'stream-stream join': joining((left, right) => left.join(right, first, { within })),
  'stream-stream left join': joining((left, right) => left.leftJoin(right, first, { within })),
  'stream-stream outer join': joining((left, right) => left.outerJoin(right, first, { within })),
  'stream-stream outer join, mostly unmatched': joining((left, right) =>
    left.outerJoin(right, first, { within: rarely }),
  ),
  'stream joined with itself': joining((left) => left.join(left, first, { within })),
}
