// Where tasks keep their state on this machine: one folder per application, locked by one process,
// with one folder per task in it.
//
//   stateDir/APPLICATION/.lock                              who holds it, JSON
//   stateDir/APPLICATION/kafka-streams-process-metadata     process id and format version, JSON
//   stateDir/APPLICATION/member                             id of the last member of the group, text
//   stateDir/APPLICATION/0_3/                               the LevelDB database of task 0_3
//   stateDir/APPLICATION/0_3.deleted-UUID/                  one on its way out
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { StateStoreError } from '../errors.js'
import type { Logger } from '../logger.js'
import type { Database } from '../state/bytes-store.js'

/** The layout that this version writes. */
export const stateFormat = 1

/** What the runtime needs of a state directory; simulations have one of their own. */
export interface StateDirectory {
  /** The application's folder. */
  readonly directory: string
  /** Stays the same over restarts; makes the transactional id. */
  readonly processId: string
  /**
   * The group member that the last holder was. The lock says that it is dead, so a restart can take
   * it out of the group instead of waiting for its session to end.
   */
  readonly formerMemberId?: string | undefined
  /** Notes the member that this process is. */
  noteMemberId?(memberId: string): void
  /** Tasks with a folder, for sticky assignment. */
  taskIds(): readonly string[]
  /** Opens a task's database. @throws TaskCorruptedError when it is damaged */
  open(taskId: string): Promise<Database>
  /** Deletes a task's folder, which nobody has open: gone at once, off the disk when it resolves. */
  remove(taskId: string): Promise<void>
  /** Gives the lock back. */
  release(): void
}

/** Which folder, and how databases in it are opened. */
export interface StateDirectoryOptions {
  readonly stateDir: string
  readonly applicationId: string
  readonly open: (directory: string) => Promise<Database>
  readonly logger: Logger
}

const metadataFile = 'kafka-streams-process-metadata'
const lockFile = '.lock'
const memberFile = 'member'
/** Between the name of a task and a random part: a folder on its way out. */
const deletedMark = '.deleted-'
const held = new Set<string>()

const removeFolder = (folder: string): Promise<void> =>
  fs.promises.rm(folder, { recursive: true, force: true })

/**
 * Locks the folder of an application.
 * @throws StateStoreError when another process holds it, or a newer version wrote it, or the disk refuses
 */
export function openStateDirectory(options: StateDirectoryOptions): StateDirectory {
  const directory = path.resolve(options.stateDir, options.applicationId)
  try {
    fs.mkdirSync(directory, { recursive: true })
  } catch (error) {
    throw diskError(error, directory, 'made')
  }
  lock(directory)
  try {
    return new LockedDirectory(directory, readProcessId(directory), options)
  } catch (error) {
    unlock(directory)
    throw error
  }
}

class LockedDirectory implements StateDirectory {
  readonly directory: string
  readonly processId: string
  readonly formerMemberId: string | undefined
  readonly #options: StateDirectoryOptions
  #released = false

  constructor(directory: string, processId: string, options: StateDirectoryOptions) {
    this.directory = directory
    this.processId = processId
    this.#options = options
    this.formerMemberId = readMemberId(directory)
    this.#removeLeftOvers()
  }

  noteMemberId(memberId: string): void {
    // Without it a restart only takes longer, so neither a full disk nor a lost write matters.
    try {
      fs.writeFileSync(path.join(this.directory, memberFile), memberId)
    } catch (error) {
      this.#options.logger.debug({ reason: String(error) }, 'could not note the member id')
    }
  }

  taskIds(): readonly string[] {
    return fs.readdirSync(this.directory).filter((name) => /^\d+_\d+$/.test(name))
  }

  open(taskId: string): Promise<Database> {
    return this.#options.open(path.join(this.directory, taskId))
  }

  async remove(taskId: string): Promise<void> {
    const deleted = path.join(this.directory, `${taskId}${deletedMark}${randomUUID()}`)
    try {
      // At once and as a whole: who opens the task next begins with nothing, also after a crash.
      fs.renameSync(path.join(this.directory, taskId), deleted)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      throw error
    }
    await removeFolder(deleted)
  }

