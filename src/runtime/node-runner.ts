// Runs one node of a task: notes it and its record as the current ones, calls its processor, and
// asks the processing handler when that throws. Not `async`: a promise is looked at only where a
// processor really returned one.
import type { NodeProcessor } from '../topology/processor.js'
import type { FlowRecord } from '../topology/stream-record.js'
import { isDecided } from './error-handlers.js'

/** What the nodes of a task share: what is being processed, and what to do when it fails. */
export interface NodeHost {
  /** The node whose code runs. */
  node: NodeRunner | undefined
  /** The record that it handles. */
  record: FlowRecord | undefined
  /** Asks the handler. Returns when processing goes on. @throws the error to end with. */
  failed(node: NodeRunner, record: FlowRecord, error: unknown): void
  /** Notes an error that was decided, so that code on the way up cannot swallow it. */
  ended(error: unknown): void
}

/** Whether a callback's result is something to wait for. */
export const isPromise = (result: unknown): result is Promise<void> =>
  typeof result === 'object' &&
  result !== null &&
  typeof (result as { then?: unknown }).then === 'function'

/** A node of the running topology with its children, in order of addition. */
export class NodeRunner {
  readonly name: string
  readonly children: NodeRunner[] = []
  /** Sources and sinks have no handler of their own: what fails there has been decided. */
  processor: NodeProcessor | undefined
  /** The record whose asynchronous processing is under way. */
  awaiting: FlowRecord | undefined
  readonly #host: NodeHost

  constructor(name: string, host: NodeHost) {
    this.name = name
    this.#host = host
  }

  /** Processes one record; returns a promise only when the processor does. */
  run(record: FlowRecord): void | Promise<void> {
    const host = this.#host
    const outerNode = host.node
    const outerRecord = host.record
    host.node = this
    host.record = record
    let result: unknown
    try {
      result = this.processor!.process(record)
    } catch (error) {
      // The handler sees the failing node as the current one; its parent goes on as itself.
      try {
        this.#failed(record, error)
      } finally {
        host.node = outerNode
        host.record = outerRecord
      }
      return
    }
    if (result !== undefined && isPromise(result))
      return this.#finish(result, record, outerNode, outerRecord)
    host.node = outerNode
    host.record = outerRecord
  }

  /** Runs `action` (a punctuator, a flush) as this node, under `record`. */
  runAs(record: FlowRecord, action: () => unknown): void | Promise<void> {
    const host = this.#host
    const outerNode = host.node
    const outerRecord = host.record
    host.node = this
    host.record = record
    let result: unknown
    try {
      result = action()
    } catch (error) {
      try {
        this.#failed(record, error)
      } finally {
        host.node = outerNode
        host.record = outerRecord
      }
      return
    }
    if (result !== undefined && isPromise(result))
      return this.#finish(result, record, outerNode, outerRecord)
    host.node = outerNode
    host.record = outerRecord
  }

  async #finish(
    result: Promise<void>,
    record: FlowRecord,
    outerNode: NodeRunner | undefined,
    outerRecord: FlowRecord | undefined,
  ): Promise<void> {
    const host = this.#host
    this.awaiting = record
    try {
      await result
    } catch (error) {
      host.node = this
      host.record = record
      this.#failed(record, error)
    } finally {
      this.awaiting = undefined
      host.node = outerNode
      host.record = outerRecord
    }
  }

  #failed(record: FlowRecord, error: unknown): void {
    if (isDecided(error)) {
      this.#host.ended(error)
      throw error
    }
    this.#host.failed(this, record, error)
  }
}

/** Runs the children one after the other, each completed before the next. */
export function runAll(children: readonly NodeRunner[], record: FlowRecord): void | Promise<void> {
  for (let i = 0; i < children.length; i++) {
    const result = children[i]!.run(record)
    if (result !== undefined) return runRest(children, i + 1, record, result)
  }
}

async function runRest(
  children: readonly NodeRunner[],
  from: number,
  record: FlowRecord,
  first: Promise<void>,
): Promise<void> {
  await first
  for (let i = from; i < children.length; i++) await children[i]!.run(record)
}
