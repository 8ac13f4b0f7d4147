// One socket to one broker: framing, correlation, versions, time-outs, SASL. A request that is not
// answered in time destroys the socket, because nothing else shows that a peer is silently dead;
// whatever ends a connection rejects everything in flight.
import { isIP, connect as connectTcp, type OnReadOpts, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls'
import type { Clock, Timer } from '../clock.js'
import type { Logger } from '../logger.js'
import { KafkaError } from './client.js'
import { answerError, connectionError, ErrorCode } from './error-codes.js'
import { FrameAssembler } from './frame-assembler.js'
import { decodeResponse, encodeRequest, type Api, type ResponseBody } from './protocol/api.js'
import { apiVersions } from './protocol/messages/api-versions.js'
import type { Body, Parsed, Shape } from './protocol/schema.js'
import { authenticate, reauthenticationDelayMs } from './sasl.js'
import type { SaslOptions } from './kafkajs-bridge.js'

/** What connections of one client have in common. */
export interface ConnectionSettings {
  readonly clientId: string
  readonly tls: TlsOptions | undefined
  readonly sasl: SaslOptions | undefined
  readonly clock: Clock
  readonly logger: Logger
  /** How long the network and a broker that does not wait may take. */
  readonly requestTimeoutMs: number
  readonly connectTimeoutMs: number
}

export interface Address {
  readonly host: string
  readonly port: number
}

export interface SendOptions {
  /** The wait that the request itself declares; the network time-out comes on top. */
  readonly waitMs?: number
  /** Instead of the client's time-out, for what is useless when late. */
  readonly timeoutMs?: number
  /** Stays at or below this version, whatever the broker offers. */
  readonly maxVersion?: number
}

/** Versions that a broker offers, both inclusive. */
interface VersionRange {
  readonly min: number
  readonly max: number
}

interface Pending {
  readonly api: Api
  readonly version: number
  readonly deadlineMs: number
  readonly resolve: (body: Parsed<Shape>) => void
  readonly reject: (error: Error) => void
}

const clientSoftware = { clientSoftwareName: 'millrace', clientSoftwareVersion: '0.1.0' }

/** An open, authenticated connection; `Connection.open` makes one. */
export class Connection {
  readonly name: string
  readonly #settings: ConnectionSettings
  readonly #address: Address
  readonly #pending = new Map<number, Pending>()
  readonly #versions = new Map<number, VersionRange>()
  readonly #features = new Map<string, number>()
  #socket: Socket | undefined
  #correlationId = 0
  #timer: Timer | undefined
  #timerDueMs = Infinity
  #reauthTimer: Timer | undefined
  /** While it is there, a re-authentication has the socket for itself. */
  #gate: Promise<void> | undefined
  #closedBy: KafkaError | undefined
  #onClose: (() => void)[] = []

  private constructor(address: Address, settings: ConnectionSettings) {
    this.name = `${address.host}:${address.port}`
    this.#address = address
    this.#settings = settings
  }

  /**
   * Connects, asks for the versions, authenticates. `opening` gets the connection before it is
   * open, to be able to close it.
   * @throws KafkaError of kind `retriable` when the broker cannot be reached, `authorization` when
   * it refuses the credentials.
   */
  static async open(
    address: Address,
    settings: ConnectionSettings,
    opening?: (connection: Connection) => void,
  ): Promise<Connection> {
    const connection = new Connection(address, settings)
    opening?.(connection)
    try {
      await connection.#connect()
      await connection.#askVersions()
      if (settings.sasl) await connection.#authenticate(settings.sasl)
    } catch (error) {
      connection.close(error instanceof KafkaError ? error : undefined)
      throw error
    }
    return connection
  }

  /** True from the moment that nothing can be sent any more. */
  get closed(): boolean {
    return this.#closedBy !== undefined
  }

  get inFlight(): number {
    return this.#pending.size
  }

  /** The finalized level of a cluster feature such as `transaction.version`, 0 when there is none. */
  feature(name: string): number {
    return this.#features.get(name) ?? 0
  }

  /** The highest version that both sides know, `undefined` when there is none. */
  version(api: Api, maxVersion = api.maxVersion): number | undefined {
    const offered = this.#versions.get(api.key)
    if (!offered) return undefined
    const version = Math.min(api.maxVersion, maxVersion, offered.max)
    return version >= Math.max(api.minVersion, offered.min) ? version : undefined
  }

  /** Runs once when the connection ends, at once when it has. */
  onClose(callback: () => void): void {
    if (this.#closedBy) callback()
    else this.#onClose.push(callback)
  }

  /**
   * Sends a request and resolves with its answer; error codes inside are the caller's to read.
   * @throws KafkaError of kind `retriable` when the connection ends first, `fatal` when the broker
   * does not know the API.
   */
  send<Q extends Shape, R extends Shape>(
    api: Api<Q, R>,
    body: Body<Q>,
    options: SendOptions = {},
  ): Promise<ResponseBody<Api<Q, R>>> {
    if (this.#gate) return this.#gate.then(() => this.send(api, body, options))
    return this.#send(api, body, options)
  }

  /** Ends the socket; whatever is in flight is rejected with `reason`. */
  close(reason = connectionError(`the connection to ${this.name} was closed`)): void {
    if (this.#closedBy) return
    this.#closedBy = reason
    this.#timer?.cancel()
    this.#reauthTimer?.cancel()
    this.#socket?.destroy()
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const request of pending) request.reject(reason)
    for (const callback of this.#onClose) callback()
    this.#onClose = []
  }

  #send<Q extends Shape, R extends Shape>(
    api: Api<Q, R>,
    body: Body<Q>,
    options: SendOptions,
    version = this.version(api as unknown as Api, options.maxVersion),
  ): Promise<ResponseBody<Api<Q, R>>> {
    const socket = this.#socket
    if (this.#closedBy || !socket)
      return Promise.reject(this.#closedBy ?? connectionError(`${this.name} is not connected`))
    if (version === undefined) return Promise.reject(this.#unsupported(api as unknown as Api))
    const correlationId = this.#correlationId
    this.#correlationId = (correlationId + 1) & 0x7fffffff
    let chunks: Buffer[]
    try {
      chunks = encodeRequest(api, version, correlationId, this.#settings.clientId, body)
    } catch (error) {
      return Promise.reject(error as Error)
    }
    const timeoutMs = (options.timeoutMs ?? this.#settings.requestTimeoutMs) + (options.waitMs ?? 0)
    const deadlineMs = this.#settings.clock.nowMs() + timeoutMs
    return new Promise((resolve, reject) => {
      this.#pending.set(correlationId, {
        api: api as unknown as Api,
        version,
        deadlineMs,
        // The body was read by the table of this request.
        resolve: resolve as (body: Parsed<Shape>) => void,
        reject,
      })
      this.#watch(deadlineMs)
      socket.cork()
      for (const chunk of chunks) socket.write(chunk)
      socket.uncork()
    })
  }

  #unsupported(api: Api): KafkaError {
    const offered = this.#versions.get(api.key)
    return answerError(
      `${api.name} at ${this.name}`,
      ErrorCode.unsupportedVersion,
      'fatal',
      offered
        ? `the broker has versions ${offered.min} to ${offered.max}`
        : 'the broker does not have it',
    )
  }

  /** One timer for all requests: set to the earliest deadline, late ones are found when it fires. */
  #watch(deadlineMs: number): void {
    if (deadlineMs >= this.#timerDueMs) return
    const { clock } = this.#settings
    this.#timer?.cancel()
    this.#timerDueMs = deadlineMs
    this.#timer = clock.setTimer(deadlineMs - clock.nowMs(), () => this.#expire())
  }

  #expire(): void {
    const nowMs = this.#settings.clock.nowMs()
    this.#timerDueMs = Infinity
    let earliestMs = Infinity
    for (const { api, version, deadlineMs } of this.#pending.values()) {
      if (deadlineMs <= nowMs) {
        this.close(connectionError(`${this.name} did not answer ${api.name} v${version} in time`))
        return
      }
      earliestMs = Math.min(earliestMs, deadlineMs)
    }
    if (earliestMs < Infinity) this.#watch(earliestMs)
  }

  #connect(): Promise<void> {
    const { clock, tls, connectTimeoutMs } = this.#settings
    const { host, port } = this.#address
    return new Promise((resolve, reject) => {
      const fail = (error: KafkaError): void => {
        this.close(error)
        reject(error)
      }
      const timer = clock.setTimer(connectTimeoutMs, () =>
        fail(connectionError(`no connection to ${this.name} within ${connectTimeoutMs} ms`)),
      )
      const connected = (): void => {
        timer.cancel()
        resolve()
      }
      const frames = new FrameAssembler((frame) => this.#answer(frame))
      const read = (action: () => void): void => {
        try {
          action()
        } catch (error) {
          this.close(connectionError(`cannot read from ${this.name}: ${messageOf(error)}`, error))
        }
      }
      // TLS has no way to read into memory of ours.
      const socket = tls
        ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...tls }, connected)
        : connectTcp({ host, port, onread: readInto(frames, read) }, connected)
      this.#socket = socket
      socket.setNoDelay(true)
      socket.setKeepAlive(true, 60_000)
      if (tls) socket.on('data', (chunk) => read(() => frames.add(chunk)))
      socket.on('error', (error) => {
        timer.cancel()
        fail(connectionError(`${this.name}: ${messageOf(error)}`, error))
      })
      socket.on('close', () => {
        timer.cancel()
        fail(connectionError(`${this.name} closed the connection${this.#waiting()}`))
      })
    })
  }

  /** Names what was under way: brokers close the connection instead of answering some mistakes. */
  #waiting(): string {
    for (const { api, version } of this.#pending.values())
      return ` instead of answering ${api.name} v${version}`
    return ''
  }

  #answer(frame: Buffer): void {
    const correlationId = frame.readInt32BE(0)
    const pending = this.#pending.get(correlationId)
    if (!pending) {
      this.close(connectionError(`${this.name} answered what was not asked`))
      return
    }
    this.#pending.delete(correlationId)
    let body: Parsed<Shape>
    try {
      body = decodeResponse(pending.api, answeredVersion(pending, frame), frame)
    } catch (error) {
      const reason = connectionError(
        `cannot read the answer of ${this.name} to ${pending.api.name} v${pending.version}`,
        error,
      )
      pending.reject(reason)
      this.close(reason)
      return
    }
    pending.resolve(body)
  }

  async #askVersions(): Promise<void> {
    let version = apiVersions.maxVersion
    for (;;) {
      const answer = await this.#send(apiVersions, clientSoftware, {}, version)
      if (answer.errorCode === ErrorCode.unsupportedVersion && version > 0) {
        const known = answer.apiKeys.find((k) => k.apiKey === apiVersions.key)
        version = Math.min(version - 1, known?.maxVersion ?? 0)
        continue
      }
      if (answer.errorCode !== ErrorCode.none)
        throw answerError(`ApiVersions at ${this.name}`, answer.errorCode)
      for (const k of answer.apiKeys)
        this.#versions.set(k.apiKey, { min: k.minVersion, max: k.maxVersion })
      for (const f of answer.finalizedFeatures) this.#features.set(f.name, f.maxVersionLevel)
      return
    }
  }

  async #authenticate(sasl: SaslOptions): Promise<void> {
    const { clock, logger } = this.#settings
    const lifetimeMs = await authenticate(sasl, this.#address, logger, (api, body) =>
      this.#send(api, body, {}),
    )
    if (lifetimeMs <= 0 || this.#closedBy) return
    this.#reauthTimer = clock.setTimer(reauthenticationDelayMs(lifetimeMs), () => {
      this.#gate = this.#authenticate(sasl)
        .catch((error: unknown) => this.close(error instanceof KafkaError ? error : undefined))
        .finally(() => (this.#gate = undefined))
    })
  }
}

/** Lets a socket write frames where they are to lie. */
const readInto = (frames: FrameAssembler, read: (action: () => void) => void): OnReadOpts => ({
  buffer: () => frames.space(),
  callback: (bytes) => {
    read(() => frames.filled(bytes))
    return true
  },
})

/** A broker that does not know our version of ApiVersions answers in version 0. */
const answeredVersion = ({ api, version }: Pending, frame: Buffer): number =>
  api.key === apiVersions.key &&
  frame.length >= 6 &&
  frame.readInt16BE(4) === ErrorCode.unsupportedVersion
    ? 0
    : version

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message || error.name : String(error)
