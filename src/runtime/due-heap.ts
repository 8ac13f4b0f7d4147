// What comes next by time: of record queues and of punctuations. Equal times are resolved exactly as
// java.util.PriorityQueue does it, because recorded results depend on it.

/** Something with a time at which its turn comes; it may change only while it is in no heap. */
export interface Due {
  readonly dueMs: number
}

/** A binary heap, smallest time first. */
export class DueHeap<T extends Due> implements Iterable<T> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  get first(): T | undefined {
    return this.#items[0]
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]()
  }

  /** Appended, it moves up while it is strictly smaller than what is above it. */
  add(item: T): void {
    const items = this.#items
    let at = items.length
    items.push(item)
    while (at > 0) {
      const parent = (at - 1) >>> 1
      const above = items[parent]!
      if (item.dueMs >= above.dueMs) break
      items[at] = above
      at = parent
    }
    items[at] = item
  }

  /** The last one takes its place, and sinks to its smaller child while that is strictly smaller. */
  removeFirst(): void {
    const items = this.#items
    const last = items.pop()!
    const size = items.length
    if (size === 0) return
    let at = 0
    const half = size >>> 1
    while (at < half) {
      let child = 2 * at + 1
      const right = child + 1
      if (right < size && items[child]!.dueMs > items[right]!.dueMs) child = right
      if (last.dueMs <= items[child]!.dueMs) break
      items[at] = items[child]!
      at = child
    }
    items[at] = last
  }

  clear(): void {
    this.#items.length = 0
  }
}
