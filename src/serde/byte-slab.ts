// Small arrays of bytes as parts of a larger one: a typed array with memory of its own costs half a
// microsecond, a part a tenth. The larger one lives as long as any part, so what lives long and what
// does not take theirs from slabs of their own.

/** Larger arrays get memory of their own. */
const largestPart = 4096
/** A value is not written where less than this is left. */
const leastRoom = 64

export class ByteSlab {
  readonly #size: number
  #bytes: Uint8Array
  #end = 0

  /** `size` is that of each of the larger arrays. */
  constructor(size: number) {
    this.#size = size
    this.#bytes = unsafe(size)
  }

  /** Bytes that nobody else has; they are not zero. */
  allocate(length: number): Uint8Array {
    if (length > largestPart) return unsafe(length)
    if (this.#end + length > this.#size) this.#next()
    const part = new Uint8Array(this.#bytes.buffer, this.#end, length)
    this.#end += length
    return part
  }

  /** The bytes of a value by a serde's `write`; `undefined` when they are many. */
  written<T>(
    write: (buffer: Uint8Array, offset: number, value: T) => number,
    value: T,
  ): Uint8Array | undefined {
    if (this.#size - this.#end < leastRoom) this.#next()
    const start = this.#end
    const end = write(this.#bytes, start, value)
    if (end < 0 || end - start > largestPart) return undefined
    this.#end = end
    return new Uint8Array(this.#bytes.buffer, start, end - start)
  }

  #next(): void {
    this.#bytes = unsafe(this.#size)
    this.#end = 0
  }
}

const unsafe = (length: number): Uint8Array =>
  new Uint8Array(Buffer.allocUnsafeSlow(length).buffer, 0, length)
