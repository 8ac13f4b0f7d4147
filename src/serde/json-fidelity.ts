// What JSON would change about a value without a word: a Date becomes a text, a Map `{}`, NaN null.
import { valueType } from './value-type.js'

/** A place in a value that does not survive JSON, and what stands there. */
export interface Change {
  /** Such as `value.at` or `value[3]`. */
  readonly path: string
  readonly found: string
  readonly becomes: string
}

/**
 * The first place where a value differs from what was read back from its JSON text; `undefined`
 * when there is none. Properties that are undefined count as absent. Where `mayDrop`, as with a
 * schema that strips what it does not know, properties may be missing in what was read.
 */
export const changeByJson = (
  value: unknown,
  back: unknown,
  mayDrop = false,
  path = 'value',
): Change | undefined => {
  const change = (): Change => ({
    path,
    found: describe(value),
    becomes: back === undefined ? 'nothing' : describe(back),
  })
  if (typeof value !== 'object' || value === null) return value === back ? undefined : change()
  if (typeof back !== 'object' || back === null) return change()
  if (Array.isArray(value)) {
    if (!Array.isArray(back) || back.length !== value.length) return change()
    for (let i = 0; i < value.length; i++) {
      const found = changeByJson(value[i], back[i], mayDrop, `${path}[${i}]`)
      if (found) return found
    }
    return undefined
  }
  if (Array.isArray(back) || !isData(value)) return change()
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined || (mayDrop && !Object.hasOwn(back, name))) continue
    const found = changeByJson(
      member,
      Object.hasOwn(back, name) ? back[name as never] : undefined,
      mayDrop,
      `${path}.${name}`,
    )
    if (found) return found
  }
  return undefined
}

const describe = (value: unknown): string =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : valueType(value)

/** Plain objects, and instances of classes that have nothing but data to lose. */
const isData = (value: object): boolean => {
  if (Object.prototype.toString.call(value) !== '[object Object]') return false
  for (
    let prototype: object | null = Object.getPrototypeOf(value);
    prototype !== null && Object.getPrototypeOf(prototype) !== null;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    if (Object.getOwnPropertyNames(prototype).some((name) => name !== 'constructor')) return false
  }
  return true
}
