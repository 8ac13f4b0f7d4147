// What a node of a running task may touch. One per node and task; `forward` is the hot part.
import type { Clock } from '../clock.js'
import { StateStoreError, StreamsError } from '../errors.js'
import { HeaderList } from '../serde/record-headers.js'
import { readOnlyApi } from '../state/read-only-api.js'
import type { TaskStore } from '../state/state-store.js'
import type { NodeContext } from '../topology/processor.js'
import {
  FlowRecord,
  punctuationMetadata,
  toFlowRecord,
  type ForwardRecord,
  type RecordMetadata,
} from '../topology/stream-record.js'
import type { ProcessorNode } from '../topology/topology-node.js'
import { runAll, type NodeHost, type NodeRunner } from './node-runner.js'
import { checkedClock, type PunctuationQueue } from './punctuation-queue.js'
import type { SourceBytes } from './source-decoder.js'
import type { StreamsMetrics } from '../metrics/streams-metrics.js'

/** What a context needs of its task. */
export interface ContextHost extends NodeHost {
  readonly taskId: string
  readonly applicationId: string
  readonly stateDir: string
  readonly config: Readonly<Record<string, unknown>>
  readonly metrics: StreamsMetrics
  readonly mayContinue: boolean
  readonly streamTimeMs: number
  readonly systemTimeMs: number
  readonly callClock: Clock
  readonly streamPunctuations: PunctuationQueue
  readonly wallPunctuations: PunctuationQueue
  readonly committedTimes: NodeContext['committedTimes']
  headersMayChange: boolean
  connectedStore(name: string): TaskStore | undefined
  globalStore(name: string): TaskStore | undefined
  requestCommit(): void
  /** Waits for a promise before the next record, whatever its receiver does with it. */
  keep(promise: Promise<void>): void
  /** Runs `action` before the next record, and wakes whoever drives the task. */
  later(action: () => void | Promise<void>): void
  dropped(node: string, reason: string, record: FlowRecord | undefined): void
  /** The bytes of an earlier record that a node goes on with. */
  held: SourceBytes | undefined
  /** A copy of the bytes that the record in process was read from, where a dead letter may need them. */
  bytesToHold(): SourceBytes | undefined
}

/** The context of one node in one task. */
export class TaskNodeContext implements NodeContext {
  readonly nodeName: string
  readonly hasChildren: boolean
  readonly mayContinue: boolean
  readonly metrics: NodeContext['metrics']
  readonly #host: ContextHost
  readonly #node: ProcessorNode
  readonly #runner: NodeRunner
  readonly #children: readonly NodeRunner[]
  #inFlight: Promise<void> | undefined

  constructor(host: ContextHost, node: ProcessorNode, runner: NodeRunner) {
    this.#host = host
    this.#node = node
    this.#runner = runner
    this.#children = runner.children
    this.nodeName = node.name
    this.hasChildren = runner.children.length > 0
    this.mayContinue = host.mayContinue
    const tags = { task: host.taskId, node: node.name }
    this.metrics = {
      counter: (name) => host.metrics.counter(name, tags),
      latency: (name) => host.metrics.latency(name, tags),
    }
  }

  get streamTimeMs(): number {
    return this.#host.streamTimeMs
  }

  get systemTimeMs(): number {
    return this.#host.systemTimeMs
  }

  get callClock(): Clock {
    return this.#host.callClock
  }

  get taskId(): string {
    return this.#host.taskId
  }

  get applicationId(): string {
    return this.#host.applicationId
  }

  get stateDir(): string {
    return this.#host.stateDir
  }

  get config(): Readonly<Record<string, unknown>> {
    return this.#host.config
  }

  get committedTimes(): NodeContext['committedTimes'] {
    return this.#host.committedTimes
  }

