// Writes one request. Large byte fields (record batches) are not copied but become chunks of
// their own, which the socket sends as they are.

/** From this size on bytes are kept as a chunk instead of being copied. */
const chunkBytes = 2048
const two32 = 2 ** 32

/** Collects a message; `chunks` is what goes over the wire. */
export class Writer {
  readonly version: number
  /** Whether compact lengths and tagged fields are used. */
  readonly flexible: boolean
  #buffer: Buffer
  #at = 0
  #from = 0
  #chunks: Buffer[] = []
  #chunked = 0

  constructor(version: number, flexible: boolean, initialBytes = 256) {
    this.version = version
    this.flexible = flexible
    this.#buffer = Buffer.allocUnsafe(initialBytes)
  }

  get byteLength(): number {
    return this.#chunked + this.#at - this.#from
  }

  /** Everything written, in order. The writer is used up then. */
  chunks(): Buffer[] {
    if (this.#at > this.#from) this.#cut()
    return this.#chunks
  }

  int8(value: number): void {
    this.#reserve(1)
    this.#at = this.#buffer.writeInt8(value, this.#at)
  }

  int16(value: number): void {
    this.#reserve(2)
    this.#at = this.#buffer.writeInt16BE(value, this.#at)
  }

  int32(value: number): void {
    this.#reserve(4)
    this.#at = this.#buffer.writeInt32BE(value, this.#at)
  }

  /** Exact for whole numbers up to 2^53. */
  int64(value: number): void {
    this.#reserve(8)
    this.#at = this.#buffer.writeInt32BE(Math.floor(value / two32), this.#at)
    this.#at = this.#buffer.writeUInt32BE(value >>> 0, this.#at)
  }

  uvarint(value: number): void {
    this.#reserve(5)
    let rest = value >>> 0
    while (rest >= 0x80) {
      this.#buffer[this.#at++] = rest | 0x80
      rest >>>= 7
    }
    this.#buffer[this.#at++] = rest
  }

  /** The length in front of a string, classic or compact; -1 for null. */
  stringLength(length: number): void {
    if (this.flexible) this.uvarint(length + 1)
    else this.int16(length)
  }

  /** The length in front of bytes and lists, classic or compact; -1 for null. */
  length(length: number): void {
    if (this.flexible) this.uvarint(length + 1)
    else this.int32(length)
  }

  string(value: string | null): void {
    if (value === null) return this.stringLength(-1)
    const size = Buffer.byteLength(value)
    this.stringLength(size)
    this.#reserve(size)
    this.#at += this.#buffer.write(value, this.#at, 'utf8')
  }

  bytes(value: Uint8Array | null): void {
    if (value === null) return this.length(-1)
    this.length(value.length)
    this.raw(value)
  }

  raw(value: Uint8Array): void {
    if (value.length < chunkBytes) {
      this.#reserve(value.length)
      this.#buffer.set(value, this.#at)
      this.#at += value.length
      return
    }
    if (this.#at > this.#from) this.#cut()
    const bytes =
      value instanceof Buffer
        ? value
        : Buffer.from(value.buffer as ArrayBuffer, value.byteOffset, value.length)
    this.#chunks.push(bytes)
    this.#chunked += bytes.length
  }

  #cut(): void {
    this.#chunks.push(this.#buffer.subarray(this.#from, this.#at))
    this.#chunked += this.#at - this.#from
    this.#from = this.#at
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return
    if (this.#at > this.#from) this.#cut()
    this.#buffer = Buffer.allocUnsafe(Math.max(bytes, 1024))
    this.#at = this.#from = 0
  }
}
