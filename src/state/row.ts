// A row in memory and where it stands on its way to the engine. write-buffer.ts draws the states.
import type { Held } from './record-cache.js'

/** Written since the changelog was last written. */
export const DIRTY = 1
/** Its bytes are in the open transaction. */
export const LOGGED = 2
/** Its committed bytes are not in the engine yet. */
export const UNPERSISTED = 4
/** May not leave memory. */
export const PINNED = DIRTY | LOGGED | UNPERSISTED
/** Only `image` is there; `value` is decoded when somebody asks. */
export const RAW = 8
/** In the ring of clean rows. */
export const CLEAN = 16
/** Used since the eviction last came by. */
export const TOUCHED = 32
/** Made since the changelog was last written: nobody outside knows of it yet. */
export const NEW = 64
/** Known not to be in the engine: a deletion need not go there. */
export const UNSTORED = 128
/** Was in the engine when it was deleted: it may still be until that deletion is persisted. */
export const STORED = 256

/**
 * A value in memory. `value` is the live object, null where there is none. `image` is its bytes as the
 * engine has them, where they are known: a change of `value` drops it.
 */
export class CachedValue<K = unknown, V = unknown> {
  value: V | null = null
  /** Of the last update; -1 in stores without timestamps. */
  timestampMs = -1
  flags = 0
  image: Uint8Array | undefined = undefined
  /** What the changelog record will carry where it is not the value's time. */
  logTimestampMs = -1
  /** Position of the last write among those since the last commit. */
  order = 0
  /** About as many bytes as it holds in memory. */
  size = 0
  /** The entry in the record cache, while its update was not forwarded. */
  held: Held<K, V> | undefined = undefined

  /** Whether there is a value, decoded or not. */
  get present(): boolean {
    return this.value !== null || (this.flags & RAW) !== 0
  }
}

/** One key's row of the engine. */
export class Row<K = unknown, V = unknown> extends CachedValue<K, V> {
  /** Bytes in the open transaction, null for a deletion; counts only with LOGGED. */
  logged: Uint8Array | null = null
  /** Committed bytes, null for a deletion; counts only with UNPERSISTED. */
  committed: Uint8Array | null = null
  /** The changelog's bytes of the key, while the row is pinned. */
  keyBytes: Uint8Array | undefined = undefined
  previous: Row<K, V> | undefined = undefined
  next: Row<K, V> | undefined = undefined

  constructor(
    public key: K,
    /** The key in the map that holds the row. */
    public mapKey: unknown,
    /** Window start or time bucket; 0 in stores without time. */
    readonly timeMs: number,
  ) {
    super()
  }

  /** Makes a row that was let go the new row of another key. */
  reuse(key: K, mapKey: unknown): void {
    this.key = key
    this.mapKey = mapKey
    this.value = null
    this.timestampMs = -1
    this.flags = 0
    this.image = undefined
    this.size = 0
  }
}
