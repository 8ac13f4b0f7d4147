import { mkdtempSync, rmSync, truncateSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { StateStoreError, TaskCorruptedError } from '../../src/errors.js'
import { LevelDatabase } from '../../src/state/level-database.js'
import { MemoryDatabase } from '../../src/state/memory-database.js'
import { bytesStoreContract } from '../contract/bytes-store-contract.js'
import { VirtualDisk } from './virtual-disk.js'

const root = mkdtempSync(join(tmpdir(), 'level-'))
let count = 0
const directory = (): string => join(root, `db-${count++}`)
afterAll(() => rmSync(root, { recursive: true, force: true }))

bytesStoreContract('MemoryDatabase', async () => new MemoryDatabase())
bytesStoreContract('LevelDatabase', () => LevelDatabase.open(directory()))
bytesStoreContract('VirtualDisk', () => new VirtualDisk().open('db'))

const a = Buffer.from('a')

describe('LevelDatabase', () => {
  it('keeps rows over a reopening', async () => {
    const path = directory()
    const first = await LevelDatabase.open(path)
    const batch = first.batch()
    batch.put(a, a)
    await first.write(batch)
    await first.close()
    const second = await LevelDatabase.open(path)
    expect(Buffer.from(second.get(a)!)).toEqual(a)
    await second.close()
  })

  it('says that a directory is in use', async () => {
    const path = directory()
    const first = await LevelDatabase.open(path)
    await expect(LevelDatabase.open(path)).rejects.toThrow(StateStoreError)
    await expect(LevelDatabase.open(path)).rejects.toThrow(/in use by another process/)
    await first.close()
  })

  it('reports damage as a corrupted task', async () => {
    const path = directory()
    const first = await LevelDatabase.open(path)
    await first.close()
    for (const file of readdirSync(path))
      if (file.startsWith('MANIFEST')) {
        truncateSync(join(path, file), 3)
        writeFileSync(join(path, file), 'not a manifest at all, but long enough to be read as one')
      }
    await expect(LevelDatabase.open(path)).rejects.toThrow(TaskCorruptedError)
  })
})

describe('VirtualDisk', () => {
  it('loses what was not synced, from the end', async () => {
    const disk = new VirtualDisk()
    const db = await disk.open('db')
    const write = async (key: string, sync: boolean) => {
      const batch = db.batch()
      batch.put(Buffer.from(key), a)
      await db.write(batch, { sync })
    }
    await write('1', true)
    await write('2', false)
    await write('3', false)
    disk.crash(1)
    const after = await disk.open('db')
    expect([1, 2, 3].map((k) => after.get(Buffer.from(`${k}`)) !== undefined)).toEqual([
      true,
      true,
      false,
    ])
  })
})
