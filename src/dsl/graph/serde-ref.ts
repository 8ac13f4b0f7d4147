// What is known of a stream's serdes: a serde travels until an operator changes the type that it
// describes; where none is known the builder's default serves, else building fails.
import type { Serde } from '../../serde/serde.js'
import { serdeName } from '../../serde/serde-traits.js'
import { neededSerde } from '../../topology/node-parts.js'

/** A serde, and whether it is only the builder's default; `undefined` where none is known. */
export type SerdeRef = { readonly serde: Serde<any>; readonly isDefault: boolean } | undefined

/** A reference to a serde that an option gave. */
export const given = (serde: unknown): SerdeRef =>
  serde === undefined || serde === null
    ? undefined
    : { serde: serde as Serde<any>, isDefault: false }

/** @throws TopologyError that says how to give the missing serde */
export const neededRef = (ref: SerdeRef, node: string, part: 'key' | 'value'): Serde<any> =>
  neededSerde(ref?.serde, node, part)

/** The reference that both sides share, if they do. */
export const shared = (a: SerdeRef, b: SerdeRef): SerdeRef =>
  a !== undefined && a.serde === b?.serde ? a : undefined

const text = (ref: SerdeRef): string =>
  ref === undefined ? 'none' : `${serdeName(ref.serde)}${ref.isDefault ? ' (default)' : ''}`

/** What `describe({ serdes: true })` prints; `store` where the serdes are those of a store. */
export const refsNote = (
  refs: { readonly key: SerdeRef; readonly value: SerdeRef },
  store?: string,
): string =>
  `serdes${store === undefined ? '' : ` of ${store}`}: key ${text(refs.key)}, value ${text(refs.value)}`
