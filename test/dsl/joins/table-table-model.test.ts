// Table-table joins against two maps.
import { describe, it } from 'vitest'
import { string, StreamsBuilder } from '../../../src/index.js'
import { followsModel, steps, type Model } from '../model-run.js'

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

const build = (
  kind: Kind,
  o: object,
  engine: 'leveldb' | 'memory' = 'leveldb',
  inputs: { caching?: boolean } = {},
) => {
  const builder = new StreamsBuilder({ key: string(), value: string(), engine })
  const pair = (left: unknown, right: unknown): string => `${left}+${right}`
  const joined = (builder.table('L', inputs)[kind] as any)(builder.table('R', inputs), pair, o)
  joined.toStream().to('out', { key: string(), value: string() })
  return builder.build()
}

const some = steps(['L', 'R'], ['#', '#', null])

describe.each(['join', 'leftJoin', 'outerJoin'] as const)('%s of tables', (kind) => {
  it('gives what two maps give', () => followsModel(() => build(kind, {}), model(kind), some))

  it('gives it in memory', () =>
    followsModel(() => build(kind, { store: 's' }, 'memory'), model(kind), some))

  it('gives it on LevelDB', () =>
    followsModel(() => build(kind, { store: 's' }), model(kind), some, { onLevelDb: true }))

  it('gives the same last values with record caches', () => {
    // Rows deleted on both sides between two flushes leave the result of an inner join behind: each
    // side finds the other row gone. So it is in Kafka Streams.
    const cached = kind === 'join' ? steps(['L', 'R'], ['#']) : some
    return followsModel(() => build(kind, { store: 's' }), model(kind), cached, { caching: true })
  })

  it('gives them with deletions too where only the result has a record cache', () =>
    followsModel(
      () => build(kind, { store: 's' }, 'leveldb', { caching: false }),
      model(kind),
      some,
      { caching: true },
    ))
})
