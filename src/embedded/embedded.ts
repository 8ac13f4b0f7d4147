// The embedded log as a transport: a log in this process, in memory or in a directory, which every
// program that is given the same transport shares. It is open while it has clients.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../errors.js'
import { openClient, type ClientSurroundings, type OpenableTransport } from '../kafka/transport.js'
import type { Transport } from '../kafka/transport.js'
import type { Database } from '../state/bytes-store.js'
import { LevelDatabase } from '../state/level-database.js'
import { EmbeddedClient } from './embedded-client.js'
import { EmbeddedLog } from './embedded-log.js'
import type { Faults } from './faults.js'
import { DurableJournal } from './journal.js'
import { LogConnection } from './log-connection.js'

/** What tests put in the place of disk and network. */
export interface EmbeddedSeams {
  readonly directory?: string | undefined
  /** Opens the database that makes the log durable; instead of `directory`. */
  readonly openDatabase?: (() => Promise<Database>) | undefined
  readonly faults?: Faults | undefined
  /** Bytes of a durable log that stay in memory. Default 64 MiB. */
  readonly residentBytes?: number | undefined
}

/** An embedded log with its clients as the classes that they are. */
export class EmbeddedTransport implements OpenableTransport {
  readonly transport = 'embedded'
  readonly #faults: Faults | undefined
  readonly #openDatabase: (() => Promise<Database>) | undefined
  readonly #residentBytes: number | undefined
  #log: Promise<EmbeddedLog> | undefined
  #closing: Promise<void> | undefined
  #clients = 0
  #nextClient = 0

  constructor(seams: EmbeddedSeams) {
    this.#faults = seams.faults
    this.#residentBytes = seams.residentBytes
    const { directory } = seams
    this.#openDatabase =
      seams.openDatabase ?? (directory === undefined ? undefined : () => openDirectory(directory))
  }

  async [openClient](surroundings: ClientSurroundings): Promise<EmbeddedClient> {
    this.#clients++
    await this.#closing
    this.#log ??= this.#open(surroundings.clock.nowMs())
    let log: EmbeddedLog
    try {
      log = await this.#log
    } catch (error) {
      this.#log = undefined
      this.#clients--
      throw error
    }
    const connection = new LogConnection(log, surroundings.clock, this.#faults, {
      client: this.#nextClient++,
    })
    return new EmbeddedClient(connection, () => this.#release(log))
  }

  async #open(nowMs: number): Promise<EmbeddedLog> {
    if (this.#openDatabase === undefined) return EmbeddedLog.inMemory(nowMs)
    const database = await this.#openDatabase()
    const journal = new DurableJournal(database)
    return EmbeddedLog.restore(database, journal, nowMs, nowMs, this.#residentBytes)
  }

  /** The last client closes what is on disk, so that its directory is free. */
  async #release(log: EmbeddedLog): Promise<void> {
    if (--this.#clients > 0 || !log.journal.durable) return
    this.#log = undefined
    this.#closing = log.journal.close()
    await this.#closing
  }
}

/**
 * A log in this process instead of a Kafka cluster: topics, transactions and groups, in memory, or
 * durable in `directory`. Programs that are given the same transport share it; a directory is used
 * by one process at a time. Records stay until they are deleted: there is no retention and no
 * compaction.
 *
 * ```ts
 * new KafkaStreams(topology, { applicationId: 'gateway', transport: embedded({ directory: './data' }) })
 * ```
 */
export function embedded(options: { readonly directory?: string | undefined } = {}): Transport {
  if (options.directory !== undefined && typeof options.directory !== 'string')
    throw new TypeError('embedded({ directory }) takes a path')
  return new EmbeddedTransport({ directory: options.directory })
}

const holderFile = 'holder'

/** @throws ConfigError naming the process that holds the directory. */
async function openDirectory(directory: string): Promise<Database> {
  const holder = join(directory, holderFile)
  let database: LevelDatabase
  try {
    mkdirSync(directory, { recursive: true })
    database = await LevelDatabase.open(join(directory, 'log'))
  } catch (cause) {
    if (!(cause instanceof Error) || !/in use|LOCKED/i.test(cause.message)) throw cause
    throw new ConfigError(
      `the embedded log in ${directory} is in use by ${nameOf(holder)}; stop it, or give embedded() another directory`,
      { cause },
    )
  }
  writeFileSync(holder, `${process.pid}\n`)
  return releasing(database, () => rmSync(holder, { force: true }))
}

function nameOf(holder: string): string {
  try {
    return `process ${readFileSync(holder, 'utf8').trim()}`
  } catch {
    return 'another process'
  }
}

/** The database, which on closing also takes the holder's name away. */
const releasing = (database: LevelDatabase, released: () => void): Database => ({
  get: (key) => database.get(key),
  scan: (range) => database.scan(range),
  approximateSize: () => database.approximateSize(),
  batch: () => database.batch(),
  write: (batch, options) => database.write(batch, options),
  part: (prefix) => database.part(prefix),
  partBatch: (batch, prefix) => database.partBatch(batch, prefix),
  clear: () => database.clear(),
  close: async () => {
    await database.close()
    released()
  },
})
