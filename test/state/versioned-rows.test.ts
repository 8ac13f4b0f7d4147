// Versioned stores against a list of versions per key, through commits, aborts, persists and restores.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { noHeaders } from '../../src/serde/record-headers.js'
import { string } from '../../src/serde/string-serde.js'
import { MemoryDatabase } from '../../src/state/memory-database.js'
import type { ChangelogRecord, StoreContext } from '../../src/state/state-store.js'
import { VersionedRows } from '../../src/state/versioned-rows.js'

const historyMs = 30

function open(rows = new MemoryDatabase(), cacheBytes = 0, maxVersions = 3) {
  const log: ChangelogRecord[] = []
  const dropped: string[] = []
  const context: StoreContext = {
    taskId: '0_0',
    partition: 0,
    applicationId: 'app',
    directory: 'none',
    topic: 'app-versions-changelog',
    rows,
    log: (key, value, timestampMs) =>
      void log.push({ key, value, timestampMs: timestampMs!, headers: noHeaders }),
    record: () => ({ timestampMs: 0, headers: noHeaders, metadata: undefined }),
    drop: (reason) => void dropped.push(reason),
    mayContinue: false,
    cacheBytes,
    packedBytes: 0,
    recordCaches: false,
  }
  const options = { name: 'versions', key: string(), value: string(), historyMs, maxVersions }
  return { store: new VersionedRows<string, string>(options, context), log, dropped, rows }
}

/** The obvious store: every accepted version, by key. */
class Model {
  observedMs = -1
  versions = new Map<string, Map<number, string | null>>()

  put(key: string, value: string | null, timestampMs: number): boolean {
    if (timestampMs < this.observedMs - historyMs) return false
    this.observedMs = Math.max(this.observedMs, timestampMs)
    const versions = this.versions.get(key) ?? new Map<number, string | null>()
    // A deletion at the time of the only version leaves no trace.
    const only = versions.size === 1 ? versions.get(timestampMs) : undefined
    if (value === null && typeof only === 'string') versions.delete(timestampMs)
    else versions.set(timestampMs, value)
    this.versions.set(key, versions)
    return true
  }

  get(key: string, atMs: number) {
    const versions = [...(this.versions.get(key) ?? [])].toSorted(([a], [b]) => b - a)
    const i = versions.findIndex(([timestampMs]) => timestampMs <= atMs)
    const found = versions[i]
    if (found === undefined || found[1] === null) return undefined
    const validToMs = versions[i - 1]?.[0]
    if (atMs < this.observedMs - historyMs && validToMs !== undefined) return undefined
    return { value: found[1], timestampMs: found[0], validToMs: undefined }
  }

  copy(): Model {
    const model = new Model()
    model.observedMs = this.observedMs
    for (const [key, versions] of this.versions) model.versions.set(key, new Map(versions))
    return model
  }
}

describe('a versioned store', () => {
  it('answers as of a time, and says until when', () => {
    const { api } = open().store
    expect(api.put('a', 'x', 10)).toBeNull()
    expect(api.put('a', 'z', 30)).toBeNull()
    expect(api.put('a', 'y', 20)).toBe(30)
    expect(api.get('a')).toEqual({ value: 'z', timestampMs: 30, validToMs: undefined })
    expect(api.get('a', 25)).toEqual({ value: 'y', timestampMs: 20, validToMs: undefined })
    expect(api.get('a', 9)).toBeUndefined()
    expect(api.delete('a', 25)).toMatchObject({ value: 'y' })
    expect(api.get('a', 26)).toBeUndefined()
    expect(api.get('a', 24)).toEqual({ value: 'y', timestampMs: 20, validToMs: undefined })
  })

  it('refuses, counts and still logs a put older than the history', () => {
    const { store, log, dropped } = open()
    store.write('a', 'x', 100)
    expect(store.write('b', 'y', 69)).toBe('refused')
    expect(store.write('b', 'y', 70)).toBe('latest')
    expect(dropped).toHaveLength(1)
    store.writeChangelog()
    expect(log.map(({ timestampMs }) => timestampMs)).toEqual([100, 69, 70])
  })

  it('never forgets the latest version', () => {
    const { api } = open().store
    api.put('a', 'x', 1)
    api.put('b', 'y', 1000)
    expect(api.get('a')).toMatchObject({ value: 'x' })
    expect(api.get('a', 500)).toMatchObject({ value: 'x' })
    expect(api.get('a', 0)).toBeUndefined()
  })

  it('scans the latest versions by key', async () => {
    const { store, rows } = open()
    for (const [key, value] of [
      ['b', '1'],
      ['a', '2'],
      ['c', null],
      ['d', '3'],
    ] as const)
      // prettier-ignore
      store.write(key, value, 5)
    store.writeChangelog()
    store.committed()
    const batch = rows.batch()
    store.persist(batch)
    await rows.write(batch)
    store.persisted()
    store.write('b', null, 6)
    const found: unknown[] = []
    for await (const row of store.view.range('a', 'c')) found.push(row)
    expect(found).toEqual([['a', '2']])
  })

  it('is a list of versions, whatever happens between puts', async () => {
    const step = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.tuple(
          fc.constant('put' as const),
          fc.constantFrom('a', 'b'),
          fc.constantFrom('x', 'y', 'z', null),
          fc.nat(80),
        ),
      },
      fc.tuple(fc.constantFrom('commit' as const, 'abort' as const, 'persist' as const)),
      fc.tuple(fc.constantFrom('reopen' as const, 'restore' as const)),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
        let opened = open()
        const log: ChangelogRecord[] = []
        let model = new Model()
        let committed = new Model()
        const commit = () => {
          opened.store.writeChangelog()
          opened.store.committed()
          log.push(...opened.log.splice(0))
          committed = model.copy()
        }
        const persist = async () => {
          const batch = opened.rows.batch()
          opened.store.persist(batch)
          await opened.rows.write(batch)
          opened.store.persisted()
        }
        for (const each of steps) {
          const [kind] = each
          if (each.length === 4) {
            const [, key, value, timestampMs] = each
            const accepted = model.put(key, value, timestampMs)
            expect(opened.store.write(key, value, timestampMs) !== 'refused').toBe(accepted)
          } else if (kind === 'commit') commit()
          else if (kind === 'persist') await persist()
          else if (kind === 'abort') {
            opened.store.aborted()
            opened.log.length = 0
            model = committed.copy()
          } else {
            commit()
            if (kind === 'reopen') {
              await persist()
              opened = open(opened.rows, 1000)
            } else {
              opened = open()
              opened.store.restore(log)
            }
          }
          for (const k of ['a', 'b'])
            for (const atMs of [0, 20, 40, 60, 80])
              expect(opened.store.api.get(k, atMs)).toEqual(model.get(k, atMs))
        }
      }),
      { numRuns: 200 },
    )
  })
})
