// The shapes of callbacks: mappers get `(value, key, record)`, folds `(accumulator, value, key)`,
// joiners `(left, right, key)`. Most need only what comes first.
import type { StreamRecord } from '../topology/stream-record.js'

/** `T` where it is not null. */
export type NN<T> = Exclude<T, null>

/** `T`, never inferred from here. Unlike `NoInfer` it does not show in hovers and messages. */
export type Known<T> = [T][T extends unknown ? 0 : never]

/** From a record to something else, at once. */
export type Mapper<K, V, R> = (value: V, key: K, record: StreamRecord<K, V>) => R
/** From an accumulator and a value to the next accumulator. */
export type Folder<A, K, V> = (accumulator: A, value: V, key: K) => A

/** What an asynchronous callback is given besides the record. */
export interface AsyncCall {
  /** Aborted when the call takes too long, or the task is closed. */
  readonly signal: AbortSignal
  /** From 1. */
  readonly attempt: number
}
/** From a record to something else, with a call to the outside. */
export type AsyncMapper<K, V, R> = (
  value: V,
  key: K,
  record: StreamRecord<K, V>,
  call: AsyncCall,
) => R

/** Refuses a callback that returns a promise, with a text that says what to use instead. */
export type NotPromise<R> = R &
  (R extends PromiseLike<unknown>
    ? 'an async callback is not awaited here: use forEachAsync'
    : unknown)

/** `P`, unless it is `any`. */
export type AnyPromise<P> = 0 extends 1 & P ? never : P

/** What `mapValues` returns for an async callback, so that nothing can be chained to it. */
export type Refused = 'a promise is not a value: use mapValuesAsync'

/** What the joiner of an outer join gets: one test for null narrows the other side. */
export type Outer3<K, V, V2> =
  | [left: NN<V>, right: NN<V2>, key: K]
  | [left: NN<V>, right: null, key: K]
  | [left: null, right: NN<V2>, key: K]
/** The same for a joiner that does not ask for the key, so that its two arguments narrow each other. */
export type Outer2<V, V2> =
  [left: NN<V>, right: NN<V2>] | [left: NN<V>, right: null] | [left: null, right: NN<V2>]

/** The part of an accumulator that is a row, and the part that deletes it. */
export type Acc<A> = Exclude<A, null>
export type Del<A> = Extract<A, null>
