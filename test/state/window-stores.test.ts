import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { LevelDatabase } from '../../src/state/level-database.js'
import { MemoryDatabase } from '../../src/state/memory-database.js'
import { windowStoreContract } from '../contract/window-store-contract.js'

const root = mkdtempSync(join(tmpdir(), 'level-'))
let count = 0
const opened: LevelDatabase[] = []
afterAll(async () => {
  for (const db of opened) await db.close()
  rmSync(root, { recursive: true, force: true })
})

windowStoreContract('memory', async () => new MemoryDatabase())
windowStoreContract('leveldb', async () => {
  const db = await LevelDatabase.open(join(root, `${count++}`))
  opened.push(db)
  return db
})
