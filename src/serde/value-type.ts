// How errors name a value: by its type, never by its contents.

/** `a number`, `an array`, `a Date`, `null`: what a value is, without saying what is in it. */
export const valueType = (value: unknown): string => {
  if (value === null || value === undefined) return String(value)
  if (typeof value !== 'object') return withArticle(typeof value)
  if (Array.isArray(value)) return 'an array'
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name
  return typeof name === 'string' && name !== 'Object' && name !== ''
    ? withArticle(name)
    : 'an object'
}

const withArticle = (noun: string): string => `${/^[aeio]/i.test(noun) ? 'an' : 'a'} ${noun}`

/** The error of a serde that is given something else than its type; `remedy` ends the sentence. */
export const cannotWrite = (serde: string, value: unknown, remedy: string): TypeError =>
  new TypeError(`${serde} cannot write ${valueType(value)}: ${remedy}`)

/** The error of a serde whose bytes have the wrong length. */
export const wrongLength = (serde: string, expected: number, actual: number): TypeError =>
  new TypeError(
    `${serde} reads ${expected} ${expected === 1 ? 'byte' : 'bytes'}, these are ${actual}: ` +
      'was the topic written with another serde?',
  )
