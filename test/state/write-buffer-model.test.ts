// Random work on a store against a plain map: whatever happens between commits, persists, aborts and
// crashes, the store shows the last write, and returns to the last commit.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { KeyValueRows } from '../../src/state/key-value-rows.js'
import type { TimestampedKeyValueStore } from '../../src/state/key-value-store.js'
import type { Serde } from '../../src/serde/serde.js'
import { string } from '../../src/serde/serdes.js'
import { keyValueSpec } from '../../src/state/specs.js'
import { collect, object, StoreHarness, text, type Logged } from './store-harness.js'
import { VirtualDisk } from './virtual-disk.js'

interface Count {
  n: number
  pad: string
}

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('add' as const), key }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('fail' as const), key }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('put' as const), key }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('get' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('scan' as const), key }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('compact' as const), key }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('others' as const), key }) },
  ...(
    ['flush', 'log', 'commit', 'abort', 'persist', 'persisted', 'lost', 'crash', 'power'] as const
  ).map((name) => ({ weight: 2, arbitrary: fc.record({ do: fc.constant(name), key }) })),
)

type Model = Map<string, number>

/** A number in values of many lengths: in objects that change in place, or in texts. */
interface Shape<V> {
  readonly make: (n: number, pad: number) => V
  readonly numberIn: (value: V) => number
  /** The same value with another number. */
  readonly change: (value: V, n: number) => V
  readonly serde: Serde<V>
}

const objects: Shape<Count> = {
  make: (n, pad) => ({ n, pad: 'x'.repeat(pad) }),
  numberIn: ({ n }) => n,
  change: (value, n) => {
    value.n = n
    return value
  },
  serde: object<Count>(),
}

const texts: Shape<string> = {
  make: (n, pad) => `${n} ${'x'.repeat(pad)}`,
  numberIn: (value) => Number(value.split(' ')[0]),
  change: (value, n) => `${n} ${value.split(' ')[1]}`,
  serde: string(),
}

