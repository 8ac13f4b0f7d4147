// One new record for each: with a new value, a new key, or both.
import { ProcessingError } from '../../errors.js'
import type { NodeSupplier } from '../../topology/processor.js'
import type { FlowRecord } from '../../topology/stream-record.js'
import { checked } from './checked.js'

export type AnyMapper = (value: any, key: any, record: any) => unknown

/** The pair, checked. @throws ProcessingError when it is none; it names the node */
export function checkedPair(pair: unknown, node: string, callback: string): [unknown, unknown] {
  checked(pair, node, callback)
  if (!Array.isArray(pair) || pair.length !== 2)
    throw new ProcessingError(`${node}: the ${callback} must return a pair, [key, value]`, { node })
  if (pair[0] === undefined || pair[1] === undefined)
    throw new ProcessingError(
      `${node}: the ${callback} returned a pair with undefined in it: use null for none`,
      { node },
    )
  return pair as [unknown, unknown]
}

/** A new value; the key stays. */
export const mapValues =
  (mapper: AnyMapper): NodeSupplier =>
  (context) => {
    const node = context.nodeName
    return {
      process(record) {
        const value = checked(mapper(record.value, record.key, record), node, 'mapper')
        return context.forward(record.withValue(value))
      },
    }
  }

/** A new key and a new value. */
export const map =
  (mapper: AnyMapper): NodeSupplier =>
  (context) => {
    const node = context.nodeName
    return {
      process(record) {
        const pair = checkedPair(mapper(record.value, record.key, record), node, 'mapper')
        return context.forward(record.with(pair[0], pair[1], record.timestampMs))
      },
    }
  }

/** A new key; the value stays. */
export const selectKey =
  (selector: AnyMapper): NodeSupplier =>
  (context) => {
    const node = context.nodeName
    return {
      process(record) {
        const key = checked(selector(record.value, record.key, record), node, 'key selector')
        return context.forward(record.withKey(key))
      },
    }
  }

/** Makes the record of one element; `node` is for messages. */
export type ElementRecord = (record: FlowRecord, element: unknown, node: string) => FlowRecord

export const pairElement: ElementRecord = (record, element, node) => {
  const pair = checkedPair(element, node, 'mapper')
  return record.with(pair[0], pair[1], record.timestampMs)
}

export const valueElement: ElementRecord = (record, element, node) =>
  record.withValue(checked(element, node, 'mapper'))
