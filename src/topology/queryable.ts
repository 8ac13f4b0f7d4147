// What can be asked from outside: tables and stores that carry the type of their read-only store.
import { StateStoreError } from '../errors.js'
import type { KeyValueStore, ReadOnlyKeyValueStore } from '../state/key-value-store.js'
import type { ReadOnlySessionStore, SessionStore } from '../state/session-store.js'
import type { StateStore } from '../state/stores.js'
import type { VersionedKeyValueStore, VersionedRecord } from '../state/versioned-store.js'
import type { ReadOnlyWindowStore, WindowStore } from '../state/window-store.js'
import type { Windowed } from '../serde/windowed.js'

/** What queries of a table with key K and value V see; windowed keys select the kind of store. */
export type TableView<K, V> = [K] extends [Windowed<infer K0, 'time'>]
  ? ReadOnlyWindowStore<K0, V>
  : [K] extends [Windowed<infer K0, 'session'>]
    ? ReadOnlySessionStore<K0, V>
    : ReadOnlyKeyValueStore<K, V>

/** A table: its store has a name where the user gave one; its rows have types (for the compiler alone). */
export interface QueryableTable<out K, out V> {
  readonly '~row': readonly [key: K, value: V]
  readonly queryableStoreName: string | undefined
}

/** A table, a global table, or the handle of a store. */
export type Queryable = QueryableTable<unknown, unknown> | StateStore<any>

/** The read-only store behind something queryable. */
export type StoreOf<T> =
  T extends QueryableTable<infer K, infer V>
    ? TableView<K, V>
    : T extends StateStore<KeyValueStore<infer K, infer V>>
      ? ReadOnlyKeyValueStore<K, V>
      : T extends StateStore<WindowStore<infer K, infer V>>
        ? ReadOnlyWindowStore<K, V>
        : T extends StateStore<SessionStore<infer K, infer V>>
          ? ReadOnlySessionStore<K, V>
          : T extends StateStore<VersionedKeyValueStore<infer K, infer V>>
            ? ReadOnlyKeyValueStore<K, VersionedRecord<V>>
            : never

/** The name under which something can be asked; `undefined` where it keeps no rows. */
export const queryableName = (queryable: Queryable): string | undefined =>
  'queryableStoreName' in queryable ? queryable.queryableStoreName : queryable.name

/** The name of a store that is asked for. @throws StateStoreError for a table that keeps no rows */
export function askedName(asked: Queryable | string): string {
  const name = typeof asked === 'string' ? asked : queryableName(asked)
  if (name !== undefined) return name
  throw new StateStoreError(
    'this table keeps no rows that can be asked; give it a store name: { store: … }',
  )
}
