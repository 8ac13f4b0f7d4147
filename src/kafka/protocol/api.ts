// A message pair of the protocol, and its frames: size, header, body.
import { Reader } from './reader.js'
import { readShape, writeShape, type Body, type Parsed, type Shape } from './schema.js'
import { Writer } from './writer.js'

/** One API: its key, the versions described here (both inclusive), its two bodies. */
export interface Api<Q extends Shape = Shape, R extends Shape = Shape> {
  readonly name: string
  readonly key: number
  readonly minVersion: number
  readonly maxVersion: number
  /** The first version with compact lengths and tagged fields. */
  readonly flexibleFrom: number
  readonly request: Q
  readonly response: R
}

/** What is sent. */
export type RequestBody<A> = A extends Api<infer Q, Shape> ? Body<Q> : never
/** What comes back. */
export type ResponseBody<A> = A extends Api<Shape, infer R> ? Parsed<R> : never

/** Keeps the literal shapes of a table. */
export const api = <const Q extends Shape, const R extends Shape>(table: Api<Q, R>): Api<Q, R> =>
  table

/** Never, for APIs without a flexible version. */
export const neverFlexible = 32767

export const apiVersionsKey = 18

/**
 * The frame of a request.
 *
 *   size int32 · key int16 · version int16 · correlation id int32 · client id string
 *   · [tags] · body
 */
export function encodeRequest<Q extends Shape>(
  table: Api<Q>,
  version: number,
  correlationId: number,
  clientId: string,
  body: Body<Q>,
): Buffer[] {
  const flexible = version >= table.flexibleFrom
  const writer = new Writer(version, flexible)
  writer.int32(0)
  writer.int16(table.key)
  writer.int16(version)
  writer.int32(correlationId)
  const id = Buffer.from(clientId)
  writer.int16(id.length)
  writer.raw(id)
  if (flexible) writer.uvarint(0)
  writeShape(writer, table.request, body)
  const size = writer.byteLength - 4
  const chunks = writer.chunks()
  chunks[0]?.writeInt32BE(size, 0)
  return chunks
}

/**
 * Reads the body of an answer from its frame, size left out.
 *
 *   correlation id int32 · [tags, but never for ApiVersions] · body
 */
export function decodeResponse<R extends Shape>(
  table: Api<Shape, R>,
  version: number,
  frame: Buffer,
): Parsed<R> {
  const flexible = version >= table.flexibleFrom
  const reader = new Reader(frame, version, flexible, 4)
  if (flexible && table.key !== apiVersionsKey) skipTags(reader)
  return readShape(reader, table.response)
}

/** Passes over the tagged fields of a header. */
export function skipTags(reader: Reader): void {
  for (let left = reader.uvarint(); left > 0; left--) {
    reader.uvarint()
    reader.skip(reader.uvarint())
  }
}
