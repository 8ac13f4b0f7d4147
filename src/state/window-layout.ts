// The engine's keys of window stores:
//
//   segment 8 │ key │ start 8 │ sequence 4         by segment, key, time, as Kafka Streams scans
//   start 8 │ key │ sequence 4                     time first, for emit on close
import { readInt64, writeInt32, writeInt64 } from './byte-keys.js'
import { afterRows, type Retention } from './retention.js'

export class WindowLayout {
  readonly timeFirst: boolean
  readonly #retention: Retention

  constructor(timeFirst: boolean, retention: Retention) {
    this.timeFirst = timeFirst
    this.#retention = retention
  }

  keyOf(keyBytes: Uint8Array, startMs: number, sequence: number): Uint8Array {
    const key = Buffer.allocUnsafe(keyBytes.length + (this.timeFirst ? 12 : 20))
    let at = writeInt64(key, 0, this.#leading(startMs))
    key.set(keyBytes, at)
    at += keyBytes.length
    if (!this.timeFirst) at = writeInt64(key, at, startMs)
    writeInt32(key, at, sequence)
    return key
  }

  startOf(engineKey: Uint8Array): number {
    return readInt64(engineKey, this.timeFirst ? 0 : engineKey.length - 12)
  }

  keyBytesOf(engineKey: Uint8Array): Uint8Array {
    return engineKey.subarray(8, this.timeFirst ? -4 : -12)
  }

  /** The first key of a time, or of its segment. */
  firstAt(timeMs: number): Uint8Array {
    const prefix = new Uint8Array(8)
    writeInt64(prefix, 0, this.#leading(timeMs))
    return prefix
  }

  /** The first key behind those of a time, or of its segment. */
  firstAfter(timeMs: number): Uint8Array {
    const { intervalMs } = this.#retention
    const end = this.timeFirst ? timeMs + 1 : (this.#retention.segment(timeMs) + 1) * intervalMs
    return end > Number.MAX_SAFE_INTEGER ? afterRows : this.firstAt(end)
  }

  #leading(timeMs: number): number {
    return this.timeFirst ? timeMs : this.#retention.segment(timeMs)
  }
}
