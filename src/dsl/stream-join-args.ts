// What `join` and `leftJoin` of streams take, by what is joined: another stream, a table or a global
// table. One signature with a conditional tuple, because of overloads only the last is explained.
import type { Mapper, NN } from './callbacks.js'
import { GlobalKTable, globalTableBehind } from './global-ktable.js'
import { KStream, streamBehind } from './kstream.js'
import { KTable, tableBehind } from './ktable.js'
import type { Joined, Named, StreamJoined } from './options.js'
import { joinStreams } from './stream-stream-join.js'
import { joinGlobalTable, joinTable } from './stream-table-join.js'
import type { StreamState } from './stream-state.js'

/** What a stream with keys `K` joins with; the records of another stream may be without a key. */
export type Joinable<K> =
  KStream<K | null, unknown> | KTable<K, unknown> | GlobalKTable<unknown, unknown>

/** What `join` and `leftJoin` take after `other`; `N` is null where the other side may be missing. */
export type JoinArgs<K, V, O, N, R, G> =
  O extends GlobalKTable<infer GK, infer V2>
    ? [
        keySelector: Mapper<K, V, GK | N>,
        joiner: (value: NN<V>, other: NN<V2> | N, key: K) => G,
        options?: Named,
      ]
    : O extends KStream<unknown, infer V2>
      ? [
          joiner: (value: NN<V>, other: NN<V2> | N, key: K) => R,
          options: StreamJoined<NN<K>, NN<V>, NN<V2>>,
        ]
      : O extends KTable<unknown, infer V2>
        ? [
            joiner: (value: NN<V>, other: NN<V2> | N, key: K) => R,
            options?: Joined<NN<K>, NN<V>, NN<V2>>,
          ]
        : never

/** Joins a stream with whatever `other` is. @throws TypeError when it is neither stream nor table */
export function joinWith(
  stream: StreamState,
  other: unknown,
  kind: 'inner' | 'left',
  args: readonly any[],
): StreamState {
  const isLeft = kind === 'left'
  if (other instanceof KStream)
    return joinStreams(stream, streamBehind(other), kind, args[0], args[1] ?? {})
  if (other instanceof KTable)
    return joinTable(stream, tableBehind(other), isLeft, args[0], args[1])
  if (other instanceof GlobalKTable)
    return joinGlobalTable(stream, globalTableBehind(other), isLeft, args[0], args[1], args[2])
  throw new TypeError('a stream joins with a KStream, a KTable or a GlobalKTable')
}
