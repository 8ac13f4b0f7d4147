// Reads one answer. Every length is checked against what is left before it is believed; byte
// fields are views of the answer, not copies.
import { ProtocolError } from './protocol-error.js'

const two32 = 2 ** 32

/** Walks the bytes of a message. All methods throw ProtocolError where the bytes make no sense. */
export class Reader {
  readonly buffer: Buffer
  readonly version: number
  /** Whether compact lengths and tagged fields are used. */
  readonly flexible: boolean
  at: number

  constructor(buffer: Buffer, version: number, flexible: boolean, at = 0) {
    this.buffer = buffer
    this.version = version
    this.flexible = flexible
    this.at = at
  }

  get left(): number {
    return this.buffer.length - this.at
  }

  int8(): number {
    return this.buffer.readInt8(this.#take(1))
  }

  int16(): number {
    return this.buffer.readInt16BE(this.#take(2))
  }

  int32(): number {
    return this.buffer.readInt32BE(this.#take(4))
  }

  int64(): number {
    const at = this.#take(8)
    return this.buffer.readInt32BE(at) * two32 + this.buffer.readUInt32BE(at + 4)
  }

  uvarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.#take(1)] ?? 0
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new ProtocolError('a length of more than five bytes')
  }

  /** -1 for null. */
  stringLength(): number {
    return this.#bounded(this.flexible ? this.uvarint() - 1 : this.int16())
  }

  /** -1 for null; counts of lists are bounded too, as no element is empty. */
  length(): number {
    return this.#bounded(this.flexible ? this.uvarint() - 1 : this.int32())
  }

  string(): string | null {
    const size = this.stringLength()
    if (size < 0) return null
    const at = this.#take(size)
    return this.buffer.toString('utf8', at, at + size)
  }

  bytes(): Buffer | null {
    const size = this.length()
    return size < 0 ? null : this.raw(size)
  }

  raw(size: number): Buffer {
    const at = this.#take(size)
    return this.buffer.subarray(at, at + size)
  }

  skip(size: number): void {
    this.#take(size)
  }

  #take(size: number): number {
    const at = this.at
    if (at + size > this.buffer.length)
      throw new ProtocolError(`an answer ends ${at + size - this.buffer.length} bytes early`)
    this.at = at + size
    return at
  }

  #bounded(size: number): number {
    if (size < -1 || size > this.left) throw new ProtocolError(`a length of ${size} bytes`)
    return size
  }
}
