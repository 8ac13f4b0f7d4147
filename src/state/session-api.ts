// What users and queries get of session stores.
import type { KeyValue, ScanOrder } from './key-value-store.js'
import { checkKey } from './key-value-api.js'
import type { Windowed } from '../serde/windowed.js'
import type { ReadOnlySessionStore, SessionStore } from './session-store.js'
import { mapEach } from './window-api.js'

/** A session with its value. */
export interface FoundSession<K, V> {
  readonly key: K
  readonly startMs: number
  readonly endMs: number
  readonly value: V
}

/** What the api needs of the rows. */
export interface SessionAccess<K, V> {
  readonly name: string
  read(key: K, startMs: number, endMs: number): V | undefined
  writeCopy(key: K, startMs: number, endMs: number, value: V | null): void
  remove(key: K, startMs: number, endMs: number): void
  findCopies(
    key: K,
    earliestEndMs: number,
    latestStartMs: number,
    reverse: boolean,
  ): AsyncIterable<FoundSession<K, V>>
  allCopies(fromMs: number, toMs: number): AsyncIterable<FoundSession<K, V>>
  checkOpen(): void
}

const everMs = Number.MAX_SAFE_INTEGER

const pairOf = <K, V>({
  key,
  startMs,
  endMs,
  value,
}: FoundSession<K, V>): readonly [key: Windowed<K, 'session'>, value: V] => [
  { kind: 'session', key, startMs, endMs },
  value,
]

export class SessionApi<K, V> implements SessionStore<K, V> {
  readonly #rows: SessionAccess<K, V>

  constructor(rows: SessionAccess<K, V>) {
    this.#rows = rows
  }

  put(key: Windowed<K, 'session'>, value: V | null): void {
    this.#checkSession(key)
    if (value === undefined)
      throw new TypeError(`store ${this.#rows.name}: put undefined; null removes`)
    this.#rows.writeCopy(key.key, key.startMs, key.endMs, value)
  }

  remove(key: Windowed<K, 'session'>): void {
    this.#checkSession(key)
    this.#rows.remove(key.key, key.startMs, key.endMs)
  }

  fetchSession(key: K, startMs: number, endMs: number): V | undefined {
    this.#check(key)
    return this.#rows.read(key, startMs, endMs)
  }

  fetch(key: K, o?: ScanOrder): AsyncIterable<readonly [key: Windowed<K, 'session'>, value: V]> {
    return this.findSessions(key, { earliestEndMs: 0, latestStartMs: everMs }, o)
  }

  findSessions(
    key: K,
    bounds: { readonly earliestEndMs: number; readonly latestStartMs: number },
    o?: ScanOrder,
  ): AsyncIterable<readonly [key: Windowed<K, 'session'>, value: V]> {
    this.#check(key)
    const { earliestEndMs, latestStartMs } = bounds
    return mapEach(
      this.#rows.findCopies(key, earliestEndMs, latestStartMs, o?.reverse === true),
      pairOf,
    )
  }

  #checkSession(key: Windowed<K, 'session'>): void {
    this.#check(key?.key)
    if (!(key.startMs >= 0 && key.endMs >= key.startMs))
      throw new TypeError(
        `store ${this.#rows.name}: a session goes from 0 or later to its end, not ${key.startMs} to ${key.endMs}`,
      )
  }

  #check(key: K): void {
    this.#rows.checkOpen()
    checkKey(key, this.#rows.name)
  }
}

/** What queries see of a session store. */
export class SessionView<K, V> implements ReadOnlySessionStore<K, V> {
  readonly #rows: SessionAccess<K, V>

  constructor(rows: SessionAccess<K, V>) {
    this.#rows = rows
  }

  async fetch(
    key: K,
  ): Promise<readonly { readonly startMs: number; readonly endMs: number; readonly value: V }[]> {
    this.#rows.checkOpen()
    checkKey(key, this.#rows.name)
    const sessions: { startMs: number; endMs: number; value: V }[] = []
    for await (const { startMs, endMs, value } of this.#rows.findCopies(key, 0, everMs, false))
      sessions.push({ startMs, endMs, value })
    return sessions
  }

  fetchAll(): AsyncIterable<KeyValue<Windowed<K, 'session'>, V>> {
    this.#rows.checkOpen()
    return mapEach(this.#rows.allCopies(0, everMs), pairOf)
  }
}
