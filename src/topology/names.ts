// Which names nodes, stores and internal topics may have.
import { TopologyError } from '../errors.js'

const allowed = /^[A-Za-z0-9._-]+$/

/**
 * Returns `name` when it may stand in a topic name: letters, digits, `.`, `_`, `-`, at most 249.
 * @throws TopologyError for any other text
 */
export function checkedName(name: string, what = 'name'): string {
  if (typeof name !== 'string' || name === '')
    throw new TopologyError(`${what} must be a text that is not empty`)
  if (name === '.' || name === '..') throw new TopologyError(`${what} must not be '${name}'`)
  if (name.length > 249)
    throw new TopologyError(`${what} '${name}' has ${name.length} characters; 249 are allowed`)
  if (!allowed.test(name))
    throw new TopologyError(
      `${what} '${name}' may only contain letters, digits and the characters . _ -`,
    )
  return name
}
