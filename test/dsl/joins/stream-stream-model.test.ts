// Stream-stream joins against lists, with the rules of semantics 10.3 to 10.5 taken word by word.
import { describe, it } from 'vitest'
import { string, StreamsBuilder, type JoinWindow } from '../../../src/index.js'
import { followsModel, steps, type Model } from '../model-run.js'

type Kind = 'join' | 'leftJoin' | 'outerJoin'
type Side = 'L' | 'R'
interface Kept {
  key: string
  value: string
  timeMs: number
}
interface Unmatched extends Kept {
  side: Side
}
interface State {
  L: Kept[]
  R: Kept[]
  storeMs: { L: number; R: number }
  unmatched: Unmatched[]
  streamMs: number
  /** Null is the unknown of the start. */
  gateMs: number | null
}

const pair = (left: unknown, right: unknown): string => `${left}+${right}`
const other = (side: Side): Side => (side === 'L' ? 'R' : 'L')
const text = (side: Side, mine: string, theirs: string | null): string =>
  side === 'L' ? pair(mine, theirs) : pair(theirs, mine)

function model(kind: Kind, { beforeMs, afterMs, graceMs }: JoinWindow): Model<State> {
  const after = { L: afterMs, R: beforeMs }
  const before = { L: beforeMs, R: afterMs }
  const order = (u: Unmatched): string =>
    `${String(u.timeMs).padStart(9, '0')}${u.side === 'R' ? 0 : 1}${u.key}`

  function expired(state: State, side: Side): string[] {
    const { streamMs } = state
    if (state.gateMs !== null && state.gateMs + after[side] + graceMs >= streamMs) return []
    state.gateMs = null
    const outputs: string[] = []
    const open = new Set<Side>()
    const rows = [...state.unmatched].sort((a, b) => (order(a) < order(b) ? -1 : 1))
    for (const row of rows) {
      state.gateMs = row.timeMs
      if (open.size === 2) break
      if (row.timeMs + after[row.side] + graceMs >= streamMs) {
        open.add(row.side)
        continue
      }
      outputs.push(`${row.key}=${text(row.side, row.value, null)}@${row.timeMs}`)
      state.unmatched = state.unmatched.filter((u) => order(u) !== order(row))
    }
    return outputs
  }

  return {
    initial: () => ({
      L: [],
      R: [],
      storeMs: { L: -1, R: -1 },
      unmatched: [],
      streamMs: -1,
      gateMs: null,
    }),
    restart(state) {
      state.streamMs = -1
      state.gateMs = null
    },
    feed(state, { topic, key, value, timestampMs }) {
      const side = topic as Side
      const outputs: string[] = []
      state.streamMs = Math.max(state.streamMs, timestampMs)
      if (kind !== 'join' && timestampMs === state.streamMs) outputs.push(...expired(state, side))
      const visibleMs = state.storeMs[other(side)] - (beforeMs + afterMs + graceMs)
      const found = state[other(side)]
        .filter((r) => r.key === key && r.timeMs > visibleMs)
        .filter((r) => r.timeMs >= timestampMs - before[side])
        .filter((r) => r.timeMs <= timestampMs + after[side])
        .sort((a, b) => a.timeMs - b.timeMs)
      for (const { value: theirs, timeMs } of found) {
        state.unmatched = state.unmatched.filter(
          (u) => u.side === side || u.key !== key || u.timeMs !== timeMs,
        )
        outputs.push(`${key}=${text(side, value!, theirs)}@${Math.max(timestampMs, timeMs)}`)
      }
      const alone = kind === 'outerJoin' || (kind === 'leftJoin' && side === 'L')
      if (alone && found.length === 0) {
        if (timestampMs + after[side] < state.streamMs)
          outputs.push(`${key}=${text(side, value!, null)}@${timestampMs}`)
        else {
          if (state.gateMs === null || timestampMs < state.gateMs) state.gateMs = timestampMs
          state.unmatched.push({ side, key: key!, value: value!, timeMs: timestampMs })
        }
      }
      state.storeMs[side] = Math.max(state.storeMs[side], timestampMs)
      state[side].push({ key: key!, value: value!, timeMs: timestampMs })
      return outputs
    },
  }
}

function build(kind: Kind, within: JoinWindow, engine: 'leveldb' | 'memory') {
  const builder = new StreamsBuilder({ key: string(), value: string(), engine })
  const joined = (builder.stream('L')[kind] as any)(builder.stream('R'), pair, { within, engine })
  joined.to('out', { key: string(), value: string() })
  return builder.build()
}

const windows: Record<string, JoinWindow> = {
  'before and after': { beforeMs: 10, afterMs: 10, graceMs: 0 },
  'with grace': { beforeMs: 5, afterMs: 5, graceMs: 12 },
  'mostly ahead': { beforeMs: 1, afterMs: 8, graceMs: 3 },
  'mostly back': { beforeMs: 9, afterMs: 2, graceMs: 0 },
}
const some = steps(['L', 'R'], ['#'])

describe.each(Object.entries(windows))('joins of streams, %s', (_name, within) => {
  it.each(['join', 'leftJoin', 'outerJoin'] as const)('%s gives what lists give', (kind) =>
    followsModel(() => build(kind, within, 'leveldb'), model(kind, within), some, { numRuns: 40 }),
  )
})

describe('joins of streams', () => {
  const within = windows['with grace']!

  it('give the same with stores in memory', () =>
    followsModel(() => build('outerJoin', within, 'memory'), model('outerJoin', within), some))

  it('give the same on LevelDB', () =>
    followsModel(() => build('outerJoin', within, 'leveldb'), model('outerJoin', within), some, {
      onLevelDb: true,
    }))
})

describe('a stream joined with itself', () => {
  const within: JoinWindow = { beforeMs: 6, afterMs: 3, graceMs: 100_000 }
  const sides = model('join', within)
  /** As a join with a copy of itself, whose left side sees each record first. */
  const twice: Model<State> = {
    initial: sides.initial,
    feed: (state, record) =>
      (['L', 'R'] as const).flatMap((topic) => sides.feed(state, { ...record, topic })),
  }
  it.each(['all', 'none'] as const)(
    'gives what two copies give (optimization: %s)',
    (optimization) =>
      followsModel(
        () => {
          const builder = new StreamsBuilder({ key: string(), value: string(), optimization })
          const s = builder.stream('S')
          ;(s as any).join(s, pair, { within }).to('out', { key: string(), value: string() })
          return builder.build()
        },
        twice,
        steps(['S'], ['#']),
      ),
  )
})
