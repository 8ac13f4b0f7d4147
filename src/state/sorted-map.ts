// A map in order of its text keys, cheap to snapshot: chunks of sorted arrays, copied when they are
// written after a snapshot was taken.

const maxChunk = 256

interface Chunk<V> {
  keys: string[]
  values: V[]
  /** Written in place only in its own epoch; older chunks may belong to a snapshot. */
  epoch: number
}

/** The first index whose key is not below `key`. */
const lowerBound = (keys: readonly string[], key: string): number => {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keys[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
}

/** The chunk that holds `key` if any does: the last whose first key is not above it. */
const chunkIndex = <V>(chunks: readonly Chunk<V>[], key: string): number => {
  let low = 0
  let high = chunks.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (chunks[middle]!.keys[0]! <= key) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** Entries of a sorted map as they were when it was taken. Values that are objects are shared. */
export class SortedSnapshot<V> {
  readonly #chunks: readonly Chunk<V>[]

  constructor(chunks: readonly Chunk<V>[]) {
    this.#chunks = chunks
  }

  /** Keys in `[from, to)`; `undefined` is open. */
  *entries(
    from: string | undefined,
    to: string | undefined,
    reverse = false,
  ): Generator<[key: string, value: V]> {
    const chunks = this.#chunks
    if (!reverse) {
      const first = from === undefined ? 0 : Math.max(0, chunkIndex(chunks, from))
      for (let c = first; c < chunks.length; c++) {
        const { keys, values } = chunks[c]!
        for (
          let i = c === first && from !== undefined ? lowerBound(keys, from) : 0;
          i < keys.length;
          i++
        ) {
          if (to !== undefined && keys[i]! >= to) return
          yield [keys[i]!, values[i]!]
        }
      }
      return
    }
    const last = to === undefined ? chunks.length - 1 : chunkIndex(chunks, to)
    for (let c = last; c >= 0; c--) {
      const { keys, values } = chunks[c]!
      const end = c === last && to !== undefined ? lowerBound(keys, to) : keys.length
      for (let i = end - 1; i >= 0; i--) {
        if (from !== undefined && keys[i]! < from) return
        yield [keys[i]!, values[i]!]
      }
    }
  }
}

export class SortedMap<V> {
  #chunks: Chunk<V>[] = []
  #epoch = 0
  #shared = false
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The lowest key; `undefined` when empty. */
  get firstKey(): string | undefined {
    return this.#chunks[0]?.keys[0]
  }

  /** The value of the lowest key. */
  get first(): V | undefined {
    return this.#chunks[0]?.values[0]
  }

  /** The value behind the last key not above `key`; `undefined` at the end. */
  after(key: string): V | undefined {
    const c = chunkIndex(this.#chunks, key)
    if (c < 0) return this.first
    const { keys, values } = this.#chunks[c]!
    let i = lowerBound(keys, key)
    if (keys[i] === key) i++
    return i < keys.length ? values[i] : this.#chunks[c + 1]?.values[0]
  }

  get(key: string): V | undefined {
    const chunk = this.#chunks[chunkIndex(this.#chunks, key)]
    if (chunk === undefined) return undefined
    const i = lowerBound(chunk.keys, key)
    return chunk.keys[i] === key ? chunk.values[i] : undefined
  }

  set(key: string, value: V): void {
    if (this.#chunks.length === 0) {
      this.#ownChunks().push({ keys: [key], values: [value], epoch: this.#epoch })
      this.#size = 1
      return
    }
    const c = Math.max(0, chunkIndex(this.#chunks, key))
    const chunk = this.#own(c)
    const { keys, values } = chunk
    // Keys often come in order: then this is a push.
    const i = keys[keys.length - 1]! < key ? keys.length : lowerBound(keys, key)
    if (keys[i] === key) {
      values[i] = value
      return
    }
    this.#size++
    if (i === keys.length) {
      keys.push(key)
      values.push(value)
    } else {
      keys.splice(i, 0, key)
      values.splice(i, 0, value)
    }
    if (keys.length > maxChunk) {
      const half = i === keys.length - 1 ? maxChunk : keys.length >>> 1
      const rest = { keys: keys.splice(half), values: values.splice(half), epoch: this.#epoch }
      this.#ownChunks().splice(c + 1, 0, rest)
    }
  }

  delete(key: string): boolean {
    const c = chunkIndex(this.#chunks, key)
    if (c < 0) return false
    const i = lowerBound(this.#chunks[c]!.keys, key)
    if (this.#chunks[c]!.keys[i] !== key) return false
    const chunk = this.#own(c)
    chunk.keys.splice(i, 1)
    chunk.values.splice(i, 1)
    if (chunk.keys.length === 0) this.#ownChunks().splice(c, 1)
    this.#size--
    return true
  }

  clear(): void {
    this.#chunks = []
    this.#shared = false
    this.#size = 0
  }

  /** A view that later changes do not reach; costs a copy of each chunk that is written after. */
  snapshot(): SortedSnapshot<V> {
    this.#epoch++
    this.#shared = true
    return new SortedSnapshot(this.#chunks)
  }

  #ownChunks(): Chunk<V>[] {
    if (this.#shared) {
      this.#chunks = this.#chunks.slice()
      this.#shared = false
    }
    return this.#chunks
  }

  #own(index: number): Chunk<V> {
    const chunk = this.#chunks[index]!
    if (chunk.epoch === this.#epoch) return chunk
    const copy = { keys: chunk.keys.slice(), values: chunk.values.slice(), epoch: this.#epoch }
    this.#ownChunks()[index] = copy
    return copy
  }
}
