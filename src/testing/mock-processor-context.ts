// A processor's context without a topology: records what is forwarded, holds real stores in memory,
// and lets a test move both clocks.
import { join } from 'node:path'
import { StateStoreError } from '../errors.js'
import { checkedClock, PunctuationQueue } from '../runtime/punctuation-queue.js'
import { noHeaders } from '../serde/record-headers.js'
import { MemoryDatabase } from '../state/memory-database.js'
import type { StoreContext, StoreRecordContext, TaskStore } from '../state/state-store.js'
import { toSpec, type Stores } from '../state/stores.js'
import type { ProcessorContext } from '../topology/processor.js'
import {
  punctuationMetadata,
  toFlowRecord,
  type ForwardRecord,
  type RecordMetadata,
} from '../topology/stream-record.js'

/** A record that a processor forwarded, and to which child where it named one. */
export interface Forwarded<K, V> {
  readonly record: ForwardRecord<K, V>
  readonly child: string | undefined
}

const mockTask = '0_0'
const mockApplication = 'mock'

/**
 * What a processor's supplier is called with in a unit test. The test sets `recordMetadata`,
 * `streamTimeMs` and `systemTimeMs` as it likes; only `advance` runs punctuators.
 *
 * ```ts
 * const context = new MockProcessorContext<string, number>()
 * await supplier(context).process(record)
 * expect(context.forwarded[0]?.record.value).toBe(1)
 * ```
 */
export class MockProcessorContext<K, V, S extends Stores = {}> implements ProcessorContext<
  K,
  V,
  S
> {
  recordMetadata: RecordMetadata | undefined = undefined
  streamTimeMs: number
  systemTimeMs: number
  readonly taskId = mockTask
  readonly applicationId = mockApplication
  readonly stateDir = join('state', mockApplication)
  readonly config: Readonly<Record<string, unknown>> = Object.freeze({})
  readonly metrics: ProcessorContext<K, V, S>['metrics']
  readonly getStateStore: ProcessorContext<K, V, S>['getStateStore']
  readonly #forwarded: Forwarded<K, V>[] = []
  readonly #stores = new Map<string, TaskStore>()
  readonly #queues = { stream: new PunctuationQueue(), wall: new PunctuationQueue() }
  #commits = 0

  constructor(
    options: { readonly stores?: S | undefined; readonly startMs?: number | undefined } = {},
  ) {
    this.streamTimeMs = options.startMs ?? 0
    this.systemTimeMs = options.startMs ?? 0
    for (const [name, builder] of Object.entries(options.stores ?? {})) {
      const spec = toSpec(builder, name, 'memory')
      this.#stores.set(name, spec.open(this.#storeContext(name)))
    }
    this.getStateStore = ((name: string) => {
      const store = this.#stores.get(name)
      if (store === undefined)
        throw new StateStoreError(
          `no store ${name} was given to this context; it has ${[...this.#stores.keys()].join(', ') || 'none'}`,
        )
      return store.api
    }) as ProcessorContext<K, V, S>['getStateStore']
    this.metrics = { counter: () => ({ add: () => {} }), latency: () => ({ record: () => {} }) }
  }

  /** What was forwarded so far, in order. */
  get forwarded(): readonly Forwarded<K, V>[] {
    return this.#forwarded
  }

  /** How often a commit was asked for. */
  get commits(): number {
    return this.#commits
  }

  forward(record: ForwardRecord<K, V>, child?: string): void | Promise<void> {
    toFlowRecord(record, undefined) // refuses what a task refuses
    this.#forwarded.push({ record, child })
  }

  schedule(
    o: { readonly intervalMs: number; readonly clock: 'stream' | 'wall' },
    punctuator: (timestampMs: number) => void | Promise<void>,
  ): { cancel(): void } {
    const clock = checkedClock(o.clock)
    const firstDueMs = clock === 'stream' ? 0 : this.systemTimeMs + o.intervalMs
    return this.#queues[clock].schedule(firstDueMs, o.intervalMs, punctuator)
  }

  commit(): void {
    this.#commits += 1
  }

  /** Moves a clock to `ms` and runs the punctuators due by then, each once. */
  async advance(clock: 'stream' | 'wall', ms: number): Promise<void> {
    if (clock === 'stream') this.streamTimeMs = Math.max(this.streamTimeMs, ms)
    else this.systemTimeMs = Math.max(this.systemTimeMs, ms)
    const outer = this.recordMetadata
    this.recordMetadata = punctuationMetadata
    try {
      await this.#queues[clock].punctuate(ms)
    } finally {
      this.recordMetadata = outer
    }
  }

  #storeContext(name: string): StoreContext {
    return {
      taskId: mockTask,
      partition: 0,
      applicationId: mockApplication,
      directory: join(this.stateDir, mockTask, name),
      topic: `${mockApplication}-${name}-changelog`,
      rows: new MemoryDatabase(),
      log: () => {},
      record: () => this.#record(),
      drop: () => {},
      mayContinue: false,
      cacheBytes: 0,
      packedBytes: 0,
      recordCaches: false,
      guardsValues: true,
    }
  }

  #record(): StoreRecordContext {
    return { timestampMs: this.streamTimeMs, headers: noHeaders, metadata: this.recordMetadata }
  }
}
