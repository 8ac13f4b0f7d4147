// Random work on the stores that know time, against a plain map: windows, sliding windows, sessions
// and join windows, on both engines' rules of expiry, with commits, aborts, persists and crashes.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JoinRows } from '../../src/state/join-rows.js'
import type { SessionRows } from '../../src/state/session-rows.js'
import type { SlidingRows } from '../../src/state/sliding-rows.js'
import { joinWindowSpec, sessionSpec, slidingSpec, windowSpec } from '../../src/state/specs.js'
import type { StoreSpec, TaskStore } from '../../src/state/state-store.js'
import type { WindowRows } from '../../src/state/window-rows.js'
import { collect, object, StoreHarness, text, type Logged } from './store-harness.js'
import { VirtualDisk } from './virtual-disk.js'

interface Value {
  n: number
}

/** One entry: `first` is what expires it, `second` tells equal ones apart. */
interface Entry {
  readonly key: string
  readonly first: number
  readonly second: number
  readonly n: number
}

const retentionMs = 120_000
const intervalMs = 60_000

const ever = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER }

/** What the stores have in common, as the test drives them. */
interface Kind {
  readonly name: string
  spec(engine: 'leveldb' | 'memory', caching: boolean): StoreSpec
  /** Writes; null deletes. Returns the identity of the entry. */
  write(store: TaskStore, key: string, time: number, length: number, n: number | null): number
  /** Adds one in place to what is there. */
  bump?(store: TaskStore, key: string, time: number, length: number): void
  find(store: TaskStore, key: string, from: number, to: number): Entry[]
  all(store: TaskStore): Promise<Entry[]>
  /** Values of one key as queries get them, oldest first. */
  query(store: TaskStore, key: string): Promise<readonly number[]>
  readonly duplicates?: boolean
}

const common = { name: 'st', key: text, value: object<Value>(), retentionMs }
const lengthOf = (length: number): number => length * 5_000

const kinds: Kind[] = [
  {
    name: 'time windows',
    spec: (engine, caching) =>
      windowSpec({ ...common, engine, caching, timestamped: true, sizeMs: 10 }),
    write(store, key, time, _, n) {
      ;(store as WindowRows<string, Value>).write(key, time, n === null ? null : { n }, time)
      return 0
    },
    bump(store, key, time) {
      const rows = store as WindowRows<string, Value>
      const row = rows.row(key, time)
      if (row === undefined) return
      rows.protect(row)
      row.value.n++
      rows.write(key, time, row.value, time)
    },
    find(store, key, from, to) {
      const found: Entry[] = []
      for (let first = Math.max(0, Math.ceil(from / 5_000)) * 5_000; first <= to; first += 5_000) {
        const row = (store as WindowRows<string, Value>).row(key, first)
        if (row !== undefined) found.push({ key, first, second: 0, n: row.value.n })
      }
      return found
    },
    query: async (store, key) =>
      (await (store as WindowRows<string, Value>).view.fetch(key, ever)).map(
        (row) => (row.value as Value).n,
      ),
    all: async (store) =>
      (await collect((store as WindowRows<string, Value>).api.all())).map(([at, row]) => ({
        key: at.key,
        first: at.startMs,
        second: 0,
        n: (row as { value: Value }).value.n,
      })),
  },
  {
    name: 'sliding windows',
    spec: (engine, caching) => slidingSpec({ ...common, engine, caching, sizeMs: 20_000 }),
    write(store, key, time, _, n) {
      ;(store as SlidingRows<string, Value>).write(key, time, n === null ? null : { n }, time)
      return 0
    },
    bump(store, key, time) {
      const rows = store as SlidingRows<string, Value>
      const [row] = rows.find(key, time, time)
      if (row === undefined) return
      rows.protect(row)
      row.value.n++
      // A look-up between may let the list go that the row is in.
      rows.find(key, Math.max(0, time - 60_000), time)
      rows.update(row, row.value, time)
    },
    find: (store, key, from, to) =>
      (store as SlidingRows<string, Value>)
        .find(key, from, to)
        .map((row) => ({ key, first: row.startMs, second: 0, n: row.value.n })),
    query: async (store, key) =>
      (await (store as SlidingRows<string, Value>).view.fetch(key, ever)).map(
        (row) => (row.value as Value).n,
      ),
    all: async (store) =>
      (await collect((store as SlidingRows<string, Value>).api.all())).map(([at, row]) => ({
        key: at.key,
        first: at.startMs,
        second: 0,
        n: (row as { value: Value }).value.n,
      })),
  },
  {
    name: 'sessions',
    spec: (engine, caching) => sessionSpec({ ...common, engine, caching, spanMs: 30_000 }),
    write(store, key, time, length, n) {
      const startMs = Math.max(0, time - lengthOf(length))
      ;(store as SessionRows<string, Value>).write(key, startMs, time, n === null ? null : { n })
      return startMs
    },
    bump(store, key, time, length) {
      const rows = store as SessionRows<string, Value>
      const startMs = Math.max(0, time - lengthOf(length))
      const row = rows.row(key, startMs, time)
      if (row === undefined) return
      rows.protect(row)
      row.value.n++
      rows.write(key, startMs, time, row.value)
    },
    find: (store, key, from, to) =>
      (store as SessionRows<string, Value>)
        .find(key, from, to)
        .filter((row) => row.endMs <= to)
        .map((row) => ({ key, first: row.endMs, second: row.startMs, n: row.value.n })),
    query: async (store, key) =>
      (await (store as SessionRows<string, Value>).view.fetch(key)).map((row) => row.value.n),
    all: async (store) => {
      const rows: Entry[] = []
      for await (const [at, value] of (store as SessionRows<string, Value>).view.fetchAll())
        rows.push({ key: at.key, first: at.endMs, second: at.startMs, n: value.n })
      return rows
    },
  },
  {
    name: 'join windows',
    duplicates: true,
    spec: (engine) => joinWindowSpec({ ...common, engine, sizeMs: 30_000 }),
    write(store, key, time, _, n) {
      ;(store as JoinRows<string, Value>).put(key, n === null ? null : { n }, time)
      return -1
    },
    find: (store, key, from, to) =>
      (store as JoinRows<string, Value>)
        .find(key, from, to)
        .map((row) => ({ key, first: row.timestampMs, second: -1, n: row.value.n })),
    query: async (store, key) =>
      (await (store as JoinRows<string, Value>).view.fetch(key, ever)).map(
        (row) => (row.value as Value).n,
      ),
    all: async (store) =>
      (await collect((store as JoinRows<string, Value>).api.all())).map(([at, value]) => ({
        key: at.key,
        first: at.startMs,
        second: -1,
        n: (value as Value).n,
      })),
  },
]

