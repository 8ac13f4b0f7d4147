// Cuts the byte stream of a socket into frames: size int32, then that many bytes. A frame that came
// in one piece is handed on as a view; a larger one is copied once, into a buffer of its own.
import { ProtocolError } from './protocol/protocol-error.js'

/** The largest answer that is believed: a broker takes requests of 100 MiB at most by default. */
export const maxFrameBytes = 2 ** 28

/** The first bytes of a TLS alert, read as a size. */
const looksLikeTls = (size: number): boolean => size >>> 16 === 0x1503

/** Give it chunks in order; it calls `deliver` with each frame, size left out. */
export class FrameAssembler {
  readonly #deliver: (frame: Buffer) => void
  readonly #size = Buffer.alloc(4)
  #sizeBytes = 0
  #frame: Buffer | undefined
  #filled = 0

  constructor(deliver: (frame: Buffer) => void) {
    this.#deliver = deliver
  }

  /** @throws ProtocolError for a size that no answer has. */
  add(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      const frame = this.#frame
      if (frame === undefined) {
        this.#size[this.#sizeBytes++] = chunk[at++] ?? 0
        if (this.#sizeBytes < 4) continue
        this.#sizeBytes = 0
        const size = checked(this.#size.readInt32BE(0))
        if (chunk.length - at >= size) {
          this.#deliver(chunk.subarray(at, at + size))
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
