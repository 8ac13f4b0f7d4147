// LevelDB databases for tests, in a folder that is gone afterwards.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { LevelDatabase } from '../../src/state/level-database.js'

/** What opens a new database at each call; all are closed after the last test of the file. */
export function levelFolder(): () => Promise<LevelDatabase> {
  const root = mkdtempSync(join(tmpdir(), 'level-'))
  const opened: LevelDatabase[] = []
  let count = 0
  afterAll(async () => {
    for (const db of opened) await db.close()
    rmSync(root, { recursive: true, force: true })
  })
  return async () => {
    const db = await LevelDatabase.open(join(root, `${count++}`))
    opened.push(db)
    return db
  }
}