const equalsMap = <V>(name: string, shape: Shape<V>): void => {
  const { make, numberIn, change, serde } = shape
  const numberOf = (row: { readonly value: V } | undefined): number | undefined =>
    row === undefined ? undefined : numberIn(row.value)
  for (const caching of [false, true]) {
    it(`equals a map of ${name} under random work, ${caching ? 'with' : 'without'} a record cache`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { maxLength: 120, size: 'max' }),
          fc.constantFrom(0, 300, 1500, 1_000_000),
          fc.constantFrom(0, 1_000_000),
          fc.boolean(),
          fc.boolean(),
          async (steps, cacheBytes, packedBytes, mayContinue, scans) => {
            const spec = keyValueSpec({
              name: 'st',
              // With string() keys are looked for without being encoded.
              key: mayContinue ? string() : text,
              value: serde,
              engine: 'leveldb',
              timestamped: true,
              caching,
            })
            const disk = new VirtualDisk()
            const flushed: Model = new Map()
            // Time goes on by one with each write; rows and the changelog have it.
            let nowMs = 0
            let times: Model = new Map()
            let committedTimes: Model = new Map()
            let loggedTimes: Model | undefined
            const forwarded = new Set<string>()
            const open = async () => {
              const h = await StoreHarness.open<KeyValueRows<string, V>>(
                spec,
                await disk.open('db'),
                { cacheBytes, packedBytes, mayContinue },
              )
              h.store.onFlush(
                (k, now, old) => {
                  // Old values join up: each is what the flush before forwarded.
                  expect(old === null ? undefined : numberIn(old)).toBe(flushed.get(k))
                  expect(now !== null || old !== null).toBe(true)
                  // A key waits once.
                  expect(forwarded.has(k)).toBe(false)
                  forwarded.add(k)
                  if (now === null) flushed.delete(k)
                  else flushed.set(k, numberIn(now))
                },
                { oldValues: true },
              )
              return h
            }
            let h = await open()
            await h.store.restored()
            let live: Model = new Map()
            let committed: Model = new Map()
            let changelog: Logged[] = []
            // The batch under way, the changelog it reaches, and what the disk has of both.
            let writing: { finish: Promise<void>; upTo: number } | undefined
            let storedUpTo = 0
            // What was live when the open transaction got its records; writes may go on meanwhile.
            let logged: Model | undefined
            const check = (k: string) => {
              const row = h.store.row(k)
              expect(numberOf(row)).toBe(live.get(k))
              if (row !== undefined) expect(row.timestampMs).toBe(times.get(k))
              const api = h.store.api as TimestampedKeyValueStore<string, V>
              expect(numberOf(api.get(k) ?? undefined)).toBe(live.get(k))
            }
            const finish = async () => {
              if (writing === undefined) return
              await writing.finish
              storedUpTo = writing.upTo
              writing = undefined
            }
            const flush = async () => {
              forwarded.clear()
              await h.store.flushCache()
            }
            const writeChangelog = () => {
              const before = h.pending.length
              h.store.writeChangelog()
              const keys = h.pending.slice(before).map((r) => String(Buffer.from(r.key)))
              expect(new Set(keys).size).toBe(keys.length)
            }
            const returnToCommit = () => {
              live = new Map(committed)
              times = new Map(committedTimes)
              loggedTimes = undefined
              flushed.clear()
              for (const [k, n] of committed) flushed.set(k, n)
              logged = undefined
            }
            const endTransaction = () => {
              h.endTransaction()
              changelog.push(...h.changelog.splice(0))
              committed = logged ?? new Map(live)
              committedTimes = loggedTimes ?? new Map(times)
              loggedTimes = undefined
              logged = undefined
            }
            const reopen = async (keep: number) => {
              disk.crash(keep)
              h = await open()
              // The tail that the disk does not have; reading a part of it twice does no harm.
              h.restore(changelog.slice(storedUpTo))
              await h.store.restored()
              writing = undefined
              returnToCommit()
            }
            for (const { do: action, key: k } of steps) {
              switch (action) {
                case 'add': {
                  const row = h.at(++nowMs).store.row(k)
                  times.set(k, nowMs)
                  if (row !== undefined) {
                    h.store.protect(row)
                    h.store.write(k, change(row.value, numberIn(row.value) + 1), nowMs)
                  } else h.store.write(k, make(1, k.charCodeAt(0) - 90), nowMs)
                  live.set(k, (live.get(k) ?? 0) + 1)
                  break
                }
                case 'fail': {
                  const row = h.store.row(k)
                  if (row === undefined) break
                  h.store.protect(row)
                  change(row.value, -1)
                  if (mayContinue) h.store.undo(row)
                  else {
                    h.abort()
                    returnToCommit()
                  }
                  break
                }
                case 'delete':
                  h.at(++nowMs).store.write(k, null, nowMs)
                  live.delete(k)
                  break
                case 'put': {
                  const api = h.store.api as TimestampedKeyValueStore<string, V>
                  const value = make(100, 0)
                  api.put(k, { value, timestampMs: ++nowMs })
                  times.set(k, nowMs)
                  change(value, -2)
                  live.set(k, 100)
                  break
                }
                case 'get':
                  check(k)
                  break
                case 'scan': {
                  // A store that is scanned keeps its rows otherwise.
                  if (!scans) break
                  const api = h.store.api as TimestampedKeyValueStore<string, V>
                  const rows = (await collect(api.all())).map(([at, row]) => [
                    at,
                    numberIn(row.value),
                  ])
                  expect(rows).toEqual([...live].sort(([a], [b]) => (a < b ? -1 : 1)))
                  break
                }
                case 'flush':
                  await flush()
                  break
                case 'compact':
                  h.store.compact()
                  break
                case 'others':
                  // So many keys that are used once make most rows stay bytes from the next commit on.
                  for (let i = 0; i < 50; i++) expect(h.store.row(`${k}${i}`)).toBeUndefined()
                  break
                case 'log':
                  if (logged !== undefined) break
                  await flush()
                  writeChangelog()
                  logged = new Map(live)
                  loggedTimes = new Map(times)
                  break
                case 'commit':
                  if (logged === undefined) {
                    await flush()
                    writeChangelog()
                  }
                  endTransaction()
                  break
                case 'abort':
                  h.abort()
                  returnToCommit()
                  break
                case 'persist': {
                  await finish()
                  const sync = k < 'd'
                  const upTo = changelog.length
                  const batch = h.persist(sync)
                  // An unsynced batch may be lost: the runtime then has an older offset on disk too.
                  writing = { finish: batch, upTo: sync ? upTo : storedUpTo }
                  break
                }
                case 'persisted':
                  await finish()
                  break
                case 'lost':
                  await reopen(0)
                  break
                case 'crash':
                  await reopen(1000)
                  break
                case 'power':
                  await finish()
                  await reopen(0)
                  break
              }
              if (writing !== undefined) writing.finish.catch(() => {})
            }
            for (const k of 'abcdef') check(k)
            if (logged === undefined) {
              await flush()
              writeChangelog()
            }
            endTransaction()
            forwarded.clear()
            await h.commit()
            changelog.push(...h.changelog.splice(0))
            await finish()
            await h.persist()
            for (const k of 'abcdef') check(k)
            expect(h.store.pinnedBytes).toBe(0)
            expect(h.store.dirtyBytes).toBe(0)
            // The changelog alone gives the same rows.
            const replica = await StoreHarness.open<KeyValueRows<string, V>>(spec)
            replica.restore(changelog)
            await replica.persist()
            await replica.store.restored()
            for (const k of 'abcdef') {
              const row = replica.store.row(k)
              expect(numberOf(row)).toBe(live.get(k))
              if (row !== undefined) expect(row.timestampMs).toBe(times.get(k))
            }
          },
        ),
        { numRuns: 600 },
      )
    })
  }
}

describe('the write buffer', () => {
  equalsMap('objects', objects)
  equalsMap('texts', texts)
})
