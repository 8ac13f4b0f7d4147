// Side effects: `peek` passes the record on, `forEach` and `print` end the stream.
import { inspect } from 'node:util'
import type { Windowed, WindowKind } from '../../serde/windowed.js'
import type { NodeSupplier } from '../../topology/processor.js'
import { checked } from './checked.js'
import type { AnyMapper } from './map.js'

const run = (action: AnyMapper, record: { value: unknown; key: unknown }, node: string): void => {
  const result = action(record.value, record.key, record)
  // Nothing is due here but a promise would float: its failure would be nobody's.
  if (result !== undefined && result !== null) checked(result, node, 'action')
}

/** Forwards a copy after the action, as in Java: what happens to its headers below is not seen beside. */
export const peek =
  (action: AnyMapper): NodeSupplier =>
  (context) => ({
    process(record) {
      run(action, record, context.nodeName)
      return context.forward(record.withValue(record.value))
    },
  })

export const forEach =
  (action: AnyMapper): NodeSupplier =>
  (context) => ({
    process(record) {
      run(action, record, context.nodeName)
    },
  })

/** JSON, or what Node shows of a value that JSON refuses, such as one with a bigint. */
const dataText = (value: object): string => {
  try {
    return JSON.stringify(value)
  } catch {
    return inspect(value, { breakLength: Infinity })
  }
}

const text = (value: unknown): string => {
  if (typeof value !== 'object' || value === null) return String(value)
  const { kind, key, startMs, endMs } = value as Partial<Windowed<unknown, WindowKind>>
  return key === undefined || (kind !== 'time' && kind !== 'session')
    ? dataText(value)
    : `[${text(key)}@${text(startMs)}/${text(endMs)}]`
}

const keyAndValue: AnyMapper = (value, key) => `${text(key)}, ${text(value)}`

/** Prints `[label]: key, value` to the standard output, or what `format` makes of them. */
export const print =
  (label: string, format = keyAndValue): NodeSupplier =>
  (context) => {
    const node = context.nodeName
    return forEach((value, key, record) => {
      const line = checked(format(value, key, record), node, 'format callback')
      process.stdout.write(`[${label}]: ${String(line)}\n`)
    })(context)
  }
