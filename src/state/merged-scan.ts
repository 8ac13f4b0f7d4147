// Scans that see rows in memory over rows in the engine, as all of them are at the call.
import type { ByteRange, Entry } from './bytes-store.js'
import { fromLatin1, toLatin1 } from './byte-keys.js'

/** A row in memory, which hides the engine's row of the same key; without an image it is deleted. */
export interface Overlaid {
  /** The engine key as latin1 text. */
  readonly key: string
  readonly image: Uint8Array | undefined
}

/** A range of latin1 texts: `from` inclusive, `to` exclusive; absent means open. */
export interface TextRange {
  readonly from: string | undefined
  readonly to: string | undefined
}

export const textRange = (range: ByteRange): TextRange => ({
  from: range.from === undefined ? undefined : toLatin1(range.from),
  to: range.to === undefined ? undefined : toLatin1(range.to),
})

export const isWithin = (key: string, { from, to }: TextRange): boolean =>
  (from === undefined || key >= from) && (to === undefined || key < to)

/** Both inputs in the same order, ascending or descending. */
export async function* mergeScan(
  engine: AsyncIterable<Entry> | undefined,
  memory: readonly Overlaid[],
  reverse: boolean,
): AsyncGenerator<Entry> {
  let next = 0
  if (engine !== undefined) {
    for await (const entry of engine) {
      const key = toLatin1(entry[0])
      let hidden = false
      for (; next < memory.length; next++) {
        const { key: mine, image } = memory[next]!
        if (reverse ? mine < key : mine > key) break
        if (image !== undefined) yield [fromLatin1(mine), image]
        if (mine === key) hidden = true
      }
      if (!hidden) yield entry
    }
  }
  for (; next < memory.length; next++) {
    const { key, image } = memory[next]!
    if (image !== undefined) yield [fromLatin1(key), image]
  }
}
