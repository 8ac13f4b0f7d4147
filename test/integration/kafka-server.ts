// One real Kafka node on free ports with a fresh data folder. Every wait has a limit and watches
// that the process still lives; the node is stopped by its pid.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findKafkaJars } from './kafka-jars.js'

const run = promisify(execFile)

/** What the tests know of a broker: plain data, so that it can be handed to test processes. */
export interface KafkaAddress {
  readonly brokers: readonly string[]
  /** The broker's process, `undefined` when it was started by somebody else. */
  readonly pid: number | undefined
  /** The class path of Kafka's tools, `undefined` when Java or the jars are missing. */
  readonly classpath: string | undefined
}

export interface KafkaServer extends KafkaAddress {
  stop(): Promise<void>
}

export interface KafkaServerOptions {
  /**
   * Lines added to `server.properties`, or replacing those of the same key; `{port}` and
   * `{controllerPort}` stand for the ports that were found free.
   */
  readonly properties?: Readonly<Record<string, string>> | undefined
  /** Further advertised ports and users are a matter of `properties`. */
  readonly heapMb?: number | undefined
  /** Further arguments of the storage tool's `format`, such as users. */
  readonly format?: readonly string[] | undefined
}

/** Why there is no broker. */
export class KafkaMissingError extends Error {
  override readonly name = 'KafkaMissingError'
}

/** Time limit of one start, in milliseconds. */
const startTimeoutMs = 60_000

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer()
          server.once('error', reject)
          server.listen(0, '127.0.0.1', () => resolve(server))
        }),
    ),
  )
  const ports = servers.map((s) => (s.address() as { port: number }).port)
  await Promise.all(servers.map((s) => new Promise((resolve) => s.close(resolve))))
  return ports
}

const properties = (
  port: number,
  controllerPort: number,
  folder: string,
  more: Readonly<Record<string, string>>,
): string =>
  Object.entries({
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': join(folder, 'log'),
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.num.partitions': '4',
    'group.initial.rebalance.delay.ms': '0',
    'auto.create.topics.enable': 'false',
    // A dead member holds a rebalance for its session time-out: tests use short ones.
    'group.min.session.timeout.ms': '500',
    'log.cleaner.backoff.ms': '200',
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
    ...more,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
    .replaceAll('{port}', `${port}`)
    .replaceAll('{controllerPort}', `${controllerPort}`)

const canConnect = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const done = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => done(true))
    socket.once('error', () => done(false))
    socket.setTimeout(1000, () => done(false))
  })

const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGCONT')
  // The data is thrown away: nothing is gained by an orderly end.
  child.kill('SIGKILL')
  await ended
}

/**
 * Starts a node, or takes the one that `KAFKA_BROKERS` names.
 * @throws KafkaMissingError when neither is possible, with what is missing and how to get it.
 */
export async function startKafka(options: KafkaServerOptions = {}): Promise<KafkaServer> {
  const address = process.env['KAFKA_BROKERS']
  const jars = await findKafkaJars()
  if (address !== undefined && address !== '') {
    const classpath = jars.kind === 'jars' ? jars.classpath : undefined
    return { brokers: address.split(','), pid: undefined, classpath, stop: async () => {} }
  }
  if (jars.kind === 'missing') throw new KafkaMissingError(jars.reason)
  const { classpath } = jars
  const folder = mkdtempSync(join(tmpdir(), 'millrace-kafka-'))
  const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  let child: ChildProcess | undefined
  try {
    const [port = 0, controllerPort = 0] = await freePorts(2)
    const config = join(folder, 'server.properties')
    writeFileSync(config, properties(port, controllerPort, folder, options.properties ?? {}))
    const storage = ['-cp', classpath, 'kafka.tools.StorageTool']
    const id = (await run('java', [...storage, 'random-uuid'])).stdout.trim().split('\n').at(-1)
    const format = ['format', '-t', id ?? '', '-c', config, ...(options.format ?? [])]
    await run('java', [...storage, ...format], { timeout: 30_000 })
    const log = join(folder, 'server.log')
    const output = openSync(log, 'w')
    const args = [`-Xmx${options.heapMb ?? 512}m`, '-cp', classpath, 'kafka.Kafka', config]
    const started = spawn('java', args, { stdio: ['ignore', output, output] })
    closeSync(output)
    child = started
    const deadlineMs = Date.now() + startTimeoutMs
    while (!(await canConnect(port))) {
      if (hasEnded(started))
        throw new Error(`the broker ended at start:\n${readFileSync(log, 'utf8').slice(-4000)}`)
      if (Date.now() > deadlineMs)
        throw new Error(`no broker after ${startTimeoutMs} ms, see ${log}`)
      await pause(50)
    }
    // A run that is broken off must not leave a broker behind.
    const onExit = () => started.kill('SIGKILL')
    process.once('exit', onExit)
    return {
      brokers: [`127.0.0.1:${port}`],
      pid: started.pid,
      classpath,
      async stop() {
        process.removeListener('exit', onExit)
        await stop(started)
        removeFolder()
      },
    }
  } catch (error) {
    if (child) await stop(child)
    removeFolder()
    throw error
  }
}

/** Freezes the broker: its sockets stay open and nothing answers. */
export const freeze = (kafka: KafkaAddress): void => signal(kafka, 'SIGSTOP')

/** Lets a frozen broker go on. */
export const thaw = (kafka: KafkaAddress): void => signal(kafka, 'SIGCONT')

function signal(kafka: KafkaAddress, name: NodeJS.Signals): void {
  if (kafka.pid === undefined)
    throw new Error('the broker of KAFKA_BROKERS was not started here and cannot be signalled')
  process.kill(kafka.pid, name)
}
