// Makes a node of a processor of users' own: its context shows what users may touch, under the names
// that they gave to their stores.
import { ProcessingError, TopologyError } from '../errors.js'
import type {
  NodeContext,
  NodeProcessor,
  NodeSupplier,
  Processor,
  ProcessorContext,
} from './processor.js'
import { FlowRecord, type ForwardRecord, type RecordMetadata } from './stream-record.js'

/** What users call in `addProcessor` and `process`. */
export type UserSupplier = (context: ProcessorContext<any, any, any>) => Processor<any, any>

/** The context of a processor of users' own. */
export class UserContext implements ProcessorContext<unknown, unknown, never> {
  readonly #context: NodeContext
  readonly #stores: ReadonlyMap<string, string>
  readonly getStateStore: (name: string) => never

  constructor(context: NodeContext, stores: ReadonlyMap<string, string>) {
    this.#context = context
    this.#stores = stores
    this.getStateStore = (name) =>
      this.#context.getStateStore(this.#stores.get(name) ?? name) as never
  }

  forward(record: ForwardRecord<unknown, unknown>, child?: string): void | Promise<void> {
    return this.#context.forward(record, child)
  }

  schedule(
    o: { readonly intervalMs: number; readonly clock: 'stream' | 'wall' },
    punctuator: (timestampMs: number) => void | Promise<void>,
  ): { cancel(): void } {
    return this.#context.schedule(o, punctuator)
  }

  commit(): void {
    this.#context.commit()
  }

  get streamTimeMs(): number {
    return this.#context.streamTimeMs
  }

  get systemTimeMs(): number {
    return this.#context.systemTimeMs
  }

  get taskId(): string {
    return this.#context.taskId
  }

  get applicationId(): string {
    return this.#context.applicationId
  }

  get stateDir(): string {
    return this.#context.stateDir
  }

  get recordMetadata(): RecordMetadata | undefined {
    return this.#context.recordMetadata
  }

  get config(): Readonly<Record<string, unknown>> {
    return this.#context.config
  }

  get metrics(): NodeContext['metrics'] {
    return this.#context.metrics
  }
}

/** A context that refuses to forward another key than the one in process. */
class FixedKeyContext extends UserContext {
  readonly #node: string
  /** `undefined` while no record is in process, as in punctuators. */
  current: FlowRecord | undefined

  constructor(context: NodeContext, stores: ReadonlyMap<string, string>) {
    super(context, stores)
    this.#node = context.nodeName
  }

  override forward(record: ForwardRecord<unknown, unknown>, child?: string): void | Promise<void> {
    if (this.current !== undefined && record.key !== this.current.key)
      throw new ProcessingError(
        `${this.#node} forwarded another key than it was given: processValues keeps the key, use process to change it`,
        { node: this.#node },
      )
    return super.forward(copied(record), child)
  }
}

/** What is forwarded with a fixed key has headers of its own, also when it is the record in process. */
const copied = (record: ForwardRecord<unknown, unknown>): ForwardRecord<unknown, unknown> =>
  record instanceof FlowRecord ? record.withValue(record.value) : record

/** Whether users' code made a processor. */
export const isProcessor = (made: unknown): made is Processor<unknown, unknown> =>
  typeof (made as { process?: unknown } | null | undefined)?.process === 'function'

/** What a supplier returned, without methods that only nodes of ours may have. */
function checkedProcessor(node: string, made: unknown): Processor<unknown, unknown> {
  if (!isProcessor(made))
    throw new TopologyError(
      `the supplier of ${node} must return a processor, an object with process(record)`,
      { node },
    )
  if (!('settle' in made)) return made
  return { process: (record) => made.process(record), close: () => made.close?.() }
}

/** A node that runs what `supplier` returns; `stores` maps the user's names to those of the stores. */
export const userNode =
  (supplier: UserSupplier, stores: ReadonlyMap<string, string>): NodeSupplier =>
  (context) => {
    context.headersMayChange = true
    const processor = supplier(new UserContext(context, stores))
    return checkedProcessor(context.nodeName, processor) as NodeProcessor
  }

/** The same for `processValues`: the key of what is forwarded must be that of the record in process. */
export const fixedKeyNode =
  (supplier: UserSupplier, stores: ReadonlyMap<string, string>): NodeSupplier =>
  (context) => {
    const user = new FixedKeyContext(context, stores)
    const processor = checkedProcessor(context.nodeName, supplier(user))
    return {
      process(record) {
        // Its headers are the processor's own: siblings do not see what it does to them.
        const own = record.withValue(record.value)
        user.current = own
        const result = processor.process(own)
        if (result instanceof Promise)
          return result.finally(() => {
            user.current = undefined
          })
        user.current = undefined
        return result
      },
      close: () => processor.close?.(),
    }
  }

/** What keeps a global or read-only store. */
export type Keeper = (context: {
  readonly store: any
  readonly recordMetadata: RecordMetadata | undefined
}) => Processor<any, any>

/** A node that runs a keeper on its store. */
export const keeperNode =
  (keeper: Keeper, store: string): NodeSupplier =>
  (context) => {
    const view = {
      store: context.store(store).api,
      get recordMetadata() {
        return context.recordMetadata
      },
    }
    return checkedProcessor(context.nodeName, keeper(view)) as NodeProcessor
  }
