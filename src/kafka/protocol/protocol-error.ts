// Bytes that no answer of the protocol may have.

/** An answer cannot be read; its connection is of no further use. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
}
