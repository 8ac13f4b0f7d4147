// Who may use a state directory.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { StateStoreError } from '../../src/errors.js'
import { silentLogger } from '../../src/logger.js'
import { openStateDirectory, type StateDirectory } from '../../src/runtime/state-directory.js'
import { MemoryDatabase } from '../../src/state/memory-database.js'

let stateDir: string
const open = (): StateDirectory =>
  openStateDirectory({
    stateDir,
    applicationId: 'app',
    open: async () => new MemoryDatabase(),
    logger: silentLogger,
  })

beforeEach(() => void (stateDir = fs.mkdtempSync(path.join(tmpdir(), 'millrace-'))))
afterEach(() => fs.rmSync(stateDir, { recursive: true, force: true }))

describe('the state directory', () => {
  it('keeps its process id over restarts', () => {
    const first = open()
    first.release()
    const second = open()
    expect(second.processId).toBe(first.processId)
    second.release()
  })

  it('is used by one application at a time, and names who holds it', () => {
    const first = open()
    expect(() => open()).toThrow(StateStoreError)
    expect(() => open()).toThrow(new RegExp(`in use by process ${process.pid}.*stateDir`))
    first.release()
    open().release()
  })

  it('is taken over from a process that is gone', () => {
    fs.mkdirSync(path.join(stateDir, 'app'))
    const lock = path.join(stateDir, 'app', '.lock')
    fs.writeFileSync(lock, JSON.stringify({ pid: 2 ** 22 + 12345, startTime: '1' }))
    open().release()
    fs.writeFileSync(lock, '{"pid"')
    open().release()
  })

  it('is not touched when a newer version wrote it', () => {
    fs.mkdirSync(path.join(stateDir, 'app'))
    fs.writeFileSync(
      path.join(stateDir, 'app', 'kafka-streams-process-metadata'),
      JSON.stringify({ processId: 'x', millraceFormat: 99 }),
    )
    expect(() => open()).toThrow(/newer version.*format 99/)
  })

  it('says what to do when it cannot be made', () => {
    fs.writeFileSync(path.join(stateDir, 'app'), 'a file')
    expect(() => open()).toThrow(/state directory .*app cannot be made/)
  })

  it('lists the tasks that have state', () => {
    const directory = open()
    fs.mkdirSync(path.join(directory.directory, '0_3'))
    fs.mkdirSync(path.join(directory.directory, 'global'))
    expect(directory.taskIds()).toEqual(['0_3'])
    directory.release()
  })

  it('has nothing of a task that was removed, at once', async () => {
    const directory = open()
    const folder = path.join(directory.directory, '0_3')
    fs.mkdirSync(folder)
    const removed = directory.remove('0_3')
    expect(fs.existsSync(folder)).toBe(false)
    expect(directory.taskIds()).toEqual([])
    fs.mkdirSync(folder)
    await removed
    expect(fs.readdirSync(directory.directory).filter((name) => name.startsWith('0_'))).toEqual([
      '0_3',
    ])
    await directory.remove('0_4')
    directory.release()
  })

  it('deletes what a process that was killed left of a removed task', async () => {
    fs.mkdirSync(path.join(stateDir, 'app', '0_3.deleted-x', 'inner'), { recursive: true })
    const directory = open()
    expect(directory.taskIds()).toEqual([])
    await vi.waitFor(() =>
      expect(fs.readdirSync(directory.directory)).not.toContain('0_3.deleted-x'),
    )
    directory.release()
  })
})
