// Stream-table joins against a map.
import { describe, it } from 'vitest'
import { string, StreamsBuilder } from '../../../src/index.js'
import { followsModel, steps, withoutDeletions, type Model } from '../model-run.js'

type Kind = 'join' | 'leftJoin'

const model = (kind: Kind): Model<Record<string, string | null>> => ({
  initial: () => ({}),
  feed(rows, { topic, key, value, timestampMs }) {
    if (topic === 'S') {
      const row = rows[key!] ?? null
      return row === null && kind === 'join' ? [] : [`${key}=${value}+${row}@${timestampMs}`]
    }
    rows[key!] = value
    return []
  },
})

const build = (kind: Kind, engine: 'leveldb' | 'memory' = 'leveldb') => {
  const builder = new StreamsBuilder({ key: string(), value: string(), engine })
  const pair = (left: unknown, right: unknown): string => `${left}+${right}`
  ;(builder.stream('S')[kind] as any)(builder.table('T'), pair).to('out')
  return builder.build()
}

// Of the stream a null is dropped, and drops are not of this test.
const some = withoutDeletions(steps(['S', 'T'], ['#', '#', null]), 'S')

describe.each(['join', 'leftJoin'] as const)('%s of a stream with a table', (kind) => {
  it('gives what a map gives', () => followsModel(() => build(kind), model(kind), some))

  it('gives it in memory', () => followsModel(() => build(kind, 'memory'), model(kind), some))

  it('gives it on LevelDB', () =>
    followsModel(() => build(kind), model(kind), some, { onLevelDb: true }))

  it('sees the row that a record cache holds back', () =>
    followsModel(() => build(kind), model(kind), some, { caching: true }))
})
