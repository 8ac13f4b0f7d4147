// Topics as values: a name with its serdes, for sources, sinks, tests and producers alike.
import type { Serde, SerdeFor } from '../serde/serde.js'
import type { RequiredSerde } from '../serde/serdes.js'

/** A topic's name with its serdes, for sources, sinks, tests and clients alike. */
export interface Topic<in out K, in out V> {
  readonly name: string
  readonly key: Serde<K>
  readonly value: Serde<V>
}

/** What fits where the types are known already. */
export interface TopicFor<in K, in V> {
  readonly name: string
  readonly key: SerdeFor<K>
  readonly value: SerdeFor<V>
}

/**
 * A topic with its serdes.
 * @throws TypeError when a serde is missing
 *
 * @example const readings = topic('readings', { key: string(), value: json<Reading>() })
 */
export function topic<K, V>(
  name: string,
  serdes: { readonly key: RequiredSerde<K>; readonly value: Serde<V> },
): Topic<K, V> & { readonly key: RequiredSerde<K> }
export function topic<K, V>(
  name: string,
  serdes: { readonly key: Serde<K>; readonly value: Serde<V> },
): Topic<K, V>
export function topic<K, V>(
  name: string,
  serdes: { readonly key: Serde<K>; readonly value: Serde<V> },
): Topic<K, V> {
  if (typeof name !== 'string' || name === '') throw new TypeError('topic() needs a name')
  for (const part of ['key', 'value'] as const)
    if (typeof serdes?.[part]?.serialize !== 'function')
      throw new TypeError(`topic('${name}') needs a \`${part}\` serde, such as string() or json()`)
  return Object.freeze({ name, key: serdes.key, value: serdes.value })
}

/** Whether a value is a topic with serdes rather than a name, names, a pattern or a chooser. */
export const isTopic = (value: unknown): value is Topic<any, any> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof RegExp) &&
  'name' in value &&
  'key' in value &&
  'value' in value
