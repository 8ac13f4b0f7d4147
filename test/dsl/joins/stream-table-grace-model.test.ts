// Joins that wait for a versioned table against a list of versions and a list of records.
import { describe, it } from 'vitest'
import { string, StreamsBuilder } from '../../../src/index.js'
import { followsModel, steps, withoutDeletions, type Model } from '../model-run.js'

type Kind = 'join' | 'leftJoin'
interface Waiting {
  key: string
  value: string
  timeMs: number
}
interface Version {
  timeMs: number
  value: string | null
}
interface State {
  versions: Record<string, Version[]>
  tableMs: number
  waiting: Waiting[]
  streamMs: number
}

/** What ended before a time is dropped, and so is a deletion as old with nothing after it. */
const withoutExpired = (all: Version[], fromMs: number): Version[] => {
  let begin = 0
  while (begin + 1 < all.length && all[begin + 1]!.timeMs < fromMs) begin++
  const first = all[begin]
  if (begin + 1 === all.length && first!.value === null && first!.timeMs < fromMs) begin++
  return all.slice(begin)
}

const pair = (left: unknown, right: unknown): string => `${left}+${right}`

const model = (kind: Kind, graceMs: number, historyMs: number): Model<State> => {
  const valueAt = ({ versions, tableMs }: State, key: string, atMs: number): string | null => {
    const all = versions[key] ?? []
    const latest = all.at(-1)
    if (atMs < tableMs - historyMs)
      return latest !== undefined && latest.timeMs <= atMs ? latest.value : null
    return all.findLast(({ timeMs }) => timeMs <= atMs)?.value ?? null
  }
  const joined = (state: State, { key, value, timeMs }: Waiting): string[] => {
    const row = valueAt(state, key, timeMs)
    return row === null && kind === 'join' ? [] : [`${key}=${pair(value, row)}@${timeMs}`]
  }
  return {
    initial: () => ({ versions: {}, tableMs: -1, waiting: [], streamMs: -1 }),
    restart(state) {
      state.streamMs = -1
    },
    feed(state, { topic, key, value, timestampMs }) {
      if (topic === 'T') {
        if (timestampMs < state.tableMs - historyMs) return []
        state.tableMs = Math.max(state.tableMs, timestampMs)
        const all = state.versions[key!] ?? []
        // As in the reference: deleting the only version at its own time leaves nothing behind.
        const forgets =
          value === null &&
          all.length === 1 &&
          all[0]!.timeMs === timestampMs &&
          all[0]!.value !== null
        const others = all.filter((v) => v.timeMs !== timestampMs)
        state.versions[key!] = withoutExpired(
          forgets
            ? []
            : [...others, { timeMs: timestampMs, value }].sort((a, b) => a.timeMs - b.timeMs),
          state.tableMs - historyMs,
        )
        return []
      }
      const record = { key: key!, value: value!, timeMs: timestampMs }
      state.streamMs = Math.max(state.streamMs, timestampMs)
      const untilMs = state.streamMs - graceMs
      if (timestampMs < untilMs) return joined(state, record)
      state.waiting.push(record)
      // By time, then key; arrival is the order of the list.
      const due = state.waiting
        .filter(({ timeMs }) => timeMs <= untilMs)
        .sort((a, b) => a.timeMs - b.timeMs || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
      state.waiting = state.waiting.filter(({ timeMs }) => timeMs > untilMs)
      return due.flatMap((each) => joined(state, each))
    },
  }
}

function build(kind: Kind, graceMs: number, historyMs: number) {
  const builder = new StreamsBuilder({ key: string(), value: string() })
  const table = builder.table('T', { store: 't', historyMs })
  const joined = (builder.stream('S')[kind] as any)(table, pair, { graceMs })
  joined.to('out', { key: string(), value: string() })
  return builder.build()
}

// Of the stream too, a null is dropped, and drops are not of this test.
const some = withoutDeletions(steps(['S', 'T'], ['#', '#', '#', null]), 'S')

describe.each(['join', 'leftJoin'] as const)('%s with a versioned table and grace', (kind) => {
  it.each([
    [0, 20],
    [6, 20],
    [15, 15],
  ])('of %s ms with a history of %s ms gives what lists give', (graceMs, historyMs) =>
    followsModel(() => build(kind, graceMs, historyMs), model(kind, graceMs, historyMs), some, {
      numRuns: 50,
    }),
  )

  it('gives it on LevelDB', () =>
    followsModel(() => build(kind, 6, 20), model(kind, 6, 20), some, { onLevelDb: true }))
})