const key = fc.constantFrom('a', 'b', 'bb')
const step = fc.oneof(
  ...(
    [
      ['put', 14],
      ['bump', 6],
      ['delete', 4],
      ['find', 8],
      ['all', 2],
      ['jump', 1],
      ['commit', 5],
      ['abort', 2],
      ['persist', 3],
      ['lost', 1],
      ['crash', 1],
    ] as const
  ).map(([name, weight]) => ({
    weight,
    arbitrary: fc.record({
      do: fc.constant(name),
      key,
      // Steps of 5 s back from the newest time, or forward.
      back: fc.integer({ min: -6, max: 40 }),
      length: fc.integer({ min: 0, max: 3 }),
    }),
  })),
)

interface Model {
  entries: Entry[]
  observedMs: number
}

const byIdentity = (a: Entry, b: Entry): number =>
  a.first - b.first ||
  a.second - b.second ||
  (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) ||
  a.n - b.n

for (const kind of kinds) {
  describe(`the store of ${kind.name}`, () => {
    for (const engine of ['leveldb', 'memory'] as const) {
      for (const caching of kind.duplicates === true ? [false] : [false, true]) {
        it(`equals a plain map under random work (${engine}${caching ? ', cached' : ''})`, async () => {
          await fc.assert(
            fc.asyncProperty(
              fc.array(step, { maxLength: 100, size: 'max' }),
              fc.constantFrom(0, 2_000, 1_000_000),
              async (steps, cacheBytes) => {
                const spec = kind.spec(engine, caching)
                const disk = new VirtualDisk()
                const open = async () =>
                  StoreHarness.open<TaskStore>(spec, await disk.open('db'), { cacheBytes })
                let h = await open()
                let live: Model = { entries: [], observedMs: -1 }
                let committed = live
                let changelog: Logged[] = []
                let stored = 0
                let newest = 0
                let n = 0
                const visible = (model: Model): Entry[] =>
                  model.entries.filter((e) => e.first > model.observedMs - retentionMs)
                const refused = (first: number, observedMs: number): boolean =>
                  engine === 'memory'
                    ? first <= observedMs - retentionMs
                    : Math.floor(first / intervalMs) <
                      Math.floor((observedMs - retentionMs) / intervalMs)
                const put = (k: string, first: number, second: number, value: number | null) => {
                  // A persistent store of duplicates has nothing to do for a null.
                  if (value === null && kind.duplicates === true && engine !== 'memory') return
                  const observedMs = Math.max(live.observedMs, first)
                  let entries = live.entries
                  if (caching || !refused(first, observedMs)) {
                    if (kind.duplicates !== true)
                      entries = entries.filter(
                        (e) => e.key !== k || e.first !== first || e.second !== second,
                      )
                    if (value !== null) entries = [...entries, { key: k, first, second, n: value }]
                  }
                  live = { entries, observedMs }
                }
                const check = async (k: string, from: number, to: number) => {
                  // A record cache shows more than it must: only what has to be there is compared.
                  const strict = (entries: Entry[]) =>
                    entries.filter((e) => e.first > live.observedMs - retentionMs).sort(byIdentity)
                  const expected = visible(live).filter(
                    (e) => e.key === k && e.first >= from && e.first <= to,
                  )
                  const found = kind.find(h.store, k, from, to)
                  expect(strict(found)).toEqual(expected.toSorted(byIdentity))
                  if (!caching) expect(strict(found)).toHaveLength(found.length)
                  // In order of time, as it was put.
                  expect(found.map((e) => e.first)).toEqual(
                    found.map((e) => e.first).toSorted((a, b) => a - b),
                  )
                  if (kind.duplicates === true)
                    expect(found.map((e) => e.n)).toEqual(
                      expected.toSorted((a, b) => a.first - b.first).map((e) => e.n),
                    )
                }
                for (const { do: action, key: k, back, length } of steps) {
                  const time = Math.max(0, newest - back * 5_000)
                  h.at(time)
                  switch (action) {
                    case 'put': {
                      newest = Math.max(newest, time)
                      const second = kind.write(h.store, k, time, length, ++n)
                      put(k, time, second, n)
                      break
                    }
                    case 'bump': {
                      const second =
                        kind.name === 'sessions' ? Math.max(0, time - lengthOf(length)) : 0
                      const there = visible(live).find(
                        (e) => e.key === k && e.first === time && e.second === second,
                      )
                      if (kind.bump === undefined || there === undefined) break
                      kind.bump(h.store, k, time, length)
                      put(k, time, second, there.n + 1)
                      break
                    }
                    case 'delete': {
                      const second = kind.write(h.store, k, time, length, null)
                      // A null is not kept where there are duplicates, and moves no time on disk.
                      if (kind.duplicates !== true || engine === 'memory')
                        put(k, time, second, null)
                      break
                    }
                    case 'find':
                      await check(k, time - length * 20_000, time)
                      break
                    case 'all': {
                      const all = await kind.all(h.store)
                      const must = visible(live).sort(byIdentity)
                      const seen = caching
                        ? all.filter((e) => e.first > live.observedMs - retentionMs)
                        : all
                      expect(seen.sort(byIdentity)).toEqual(must)
                      const queried = await kind.query(h.store, k)
                      // Sessions of one end: in memory the one that began last comes first.
                      const turn = kind.name === 'sessions' && engine === 'memory' && !caching
                      const mine = must
                        .filter((e) => e.key === k)
                        .sort(
                          (a, b) => a.first - b.first || (b.second - a.second) * (turn ? 1 : -1),
                        )
                        .map((e) => e.n)
                      if (!caching) expect(queried).toEqual(mine)
                      else expect(queried).toEqual(expect.arrayContaining(mine))
                      break
                    }
                    case 'jump':
                      newest += 70_000
                      break
                    case 'commit':
                      await h.commit()
                      changelog.push(...h.changelog.splice(0))
                      committed = live
                      break
                    case 'abort':
                      h.abort()
                      live = committed
                      break
                    case 'persist':
                      await h.persist(true)
                      stored = changelog.length
                      break
                    case 'lost':
                    case 'crash':
                      disk.crash(action === 'lost' ? 0 : 1000)
                      h = await open()
                      h.restore(changelog.slice(stored))
                      live = committed
                      break
                  }
                }
                for (const k of ['a', 'b', 'bb']) await check(k, 0, newest)
                await h.commit()
                await h.persist()
                for (const k of ['a', 'b', 'bb']) await check(k, 0, newest)
                expect(h.store.pinnedBytes).toBe(0)
                expect(h.store.dirtyBytes).toBe(0)
              },
            ),
            { numRuns: 60 },
          )
        })
      }
    }
  })
}
