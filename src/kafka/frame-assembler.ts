// Cuts the byte stream of a socket into frames: size int32, then that many bytes. Bytes come in
// chunks, or, without a copy of large frames, the socket writes them where they belong.
import { ProtocolError } from './protocol/protocol-error.js'

/** The largest answer that is believed: a broker takes requests of 100 MiB at most by default. */
export const maxFrameBytes = 2 ** 28

/** The first bytes of a TLS alert, read as a size. */
const looksLikeTls = (size: number): boolean => size >>> 16 === 0x1503

const scratchBytes = 65_536

/**
 * Calls `deliver` with each frame, size left out. Give it either chunks in order, or ask for `space`
 * before each read of the socket and say how many bytes were `filled`.
 */
export class FrameAssembler {
  readonly #deliver: (frame: Buffer) => void
  readonly #size = Buffer.alloc(4)
  #sizeBytes = 0
  #frame: Buffer | undefined
  #filled = 0
  #scratch: Buffer | undefined

  constructor(deliver: (frame: Buffer) => void) {
    this.#deliver = deliver
  }

  /** A frame that lies in one chunk is a view of it. @throws ProtocolError for a size that no answer has. */
  add(chunk: Buffer): void {
    this.#cut(chunk, false)
  }

  /** Where the next bytes are to be written: the rest of a frame that has begun, if there is one. */
  space(): Buffer {
    if (this.#frame !== undefined) return this.#frame.subarray(this.#filled)
    return (this.#scratch ??= Buffer.allocUnsafeSlow(scratchBytes))
  }

  /** So many bytes were written to `space`. @throws ProtocolError for a size that no answer has. */
  filled(bytes: number): void {
    const frame = this.#frame
    if (frame === undefined) {
      this.#cut(this.space().subarray(0, bytes), true)
      return
    }
    this.#filled += bytes
    if (this.#filled < frame.length) return
    this.#frame = undefined
    this.#deliver(frame)
  }

  /** `reused`: the chunk's memory will be written again. */
  #cut(chunk: Buffer, reused: boolean): void {
    let at = 0
    while (at < chunk.length) {
      const frame = this.#frame
      if (frame === undefined) {
        this.#size[this.#sizeBytes++] = chunk[at++] ?? 0
        if (this.#sizeBytes < 4) continue
        this.#sizeBytes = 0
        const size = checked(this.#size.readInt32BE(0))
        if (chunk.length - at >= size) {
          const frame = chunk.subarray(at, at + size)
          this.#deliver(reused ? Buffer.from(frame) : frame)
          at += size
        } else {
          this.#frame = Buffer.allocUnsafeSlow(size)
          this.#filled = 0
        }
        continue
      }
      const copied = chunk.copy(frame, this.#filled, at)
      at += copied
      this.#filled += copied
      if (this.#filled < frame.length) return
      this.#frame = undefined
      this.#deliver(frame)
    }
  }
}

const checked = (size: number): number => {
  if (size >= 4 && size <= maxFrameBytes) return size
  throw new ProtocolError(
    looksLikeTls(size)
      ? 'the port speaks TLS: set `ssl`'
      : `an answer of ${size} bytes: is this a Kafka port?`,
  )
}
