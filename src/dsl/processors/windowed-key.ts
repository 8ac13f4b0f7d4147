// The keys of windowed results, made in one place so that they all have one shape.
import type { Windowed } from '../../serde/windowed.js'
import { endOfTimeMs } from '../../serde/windowed-serdes.js'

/** A key and its time window `[startMs, startMs + sizeMs)`; of sliding windows both ends are inclusive. */
export const timeWindowKey = <K>(key: K, startMs: number, sizeMs: number): Windowed<K> => ({
  kind: 'time',
  key,
  startMs,
  endMs: Math.min(startMs + sizeMs, endOfTimeMs),
})

/** A key and its session, both ends inclusive. */
export const sessionKey = <K>(key: K, startMs: number, endMs: number): Windowed<K, 'session'> => ({
  kind: 'session',
  key,
  startMs,
  endMs,
})
