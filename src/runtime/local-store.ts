// What interactive queries see: one store over all partitions that this process holds. Every call
// finds the stores anew, because tasks come and go.
import { StateStoreError } from '../errors.js'

type View = Readonly<Record<string, (...args: unknown[]) => unknown>>

/** A read-only store over the local partitions; which methods it has depends on the kind of store. */
export class LocalStore {
  readonly #name: string
  readonly #views: () => readonly unknown[]

  /** `views` gives the store of each local partition. @throws StateStoreError when they cannot be asked now */
  constructor(name: string, views: () => readonly unknown[]) {
    this.#name = name
    this.#views = views
  }

  async get(key: unknown): Promise<unknown> {
    for (const view of this.#found('get')) {
      const value = await view['get']!(key)
      if (value !== undefined) return value
    }
    return undefined
  }

  async fetch(key: unknown, range?: unknown): Promise<unknown> {
    let last: unknown = []
    for (const view of this.#found('fetch')) {
      last = await view['fetch']!(key, range)
      // A key lives in one partition.
      if (!Array.isArray(last) || last.length > 0) return last
    }
    return last
  }

  range(from: unknown, to: unknown, options?: unknown): AsyncIterable<unknown> {
    return this.#scan('range', [from, to, options])
  }

  all(options?: unknown): AsyncIterable<unknown> {
    return this.#scan('all', [options])
  }

  fetchAll(range?: unknown): AsyncIterable<unknown> {
    return this.#scan('fetchAll', [range])
  }

  async *#scan(method: string, args: unknown[]): AsyncGenerator<unknown> {
    for (const view of this.#found(method)) yield* view[method]!(...args) as AsyncIterable<unknown>
  }

  #found(method: string): View[] {
    const views = this.#views() as readonly View[]
    for (const view of views)
      if (typeof view[method] !== 'function') {
        const has = ['get', 'range', 'all', 'fetch', 'fetchAll'].filter(
          (name) => typeof view[name] === 'function',
        )
        throw new StateStoreError(
          `store '${this.#name}' cannot be asked by ${method}(); it has ${has.map((m) => `${m}()`).join(', ')}`,
        )
      }
    return [...views]
  }
}
