// The writes of a batch as a list, for engines that apply them when the batch is written.
import type { RowRun, WriteBatch } from './bytes-store.js'
import { concatBytes } from './byte-keys.js'

/** A run, and after how many of the other writes it comes. */
interface PlacedRun {
  readonly after: number
  readonly prefix: Uint8Array
  readonly run: RowRun
}

const noPrefix: Uint8Array = new Uint8Array(0)

/** Range deletions come first: what the same batch puts into a range stays. */
export class WriteList implements WriteBatch {
  /** The parts that were written, for counting rows. */
  readonly parts: PartBatch[] = []
  readonly ranges: (readonly [from: Uint8Array, to: Uint8Array])[] = []
  readonly #keys: Uint8Array[] = []
  /** Null deletes. */
  readonly #values: (Uint8Array | null)[] = []
  readonly #runs: PlacedRun[] = []
  #bytes = 0

  get byteLength(): number {
    return this.#bytes
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#keys.push(key)
    this.#values.push(value)
    this.#bytes += key.length + value.length
  }

  delete(key: Uint8Array): void {
    this.#keys.push(key)
    this.#values.push(null)
    this.#bytes += key.length
  }

  putRun(run: RowRun, prefix = noPrefix): void {
    this.#runs.push({ after: this.#keys.length, prefix, run })
    this.#bytes += run.byteLength + run.count * prefix.length
  }

  deleteRange(from: Uint8Array, to: Uint8Array): void {
    this.ranges.push([from, to])
    this.#bytes += from.length + to.length
  }

  /**
   * Shows all writes in order; null deletes, and the arrays are good during the call only. After about
   * `perTurn` of them the caller may have its turn.
   */
  *each(
    perTurn: number,
    show: (key: Uint8Array, value: Uint8Array | null) => void,
  ): Generator<undefined> {
    let run = 0
    let sinceTurn = 0
    for (let i = 0; i <= this.#keys.length; i++) {
      for (; this.#runs[run]?.after === i; run++) {
        const { run: rows, prefix } = this.#runs[run]!
        for (let part = 0; part < rows.parts; part++) {
          sinceTurn += rows.each(part, prefix, show)
          if (sinceTurn < perTurn) continue
          sinceTurn = 0
          yield
        }
      }
      if (i === this.#keys.length) return
      show(this.#keys[i]!, this.#values[i]!)
      if (++sinceTurn < perTurn) continue
      sinceTurn = 0
      yield
    }
  }
}

/** Puts a prefix before every key of another batch. */
export class PartBatch implements WriteBatch {
  readonly #batch: WriteList
  readonly #prefix: Uint8Array
  /** Puts less deletions. */
  change = 0

  constructor(batch: WriteList, prefix: Uint8Array) {
    this.#batch = batch
    this.#prefix = prefix
    batch.parts.push(this)
  }

  get prefix(): Uint8Array {
    return this.#prefix
  }

  get byteLength(): number {
    return this.#batch.byteLength
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.change++
    this.#batch.put(concatBytes(this.#prefix, key), value)
  }

  delete(key: Uint8Array): void {
    this.change--
    this.#batch.delete(concatBytes(this.#prefix, key))
  }

  putRun(run: RowRun): void {
    this.change += run.count
    this.#batch.putRun(run, this.#prefix)
  }

  deleteRange(from: Uint8Array, to: Uint8Array): void {
    this.#batch.deleteRange(concatBytes(this.#prefix, from), concatBytes(this.#prefix, to))
  }
}
