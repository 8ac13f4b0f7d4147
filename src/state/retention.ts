// When rows of window, session and join stores expire (semantics 19.5, 19.6). Time is the largest
// time put so far; it is kept beside the rows, so that a restart does not forget it.
import { readInt64, writeInt64 } from './byte-keys.js'
import type { BytesStore, WriteBatch } from './bytes-store.js'

/** Row keys begin with 8 bytes of time, whose first is 0: this one lies behind all of them. */
const timeKey = Uint8Array.of(0xff)

/** The first key that no row has. */
export const afterRows = timeKey

export interface RetentionOptions {
  readonly retentionMs: number
  readonly engine: 'leveldb' | 'memory'
  /** Persistent stores of emit on close show one millisecond more. */
  readonly timeFirst?: boolean | undefined
  /** No window that may still take records is refused, so that each is emitted. */
  readonly lenient?: boolean | undefined
}

export class Retention {
  readonly retentionMs: number
  /** Persistent stores drop whole segments of this length. */
  readonly intervalMs: number
  readonly #exact: boolean
  readonly #scansExpired: boolean
  readonly #extraMs: 0 | 1
  #observedMs: number
  #committedMs: number
  #persistedFloor = 0
  /** No row of the engine has a later time. */
  #storedMs: number
  #writtenMs = -1

  constructor(options: RetentionOptions, rows: BytesStore) {
    this.retentionMs = options.retentionMs
    this.intervalMs = Math.min(
      Number.MAX_SAFE_INTEGER,
      Math.max(Math.floor(options.retentionMs / 2), 60_000),
    )
    const inMemory = options.engine === 'memory'
    this.#exact = inMemory && options.timeFirst !== true && options.lenient !== true
    this.#scansExpired = options.timeFirst === true || options.lenient === true
    this.#extraMs = options.timeFirst === true && !inMemory ? 1 : 0
    const stored = rows.get(timeKey)
    this.#observedMs = stored === undefined ? -1 : readInt64(stored, 0)
    this.#committedMs = this.#storedMs = this.#observedMs
  }

  /** Whether the engine may have rows of a time: new windows need not be looked for. */
  mayBeStored(timeMs: number): boolean {
    return timeMs <= this.#storedMs
  }

  /** Notes a row that waits in a record cache and has moved no time yet. */
  written(timeMs: number): void {
    if (timeMs > this.#writtenMs) this.#writtenMs = timeMs
  }

  /** The largest time put so far, -1 at first. */
  get observedMs(): number {
    return this.#observedMs
  }

  /** Rows with an earlier time are not visible. */
  get visibleFromMs(): number {
    return this.#visibleFrom(this.#observedMs)
  }

  #visibleFrom(timeMs: number): number {
    return Math.max(0, timeMs - this.retentionMs + 1 - this.#extraMs)
  }

  /** Moves time on; false when a row of that time is refused. */
  put(timeMs: number): boolean {
    if (timeMs > this.#observedMs) this.#observedMs = timeMs
    return this.keeps(timeMs)
  }

  /** Whether a row of that time is taken. */
  keeps(timeMs: number): boolean {
    return !this.#refused(timeMs)
  }

  segment(timeMs: number): number {
    return Math.floor(timeMs / this.intervalMs)
  }

  /** Segments of `[low, high]` that may have rows: those on disk, and those of other times known. */
  segmentsIn(low: number, high: number, others: Iterable<number>): number[] {
    const segments = new Set<number>()
    for (const timeMs of others)
      if (timeMs >= low && timeMs <= high) segments.add(this.segment(timeMs))
    const last = this.segment(high)
    for (let s = this.segment(Math.max(low, this.visibleFromMs)); s <= last; s++) segments.add(s)
    return [...segments].sort((a, b) => a - b)
  }

  committed(): void {
    this.#committedMs = this.#observedMs
  }

  aborted(): void {
    this.#observedMs = this.#committedMs
  }

  /** A restored row is committed; false when it has expired already. */
  restored(timeMs: number): boolean {
    if (timeMs > this.#committedMs) this.#committedMs = timeMs
    if (timeMs > this.#observedMs) this.#observedMs = timeMs
    if (timeMs > this.#storedMs) this.#storedMs = timeMs
    return !this.#refused(timeMs)
  }

  /** Committed time has passed all rows before this; a multiple of the segment length. */
  get committedFloorMs(): number {
    return this.floorAt(this.#committedMs)
  }

  /**
   * Nobody sees rows before this again, whatever becomes of the open transaction. In front of a
   * record cache scans show what the engine has not dropped yet (semantics 12.16).
   */
  unseenBeforeMs(cached: boolean): number {
    return cached || this.#scansExpired
      ? this.committedFloorMs
      : this.#visibleFrom(this.#committedMs)
  }

  /** The floor of another time: rows from here on are not deleted before time is beyond `timeMs`. */
  floorAt(timeMs: number): number {
    return Math.max(0, this.segment(timeMs - this.retentionMs) * this.intervalMs)
  }

  /** Deletes expired rows of the engine, `keyAt(floorMs)` being the first key to keep, and keeps the time. */
  persist(batch: WriteBatch, keyAt: (floorMs: number) => Uint8Array, slackMs = 0): void {
    this.#storedMs = Math.max(this.#storedMs, this.#observedMs, this.#writtenMs)
    const floor = Math.max(0, this.committedFloorMs - slackMs)
    if (floor > this.#persistedFloor) {
      batch.deleteRange(new Uint8Array(8), keyAt(floor))
      this.#persistedFloor = floor
    }
    if (this.#committedMs >= 0) {
      const time = new Uint8Array(8)
      writeInt64(time, 0, this.#committedMs)
      batch.put(timeKey, time)
    }
  }

  #refused(timeMs: number): boolean {
    const limitMs = this.#observedMs - this.retentionMs
    return timeMs <= limitMs && (this.#exact || this.segment(timeMs) < this.segment(limitMs))
  }
}
