// The shared store of left and outer stream joins: order, bytes, and deletions during a scan.
import { describe, expect, it } from 'vitest'
import { noHeaders } from '../../src/serde/record-headers.js'
import { long } from '../../src/serde/number-serdes.js'
import { string } from '../../src/serde/string-serde.js'
import { MemoryDatabase } from '../../src/state/memory-database.js'
import { OuterJoinRows } from '../../src/state/outer-join-rows.js'
import type { StoreContext } from '../../src/state/state-store.js'

function open() {
  const log: (readonly [string, string | null])[] = []
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  const context: StoreContext = {
    taskId: '0_0',
    partition: 0,
    applicationId: 'app',
    directory: 'none',
    topic: 'app-shared-changelog',
    rows: new MemoryDatabase(),
    log: (key, value) => void log.push([hex(key), value === null ? null : hex(value)]),
    record: () => ({ timestampMs: 0, headers: noHeaders, metadata: undefined }),
    drop: () => {},
    mayContinue: false,
    cacheBytes: 0,
    packedBytes: 0,
    recordCaches: false,
  }
  const options = { name: 'shared', key: string(), left: string(), right: long() }
  return { rows: new OuterJoinRows<string, string, number>(options, context), log }
}

function scan(rows: OuterJoinRows<string, string, number>, each = () => {}) {
  const found: string[] = []
  for (let row = rows.next(undefined); row !== undefined; row = rows.next(row)) {
    found.push(`${row.timestampMs} ${row.side} ${row.key} ${rows.valuesOf(row).join()}`)
    each()
  }
  return found
}

describe('the shared store of outer joins', () => {
  it('scans by time, right before left, then key bytes', () => {
    const { rows } = open()
    rows.put('left', 'a', 'x', 5)
    rows.put('left', 'b', 'y', 5)
    rows.put('right', 'z', 7, 5)
    rows.put('left', 'c', 'w', 4)
    rows.put('left', 'a', 'v', 5)
    expect(scan(rows)).toEqual(['4 left c w', '5 right z 7', '5 left a x,v', '5 left b y'])
  })

  it('leaves out what is deleted while it scans', () => {
    const { rows } = open()
    rows.put('left', 'a', 'x', 1)
    rows.put('left', 'b', 'y', 2)
    expect(scan(rows, () => rows.delete('left', 'b', 2))).toEqual(['1 left a x'])
  })

  it('knows what it held before when a transaction is aborted', () => {
    const { rows } = open()
    rows.put('left', 'a', 'x', 1)
    rows.writeChangelog()
    rows.committed()
    rows.put('left', 'a', 'y', 1)
    rows.put('right', 'b', 7, 2)
    rows.delete('left', 'a', 1)
    rows.put('left', 'c', 'z', 3)
    expect(scan(rows)).toEqual(['2 right b 7', '3 left c z'])
    rows.aborted()
    expect(scan(rows)).toEqual(['1 left a x'])
  })

  it('deletes in the engine only what may have gone there', () => {
    const { rows } = open()
    const persisted = () => {
      const written: string[] = []
      rows.persist({
        put: (key) => void written.push(`put ${key.at(-1)}`),
        delete: (key) => void written.push(`delete ${key.at(-1)}`),
        putRun: () => {},
        deleteRange: () => {},
        byteLength: 0,
      })
      rows.persisted()
      return written
    }
    const commit = () => {
      rows.writeChangelog()
      rows.committed()
    }
    const c = 'c'.charCodeAt(0)
    rows.put('left', 'a', 'x', 1)
    rows.put('left', 'b', 'x', 1)
    rows.put('left', 'c', 'x', 1)
    rows.delete('left', 'a', 1)
    commit()
    rows.delete('left', 'b', 1)
    commit()
    expect(persisted()).toEqual([`put ${c}`])
    rows.delete('left', 'c', 1)
    rows.aborted()
    rows.delete('left', 'c', 1)
    commit()
    expect(persisted()).toEqual([`delete ${c}`])
    rows.put('left', 'c', 'y', 1)
    commit()
    rows.delete('left', 'c', 1)
    rows.put('left', 'c', 'z', 1)
    commit()
    expect(persisted()).toEqual([`put ${c}`])
    // In the engine all the while: deleted, put again and deleted between two persists.
    rows.delete('left', 'c', 1)
    commit()
    rows.put('left', 'c', 'y', 1)
    commit()
    rows.delete('left', 'c', 1)
    commit()
    expect(persisted()).toEqual([`delete ${c}`])
    rows.put('left', 'c', 'y', 1)
    commit()
    rows.delete('left', 'c', 1)
    commit()
    expect(persisted()).toEqual([])
  })

  it('finds restored records again', async () => {
    const { rows, log } = open()
    rows.put('right', 'b', 7, 2)
    rows.put('left', 'a', 'x', 1)
    rows.put('left', 'a', 'y', 1)
    rows.writeChangelog()
    const restored = open().rows
    restored.restore(
      log.map(([key, value]) => ({
        key: Buffer.from(key, 'hex'),
        value: value === null ? null : Buffer.from(value, 'hex'),
        timestampMs: 0,
        headers: noHeaders,
      })),
    )
    await restored.restored()
    expect(scan(restored)).toEqual(['1 left a x,y', '2 right b 7'])
    restored.delete('left', 'a', 1)
    restored.delete('right', 'b', 2)
    expect(restored.isEmpty).toBe(true)
  })

  it('writes the list of a row in the bytes of Kafka Streams', () => {
    const { rows, log } = open()
    rows.put('left', 'a', 'A', 5)
    rows.delete('right', 'a', 5)
    rows.writeChangelog()
    rows.committed()
    rows.delete('left', 'a', 5)
    rows.writeChangelog()
    expect(log).toEqual([
      ['00000000000000050161', '010000000100000002' + '0141'],
      ['00000000000000050161', null],
    ])
  })
})
