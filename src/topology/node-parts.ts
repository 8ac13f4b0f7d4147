// What sources and sinks need, whether they are added by hand or by the DSL: serdes above all.
import { TopologyError } from '../errors.js'
import type { Deserializer, SerdeFor, Serializer } from '../serde/serde.js'
import { isNullable, isRequired, serdeForNode, serdeName } from '../serde/serde-traits.js'
import type { TimestampExtractor } from './timestamp-extractor.js'
import type { SourceNode } from './topology-node.js'

const resets: readonly unknown[] = ['earliest', 'latest', 'none', undefined]

/**
 * A source node of a topic that the user names: nulls pass where the serdes promise them.
 * @throws TopologyError for an unknown `offsetReset`
 */
export function sourceNode(o: {
  readonly name: string
  readonly topics: string | readonly string[] | RegExp
  readonly key: Deserializer<unknown>
  readonly value: Deserializer<unknown>
  readonly timestamp: TimestampExtractor<any, any> | undefined
  readonly offsetReset: SourceNode['offsetReset']
  readonly nulls?: 'pass' | undefined
}): SourceNode {
  const { topics } = o
  if (!resets.includes(o.offsetReset))
    throw new TopologyError(
      `${o.name}: offsetReset must be 'earliest', 'latest' or 'none', not ${String(o.offsetReset)}`,
      { node: o.name },
    )
  return {
    kind: 'source',
    name: o.name,
    topics:
      topics instanceof RegExp
        ? new RegExp(topics.source, topics.flags.replace(/[gy]/g, '')) // `test` must keep no position
        : typeof topics === 'string'
          ? [topics]
          : [...new Set(topics)],
    key: serdeForNode(o.key),
    value: serdeForNode(o.value),
    nullKey: o.nulls ?? (isRequired(o.key) ? 'refuse' : 'pass'),
    nullValue: o.nulls ?? (isNullable(o.value) ? 'pass' : 'refuse'),
    timestamp: o.timestamp,
    offsetReset: o.offsetReset,
  }
}

/** @throws TopologyError that says how to give the missing serde */
export function neededSerde<S extends Serializer<any> | Deserializer<any>>(
  serde: S | undefined,
  node: string,
  part: 'key' | 'value',
): S {
  if (serde !== undefined) return serde
  throw new TopologyError(
    `${node} has no ${part} serde: give it \`${part}\` in its options, or give the builder a default`,
    { node },
  )
}

/** What `describe({ serdes: true })` prints of a node's serdes. */
export function serdesNote(
  serdes: { readonly key?: unknown; readonly value?: unknown },
  given: { readonly key?: unknown; readonly value?: unknown },
): string {
  const text = (part: 'key' | 'value'): string =>
    serdes[part] === undefined
      ? `${part} none`
      : `${part} ${serdeName(serdes[part] as SerdeFor<never>)}${given[part] === undefined ? ' (default)' : ''}`
  return `serdes: ${text('key')}, ${text('value')}`
}

/** Thrown where `largeMessages` is used. */
export const largeMessagesError = (node: string): TopologyError =>
  new TopologyError(
    `${node}: largeMessages is not available in this version; send values below the broker's message size`,
    { node },
  )