  get recordMetadata(): RecordMetadata | undefined {
    return (this.#runner.awaiting ?? this.#host.record)?.metadata
  }

  readonly getStateStore = ((name: string): unknown => {
    const global = this.#host.globalStore(name)
    return global === undefined ? this.store(name).api : readOnlyApi(global)
  }) as unknown as NodeContext['getStateStore']

  get headersMayChange(): boolean {
    return this.#host.headersMayChange
  }

  set headersMayChange(may: boolean) {
    this.#host.headersMayChange = may
  }

  store(name: string): TaskStore {
    const global = this.#host.globalStore(name)
    if (global !== undefined) return global
    const store = this.#node.stores.includes(name) ? this.#host.connectedStore(name) : undefined
    if (store === undefined) {
      const connected = this.#node.stores.map((n) => `'${n}'`).join(', ') || 'none'
      throw new StateStoreError(
        `${this.nodeName} is not connected to a store '${name}'; name it in the stores of the processor (connected: ${connected})`,
        { node: this.nodeName, task: this.taskId },
      )
    }
    return store
  }

  forward(record: ForwardRecord<any, any>, child?: string): void | Promise<void> {
    if (this.#inFlight !== undefined) return this.#forwardLater(this.#inFlight, record, child)
    const host = this.#host
    if (host.node !== this.#runner) this.#goOn(this.#runner.awaiting)
    const metadata = host.record === undefined ? undefined : host.record.metadata
    let flow = toFlowRecord(record, metadata)
    if (flow.metadata !== metadata)
      flow = new FlowRecord(flow.key, flow.value, flow.timestampMs, flow.headers, metadata)
    const children = this.#children
    const result =
      child !== undefined
        ? this.#child(child).run(flow)
        : children.length === 1
          ? children[0]!.run(flow)
          : runAll(children, flow)
    if (result !== undefined) return this.#track(result)
  }

  schedule(
    options: { readonly intervalMs: number; readonly clock: 'stream' | 'wall' },
    punctuator: (timestampMs: number) => void | Promise<void>,
  ): { cancel(): void } {
    const host = this.#host
    const { intervalMs, clock } = options
    const run = (nowMs: number): void | Promise<void> => {
      const record = new FlowRecord(null, null, nowMs, new HeaderList(), punctuationMetadata)
      return this.#runner.runAs(record, () => punctuator(nowMs))
    }
    return checkedClock(clock) === 'stream'
      ? host.streamPunctuations.schedule(0, intervalMs, run)
      : host.wallPunctuations.schedule(host.systemTimeMs + intervalMs, intervalMs, run)
  }

  commit(): void {
    this.#host.requestCommit()
  }

  under(record: FlowRecord<any, any>, action: () => void | Promise<void>): void | Promise<void> {
    return this.#runner.runAs(record, action)
  }

  hold(record: FlowRecord<any, any>): (action: () => void | Promise<void>) => void | Promise<void> {
    const host = this.#host
    const source = host.bytesToHold()
    if (source === undefined) return (action) => this.#runner.runAs(record, action)
    return (action) => {
      const outer = host.held
      host.held = source
      const release = (): void => void (host.held = outer)
      let result: void | Promise<void>
      try {
        result = this.#runner.runAs(record, action)
      } catch (error) {
        release()
        throw error
      }
      if (result !== undefined) return result.finally(release)
      release()
    }
  }

  later(action: () => void | Promise<void>): void {
    this.#host.later(action)
  }

  drop(reason: string): void {
    this.#host.dropped(this.nodeName, reason, this.#host.record)
  }

  /** An asynchronous processor goes on after somebody forgot to wait for it. */
  #goOn(record: FlowRecord | undefined): void {
    // The offset of what it came from may be committed by now, or the task be another's.
    if (record === undefined)
      throw new StreamsError(
        `${this.nodeName} forwarded while it handles no record: process() must return a promise that ends after the last forward`,
        { node: this.nodeName, task: this.taskId },
      )
    this.#host.node = this.#runner
    this.#host.record = record
  }

  #child(name: string): NodeRunner {
    const child = this.#children.find((c) => c.name === name)
    if (child !== undefined) return child
    const names = this.#children.map((c) => `'${c.name}'`).join(', ') || 'none'
    throw new StreamsError(
      `${this.nodeName} has no child '${name}' to forward to (children: ${names})`,
      {
        node: this.nodeName,
        task: this.taskId,
      },
    )
  }

  #track(result: Promise<void>): Promise<void> {
    const settled = (): void => {
      if (this.#inFlight === result) this.#inFlight = undefined
    }
    this.#inFlight = result
    result.then(settled, settled)
    this.#host.keep(result)
    return result
  }

  /** A forward that was not waited for still comes before the next. */
  #forwardLater(
    before: Promise<void>,
    record: ForwardRecord<any, any>,
    child: string | undefined,
  ): Promise<void> {
    const current = this.#runner.awaiting ?? this.#host.record
    const later = before.then(() => {
      if (this.#inFlight === later) this.#inFlight = undefined
      this.#goOn(current)
      return this.forward(record, child)
    })
    return this.#track(later)
  }
}
