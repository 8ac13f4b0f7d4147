// Scans that see rows in memory over rows in the engine, as all of them are at the call.
import type { ByteRange, Entry } from './bytes-store.js'
import { fromLatin1, toLatin1 } from './byte-keys.js'

/** A row in memory, which hides the engine's row of the same key; without an image it is deleted. */
export interface Overlaid {
  /** The engine key as latin1 text. */
  readonly key: string
  readonly image: Uint8Array | undefined
}

/** Whether a key lies in a range, both as latin1 text. */
export const textRange = (
  range: ByteRange,
): { from: string | undefined; to: string | undefined } => ({
  from: range.from === undefined ? undefined : toLatin1(range.from),
  to: range.to === undefined ? undefined : toLatin1(range.to),
})

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
