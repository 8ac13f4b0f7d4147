// What processors get of a global store: its reads. Only the store's own keeper writes it, with the
// same records on every instance; a write from anywhere else would be on one instance alone.
import { StateStoreError } from '../errors.js'
import type { TaskStore } from './state-store.js'

const writes: ReadonlySet<string> = new Set(['put', 'putIfAbsent', 'putAll', 'delete', 'remove'])

/** The api of a store, with methods that throw in place of those that write; a custom store's is its own. */
export function readOnlyApi(store: TaskStore): unknown {
  if (store.api === store.view) return store.api
  const api = store.api as Readonly<Record<string, (...args: unknown[]) => unknown>>
  const refuse = (): never => {
    throw new StateStoreError(
      `store ${store.name} is global, so processors only read it: write to the topic that fills it`,
    )
  }
  return Object.fromEntries(
    Object.getOwnPropertyNames(Object.getPrototypeOf(api))
      .filter((method) => method !== 'constructor')
      .map((method) => [method, writes.has(method) ? refuse : api[method]!.bind(api)]),
  )
}
