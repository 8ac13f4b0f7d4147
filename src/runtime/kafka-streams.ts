// KafkaStreams: the public face of a running application. It installs no signal handlers;
// `closeOnSignals` does.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { systemClock } from '../clock.js'
import { TopologyError } from '../errors.js'
import type { Client } from '../kafka/client.js'
import type { KafkaClientOptions } from '../kafka/kafka-client.js'
import { clientOf } from '../kafka/transport.js'
import { LevelDatabase } from '../state/level-database.js'
import { MemoryDatabase } from '../state/memory-database.js'
import { askedName, type Queryable, type StoreOf } from '../topology/queryable.js'
import { Topology } from '../topology/topology.js'
import { openStateDirectory } from './state-directory.js'
import { StreamsApplication } from './streams-application.js'
import { resolveConfig, type ResolvedConfig, type StreamsConfig } from './streams-config.js'
import type { StateListener, StreamsState } from './streams-state.js'

/** A store whose types are not known. */
export interface UntypedStore {
  get(key: unknown): Promise<unknown>
  fetch(
    key: unknown,
    range: { readonly fromMs: number; readonly toMs: number },
  ): Promise<
    readonly { readonly startMs: number; readonly endMs: number; readonly value: unknown }[]
  >
  all(): AsyncIterable<readonly [key: unknown, value: unknown]>
}

/**
 * A topology that runs, on Kafka or on an embedded log, with its state on this machine.
 *
 * @example
 * const streams = new KafkaStreams(builder.build({ averages }), {
 *   applicationId: 'plant-averages',
 *   brokers: ['localhost:9092'],
 *   processingGuarantee: 'exactly_once_v2',
 * })
 * closeOnSignals(streams)
 * await streams.start()
 */
export class KafkaStreams<S = {}> {
  readonly #application: StreamsApplication

  /**
   * Freezes the topology and checks the configuration.
   * @throws ConfigError that names the key and the remedy, TopologyError
   */
  constructor(topology: Topology<S>, config: StreamsConfig) {
    const resolved = resolveConfig(config)
    if (!(topology instanceof Topology))
      throw new TopologyError('the first argument must be a topology, which build() returns')
    this.#application = new StreamsApplication(topology.freeze(), resolved, {
      clock: systemClock,
      openClient: () => openClient(resolved),
      openDirectory: () =>
        openStateDirectory({
          stateDir: resolved.stateDir,
          applicationId: resolved.applicationId,
          open: (directory) => LevelDatabase.open(directory),
          logger: resolved.logger,
        }),
      memoryDatabase: () => new MemoryDatabase(),
      yieldTurn: () => new Promise((resolve) => setImmediate(resolve)),
    })
  }

  /**
   * Resolves at the first RUNNING. With the log away it keeps trying, up to `startTimeoutMs`.
   * @throws IllegalStateError when it was started or closed before; what ended it in state ERROR
   */
  start(): Promise<void> {
    this.#watchEventLoop()
    return this.#application.start()
  }

  /** Commits, writes state to the disk and leaves the group, within `timeoutMs` (default `closeTimeoutMs`). */
  close(o: { readonly timeoutMs?: number | undefined } = {}): Promise<void> {
    return this.#application.close(o.timeoutMs)
  }

  /** Where its life stands. */
  get state(): StreamsState {
    return this.#application.state
  }

  /** What ended the application, in state ERROR. */
  get failure(): unknown {
    return this.#application.failure
  }

  /** Calls `listener` with each change of state; the result stops that. */
  onStateChange(listener: StateListener): () => void {
    return this.#application.listen(listener)
  }

  /** Counters by Java's names, summed over tasks and nodes. */
  metrics(): ReadonlyMap<string, number> {
    return this.#application.metrics.totals()
  }

  /**
   * A store of this instance's partitions, to be asked while the application runs. Answers are
   * copies and include what is not committed yet.
   * @throws StateStoreError for an unknown store, or a table that keeps no rows
   */
  store<T extends Queryable>(table: T): StoreOf<T>
  store<N extends ([keyof S] extends [never] ? string : keyof S & string)>(
    name: N,
  ): N extends keyof S ? StoreOf<S[N]> : UntypedStore
  store(asked: Queryable | string): unknown {
    return this.#application.store(askedName(asked))
  }

  /** How late the event loop gets to its work, while the application runs. */
  #watchEventLoop(): void {
    const delays = monitorEventLoopDelay({ resolution: 20 })
    const { metrics } = this.#application
    const inMs = (ns: number): number => (Number.isFinite(ns) ? ns / 1e6 : 0)
    metrics.gauge('event-loop-delay-mean-ms', {}, () => inMs(delays.mean))
    metrics.gauge('event-loop-delay-max-ms', {}, () => inMs(delays.max))
    this.#application.listen((next) => {
      if (next === 'REBALANCING') delays.enable()
      if (next === 'NOT_RUNNING' || next === 'ERROR') delays.disable()
    })
  }
}

/** Closes the application at the first SIGINT or SIGTERM; the process then ends by itself. */
export function closeOnSignals(streams: KafkaStreams<any>): void {
  const signals = ['SIGINT', 'SIGTERM'] as const
  const close = (): void => {
    // A second signal has its usual effect.
    for (const signal of signals) process.off(signal, close)
    void streams.close()
  }
  for (const signal of signals) process.on(signal, close)
}

async function openClient(config: ResolvedConfig): Promise<Client> {
  const { clientId, given, logger } = config
  const surroundings = { clock: systemClock, logger }
  if (given.transport !== undefined) return clientOf(given.transport, surroundings)
  // Loaded when it is needed: an application on the embedded log opens no sockets.
  const { kafkaClient } = await import('../kafka/kafka-client.js')
  const { brokers, ssl, sasl } = given
  // The client checks what the types here leave open: the forms of kafkajs.
  return kafkaClient({ ...surroundings, clientId, brokers, ssl, sasl } as KafkaClientOptions)
}
