// Strict UTF-8 both ways: malformed bytes and lone surrogates are refused, not replaced. Short
// ASCII texts, which most keys are, never leave JavaScript.

const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Longer texts are faster through the native functions (measured on Node 20). */
const shortWrite = 24
const shortRead = 12

/** A `Buffer` over the same bytes, without a copy. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** The text in `[start, end)`. @throws TypeError when it is not UTF-8; `serde` names who asks. */
export const readUtf8 = (bytes: Uint8Array, start: number, end: number, serde: string): string => {
  if (end - start <= shortRead && isAscii(bytes, start, end)) return readAscii(bytes, start, end)
  const text = asBuffer(bytes).toString('utf8', start, end)
  // The decoder writes U+FFFD for what it cannot read, but U+FFFD may also stand there itself.
  if (text.includes('\ufffd')) checkUtf8(bytes.subarray(start, end), serde)
  return text
}

const isAscii = (bytes: Uint8Array, start: number, end: number): boolean => {
  let all = 0
  for (let i = start; i < end; i++) all |= bytes[i]!
  return all <= 0x7f
}

/** Eight characters at a time: one call of the engine, no text that is later flattened. */
const readAscii = (bytes: Uint8Array, start: number, end: number): string => {
  let text = ''
  let at = start
  for (; at + 8 <= end; at += 8)
    text += String.fromCharCode(
      bytes[at]!,
      bytes[at + 1]!,
      bytes[at + 2]!,
      bytes[at + 3]!,
      bytes[at + 4]!,
      bytes[at + 5]!,
      bytes[at + 6]!,
      bytes[at + 7]!,
    )
  for (; at < end; at++) text += String.fromCharCode(bytes[at]!)
  return text
}

const checkUtf8 = (bytes: Uint8Array, serde: string): void => {
  try {
    strictDecoder.decode(bytes)
  } catch {
    throw new TypeError(
      `${serde} reads UTF-8, these ${bytes.length} bytes are not: ` +
        'was the topic written with another serde? bytes() takes them as they are',
    )
  }
}

const checkSurrogates = (text: string, serde: string): void => {
  if (text.isWellFormed()) return
  throw new TypeError(
    `${serde} cannot write a text with a lone surrogate, which UTF-8 cannot express: ` +
      'write text.toWellFormed(), or cut texts between code points',
  )
}

/** A text's bytes. @throws TypeError for lone surrogates. */
export const utf8Bytes = (text: string, serde: string): Uint8Array => {
  const length = text.length
  if (length <= shortWrite) {
    const bytes = Buffer.allocUnsafe(length)
    if (writeAscii(bytes, 0, text)) return bytes
  }
  checkSurrogates(text, serde)
  return Buffer.from(text, 'utf8')
}

/** Writes a text at `offset`; the end, or -1 when it does not fit. @throws TypeError for lone surrogates. */
export const writeUtf8 = (
  buffer: Uint8Array,
  offset: number,
  text: string,
  serde: string,
): number => {
  const length = text.length
  const space = buffer.length - offset
  if (length > space) return -1
  if (length <= shortWrite && writeAscii(buffer, offset, text)) return offset + length
  checkSurrogates(text, serde)
  if (length * 3 > space && Buffer.byteLength(text, 'utf8') > space) return -1
  return offset + asBuffer(buffer).write(text, offset, 'utf8')
}

/** False, with some bytes written, when the text has a code unit beyond ASCII. */
const writeAscii = (buffer: Uint8Array, offset: number, text: string): boolean => {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) return false
    buffer[offset + i] = code
  }
  return true
}
