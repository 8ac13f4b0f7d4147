// What stateful operators see of a row, and how they are told of flushed rows.
import type { StoreRecordContext } from './state-store.js'

/**
 * The live row of a key: its value is the stored object itself. It is good until the next call on
 * its store. Before a callback of the user may change `value` in place, call the store's
 * `protect(row)`; when the callback throws, call `undo(row)`.
 */
export interface LiveRow<out V> {
  readonly value: V
  /** Of the last update; -1 in stores without timestamps. */
  readonly timestampMs: number
}

/** What a record cache hands over at a flush; `timestampMs` is the value's, of a deletion the context's. */
export type FlushListener<in K, in V> = (
  key: K,
  newValue: V | null,
  /** The value before the first update since the last flush; null unless old values were asked for. */
  oldValue: V | null,
  timestampMs: number,
  /** Of the last update: downstream runs under it. */
  context: StoreRecordContext,
) => void | Promise<void>

export type WindowFlushListener<in K, in V> = (
  key: K,
  startMs: number,
  newValue: V | null,
  oldValue: V | null,
  timestampMs: number,
  context: StoreRecordContext,
) => void | Promise<void>

export type SessionFlushListener<in K, in V> = (
  key: K,
  startMs: number,
  endMs: number,
  newValue: V | null,
  oldValue: V | null,
  context: StoreRecordContext,
) => void | Promise<void>

export interface FlushOptions {
  /** Whether the listener is given old values. Costs a decoding for objects. */
  readonly oldValues: boolean
}
