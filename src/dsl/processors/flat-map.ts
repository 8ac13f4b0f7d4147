// Any number of records for each, forwarded one by one: each is done downstream before the next.
import { ProcessingError } from '../../errors.js'
import type { NodeContext, NodeSupplier } from '../../topology/processor.js'
import type { FlowRecord } from '../../topology/stream-record.js'
import { checked } from './checked.js'
import type { AnyMapper, ElementRecord } from './map.js'

/** `toRecord` says what an element is: a pair for `flatMap`, a value for `flatMapValues`. */
export const flatMap =
  (mapper: AnyMapper, toRecord: ElementRecord): NodeSupplier =>
  (context) => {
    const node = context.nodeName
    return {
      process(record) {
        const elements: unknown = checked(mapper(record.value, record.key, record), node, 'mapper')
        if (!isIterable(elements))
          throw new ProcessingError(`${node}: the mapper must return a list or another iterable`, {
            node,
          })
        const iterator = elements[Symbol.iterator]()
        for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
          const waiting = context.forward(toRecord(record, next.value, node))
          if (waiting !== undefined)
            return forwardRest(context, record, iterator, toRecord, waiting)
        }
      },
    }
  }

async function forwardRest(
  context: NodeContext,
  record: FlowRecord,
  iterator: Iterator<unknown>,
  toRecord: ElementRecord,
  first: Promise<void>,
): Promise<void> {
  await first
  for (let next = iterator.next(); next.done !== true; next = iterator.next())
    await context.forward(toRecord(record, next.value, context.nodeName))
}

const isIterable = (value: unknown): value is Iterable<unknown> =>
  value !== null &&
  (typeof value === 'object' || typeof value === 'string') &&
  typeof (value as Iterable<unknown>)[Symbol.iterator] === 'function'
