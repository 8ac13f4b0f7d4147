// The Standard Schema interface (standardschema.dev, version 1), which zod, valibot, arktype and
// others implement. Only its synchronous form can serve a serde.

/** A schema of any library that follows standardschema.dev; `Input` is what it reads, `Output` what it makes of it. */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown, ...rest: any[]) => any
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** Whether this is a schema; arktype's are functions. */
export const isStandardSchema = (value: unknown): value is StandardSchemaV1<any, unknown> =>
  (typeof value === 'object' || typeof value === 'function') &&
  value !== null &&
  '~standard' in value

/**
 * The schema's output for a value. @throws TypeError that names the paths refused, not what stood
 * there: the schema's own messages may quote it.
 */
export const validate = <O>(schema: StandardSchemaV1<any, O>, value: unknown, verb: string): O => {
  const { validate, vendor } = schema['~standard']
  const result: unknown = validate(value)
  if (isPromise(result)) {
    // Nobody waits for it: its rejection must not end the process.
    void result.then(undefined, () => {})
    throw new TypeError(
      `json(schema) needs a schema that validates at once, this ${vendor} schema returned a promise: ` +
        'take the asynchronous checks out of it and make them in mapValuesAsync',
    )
  }
  if (typeof result !== 'object' || result === null)
    throw new TypeError(`json(schema): the ${vendor} schema returned no result`)
  const { issues, value: output } = result as { issues?: unknown; value?: unknown }
  if (!issues) return output as O
  throw new TypeError(
    `json(schema) ${verb} a value that the ${vendor} schema refuses${where(issues)}`,
  )
}

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'

const shownPaths = 5

const where = (issues: unknown): string => {
  if (!Array.isArray(issues)) return ''
  const paths = new Set(issues.map(pathOf).filter((path) => path !== ''))
  if (paths.size === 0) return ''
  const shown = [...paths].slice(0, shownPaths).join(', ')
  return ` at ${shown}${paths.size > shownPaths ? `, and ${paths.size - shownPaths} more places` : ''}`
}

/** A path in an issue is a list of keys or of `{ key }`. */
const pathOf = (issue: { path?: readonly unknown[] }): string =>
  (issue.path ?? [])
    .map((part) => (typeof part === 'object' && part !== null && 'key' in part ? part.key : part))
    .map(String)
    .join('.')
