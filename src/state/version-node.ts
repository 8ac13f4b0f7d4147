// How the history of a key lies in the engine: its newest versions in one row, the head, which names the
// rows that hold the older ones, so that a put writes a bounded number of versions however long the
// history is. Both kinds of row have the same bytes:
//
//   count int32 · per version, newest first: time int64 · length int32 (-1: deletion) · value
//   count int32 · per older row, newest first: number int32 · its earliest time int64
import { readInt32, readInt64, writeInt32, writeInt64 } from './byte-keys.js'
import type { History, Version } from './version-history.js'

/** A row of older versions: those from `firstMs` up to the next newer row. */
export interface OlderRow {
  readonly number: number
  readonly firstMs: number
}

/** What a row holds; replaced as a whole, never changed. */
export interface VersionNode {
  readonly history: History
  /** Newest first; empty but in the head. */
  readonly older: readonly OlderRow[]
}

export function encodeNode({ history, older }: VersionNode): Uint8Array {
  let size = 8 + 12 * older.length
  for (const { bytes } of history) size += 12 + (bytes?.length ?? 0)
  const image = new Uint8Array(size)
  let at = writeInt32(image, 0, history.length)
  for (const { timestampMs, bytes } of history) {
    at = writeInt64(image, at, timestampMs)
    at = writeInt32(image, at, bytes === null ? -1 : bytes.length)
    if (bytes === null) continue
    image.set(bytes, at)
    at += bytes.length
  }
  at = writeInt32(image, at, older.length)
  for (const { number, firstMs } of older) {
    at = writeInt32(image, at, number)
    at = writeInt64(image, at, firstMs)
  }
  return image
}

export function decodeNode(image: Uint8Array): VersionNode {
  const history: Version[] = []
  let at = 4
  for (let left = readInt32(image, 0); left > 0; left--) {
    const timestampMs = readInt64(image, at)
    const length = readInt32(image, at + 8)
    at += 12
    if (length < 0) history.push({ timestampMs, bytes: null })
    else history.push({ timestampMs, bytes: image.subarray(at, (at += length)) })
  }
  const older: OlderRow[] = []
  for (let left = readInt32(image, at), row = at + 4; left > 0; left--, row += 12)
    older.push({ number: readInt32(image, row), firstMs: readInt64(image, row + 4) })
  return { history, older }
}
