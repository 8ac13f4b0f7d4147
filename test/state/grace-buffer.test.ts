// The grace buffer: order of release, changelog, restore, abort.
import { describe, expect, it } from 'vitest'
import { noHeaders } from '../../src/serde/record-headers.js'
import { string } from '../../src/serde/string-serde.js'
import { GraceBuffer } from '../../src/state/grace-buffer.js'
import { MemoryDatabase } from '../../src/state/memory-database.js'
import type { StoreContext } from '../../src/state/state-store.js'

const at = (timestampMs: number) => ({
  timestampMs,
  headers: noHeaders,
  metadata: { topic: 'in', partition: 0, offset: 3 },
})

function buffer() {
  const log: { key: Uint8Array; value: Uint8Array | null }[] = []
  const context: StoreContext = {
    taskId: '0_0',
    partition: 0,
    applicationId: 'app',
    directory: 'none',
    topic: 'app-join-Buffer-changelog',
    rows: new MemoryDatabase(),
    log: (key, value) => void log.push({ key, value }),
    record: () => at(0),
    drop: () => {},
    mayContinue: false,
    cacheBytes: 0,
    packedBytes: 0,
    recordCaches: false,
  }
  const store = new GraceBuffer<string, string>('join-Buffer', string(), string(), context)
  const release = (untilMs: number) => {
    const values: string[] = []
    for (let next = store.poll(untilMs); next !== undefined; next = store.poll(untilMs))
      values.push(`${next.key}=${next.value}@${next.context.timestampMs}`)
    return values
  }
  return { store, log, release }
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('the grace buffer', () => {
  it('releases by time, key bytes and arrival, up to a time', () => {
    const { store, release } = buffer()
    store.put('b', '1', at(5))
    store.put('a', '2', at(5))
    store.put('a', '3', at(5))
    store.put('z', '4', at(2))
    store.put('a', '5', at(6))
    expect(release(5)).toEqual(['z=4@2', 'a=2@5', 'a=3@5', 'b=1@5'])
    expect(release(100)).toEqual(['a=5@6'])
  })

  it('logs every put and every release under a key of time, key and arrival', () => {
    const { store, log } = buffer()
    store.put('a', 'x', at(3))
    store.writeChangelog()
    store.committed()
    store.poll(3)
    store.writeChangelog()
    expect(log.map(({ key, value }) => [hex(key), value !== null])).toEqual([
      ['0000000000000000036100000001', true],
      ['0000000000000000036100000001', false],
    ])
  })

  it('is restored from what it logged, and numbers on', () => {
    const first = buffer()
    for (const value of ['1', '2', '3']) first.store.put('a', value, at(3))
    first.store.poll(3)
    first.store.writeChangelog()
    const second = buffer()
    second.store.restore(first.log.map((r) => ({ ...r, timestampMs: 0, headers: [] })))
    second.store.put('a', '4', at(3))
    expect(second.release(3)).toEqual(['a=2@3', 'a=3@3', 'a=4@3'])
  })

  it('returns to the last commit when one is aborted', () => {
    const { store, release } = buffer()
    store.put('a', '1', at(1))
    store.writeChangelog()
    store.committed()
    store.put('a', '2', at(0))
    store.poll(5)
    store.poll(5)
    store.writeChangelog()
    store.aborted()
    expect(release(5)).toEqual(['a=1@1'])
  })
})
