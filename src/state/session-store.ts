// Session stores as users see them: rows by key, session start and session end.
import type { Windowed } from '../serde/windowed.js'
import type { KeyValue, ScanOrder } from './key-value-store.js'

/** Sessions whose end is older than stream time less the retention are not visible. */
export interface SessionStore<K, V> {
  /** A null value removes. */
  put(key: Windowed<K, 'session'>, value: V | null): void
  /** Like a put of null, but no removal comes too late, and in memory it moves no time. */
  remove(key: Windowed<K, 'session'>): void
  fetchSession(key: K, startMs: number, endMs: number): V | undefined
  /** By end, then start; in memory the later start comes first. */
  fetch(key: K, o?: ScanOrder): AsyncIterable<readonly [key: Windowed<K, 'session'>, value: V]>
  /** Sessions with end ≥ `earliestEndMs` and start ≤ `latestStartMs`. */
  findSessions(
    key: K,
    bounds: { readonly earliestEndMs: number; readonly latestStartMs: number },
    o?: ScanOrder,
  ): AsyncIterable<readonly [key: Windowed<K, 'session'>, value: V]>
}

/** What queries see of a session store. */
export interface ReadOnlySessionStore<K, V> {
  /** The sessions of a key. */
  fetch(
    key: K,
  ): Promise<readonly { readonly startMs: number; readonly endMs: number; readonly value: V }[]>
  /** The sessions of all keys. */
  fetchAll(): AsyncIterable<KeyValue<Windowed<K, 'session'>, V>>
}
