// Table-table joins against two maps.
import { describe } from 'vitest'
import { string, StreamsBuilder } from '../../../src/index.js'
import { steps, type Model } from '../model-run.js'
import { tableJoinCases, type TableJoinOptions } from './table-join-cases.js'

type Kind = 'join' | 'leftJoin' | 'outerJoin'
type Row = { value: string; timeMs: number } | undefined
type Rows = Record<string, Row>

/** The result of two rows, undefined where there is none. */
const resultOf = (kind: Kind, left: Row, right: Row): string | null => {
  if (left === undefined && (right === undefined || kind !== 'outerJoin')) return null
  if (right === undefined && kind === 'join') return null
  return `${left?.value ?? null}+${right?.value ?? null}`
}

const model = (kind: Kind): Model<{ L: Rows; R: Rows }> => ({
  initial: () => ({ L: {}, R: {} }),
  feed(state, { topic, key, value, timestampMs }) {
    const mine = state[topic as 'L' | 'R']
    const old = mine[key!]
    const other = state[topic === 'L' ? 'R' : 'L'][key!]
    mine[key!] = value === null ? undefined : { value, timeMs: timestampMs }
    const mayStandAlone = kind === 'outerJoin' || (kind === 'leftJoin' && topic === 'L')
    if (other === undefined && (!mayStandAlone || (old === undefined && value === null))) return []
    const { L, R } = state
    const timeMs = Math.max(timestampMs, other?.timeMs ?? -1)
    return [`${key}=${resultOf(kind, L[key!], R[key!])}@${timeMs}`]
  },
})

function build(kind: Kind, { join = {}, engine = 'leveldb', inputs = {} }: TableJoinOptions) {
  const builder = new StreamsBuilder({ key: string(), value: string(), engine })
  const pair = (left: unknown, right: unknown): string => `${left}+${right}`
  const joined = (builder.table('L', inputs)[kind] as any)(builder.table('R', inputs), pair, join)
  joined.toStream().to('out', { key: string(), value: string() })
  return builder.build()
}

const some = steps(['L', 'R'], ['#', '#', null])
// Rows deleted on both sides between two flushes leave the result of an inner join behind: each side
// finds the other row gone. So it is in Kafka Streams.
const cached = { join: steps(['L', 'R'], ['#']), leftJoin: some, outerJoin: some }

describe.each(['join', 'leftJoin', 'outerJoin'] as const)('%s of tables', (kind) => {
  tableJoinCases((o) => build(kind, o), model(kind), some, cached[kind])
})