  /** What a process that was killed left of folders that it deleted. */
  #removeLeftOvers(): void {
    for (const name of fs.readdirSync(this.directory))
      if (name.includes(deletedMark))
        removeFolder(path.join(this.directory, name)).catch((error: unknown) => {
          this.#options.logger.debug({ reason: String(error) }, 'could not delete a folder')
        })
  }

  release(): void {
    if (this.#released) return
    this.#released = true
    unlock(this.directory)
  }
}

interface Holder {
  readonly pid: number
  /** When that process began, in the system's own units; tells a reused pid. */
  readonly startTime: string | undefined
}

function lock(directory: string): void {
  const file = path.join(directory, lockFile)
  const mine = JSON.stringify({ pid: process.pid, startTime: startTime(process.pid) })
  for (let attempt = 0; ; attempt++) {
    try {
      fs.writeFileSync(file, mine, { flag: 'wx' })
      held.add(directory)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
        throw diskError(error, directory, 'locked')
    }
    const holder = readHolder(file)
    if (holder !== undefined && isAlive(holder, directory))
      throw new StateStoreError(
        `the state directory ${directory} is in use by process ${holder.pid}; stop that process, or give this one another stateDir`,
      )
    if (attempt >= 3)
      throw new StateStoreError(
        `the state directory ${directory} cannot be locked; delete ${file} if no process uses it`,
      )
    fs.rmSync(file, { force: true })
  }
}

function unlock(directory: string): void {
  held.delete(directory)
  fs.rmSync(path.join(directory, lockFile), { force: true })
}

function readHolder(file: string): Holder | undefined {
  try {
    const holder = JSON.parse(fs.readFileSync(file, 'utf8')) as Partial<Holder>
    return typeof holder.pid === 'number'
      ? { pid: holder.pid, startTime: holder.startTime }
      : undefined
  } catch {
    return undefined
  }
}

function isAlive(holder: Holder, directory: string): boolean {
  if (holder.pid === process.pid) return held.has(directory)
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  const now = startTime(holder.pid)
  return now === undefined || holder.startTime === undefined || now === holder.startTime
}

/** Field 22 of /proc/PID/stat where there is such a file. */
function startTime(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

function readMemberId(directory: string): string | undefined {
  try {
    const text = fs.readFileSync(path.join(directory, memberFile), 'utf8')
    return text === '' ? undefined : text
  } catch {
    return undefined
  }
}

function readProcessId(directory: string): string {
  const file = path.join(directory, metadataFile)
  let text: string | undefined
  try {
    text = fs.readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw diskError(error, directory, 'read')
  }
  if (text !== undefined) {
    let found: { processId?: unknown; millraceFormat?: unknown }
    try {
      found = JSON.parse(text) as typeof found
    } catch (cause) {
      throw new StateStoreError(
        `${file} is damaged; delete ${directory} to restore its state from the log`,
        {
          cause,
        },
      )
    }
    if (typeof found.millraceFormat === 'number' && found.millraceFormat > stateFormat)
      throw new StateStoreError(
        `the state directory ${directory} was written by a newer version of millrace (format ${found.millraceFormat}, this one knows ${stateFormat}); run that version, or set another stateDir and restore from the log`,
      )
    if (typeof found.processId === 'string' && found.millraceFormat === stateFormat)
      return found.processId
  }
  const processId = randomUUID()
  try {
    const written = JSON.stringify({ processId, millraceFormat: stateFormat })
    const temporary = `${file}.tmp`
    fs.writeFileSync(temporary, written, { flush: true })
    fs.renameSync(temporary, file)
  } catch (error) {
    throw diskError(error, directory, 'written')
  }
  return processId
}

function diskError(error: unknown, directory: string, action: string): StateStoreError {
  const { code, message } = error as NodeJS.ErrnoException
  const remedy =
    code === 'ENOSPC'
      ? 'the disk is full: make room, or set stateDir to another disk'
      : code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
        ? 'this process may not write there: set stateDir to a folder that it may write'
        : message
  return new StateStoreError(`the state directory ${directory} cannot be ${action}: ${remedy}`, {
    cause: error,
  })
}
