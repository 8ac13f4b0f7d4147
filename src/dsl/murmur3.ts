// Murmur3, 128 bits, x64 form, with the seed that Kafka Streams gives it: foreign-key joins compare
// values by this hash. 64-bit words are pairs of 32-bit halves, since bigint would be far slower.
//
//   state h1, h2; blocks of 16 bytes k1, k2; the tail is padded with zeros

const seed = 104729

/** A 64-bit word; operations change the left operand. */
interface Word {
  high: number
  low: number
}

const word = (high: number, low: number): Word => ({ high, low })

function add(a: Word, b: Word): void {
  const low = (a.low >>> 0) + (b.low >>> 0)
  a.high = (a.high + b.high + (low > 0xffffffff ? 1 : 0)) | 0
  a.low = low | 0
}

/** a · b modulo 2^64, by 16-bit digits of the low halves. */
function multiply(a: Word, b: Word): void {
  const a0 = a.low & 0xffff
  const a1 = a.low >>> 16
  const b0 = b.low & 0xffff
  const b1 = b.low >>> 16
  const low = a0 * b0
  const middle = a1 * b0 + (low >>> 16)
  const carry = (middle % 0x10000) + a0 * b1
  const high = a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)
  a.high = (high + Math.imul(a.high, b.low) + Math.imul(a.low, b.high)) | 0
  a.low = Math.imul(a.low, b.low)
}

function rotate(a: Word, bits: number): void {
  const { high, low } = a
  if (bits === 32) {
    a.high = low
    a.low = high
  } else if (bits < 32) {
    a.high = (high << bits) | (low >>> (32 - bits))
    a.low = (low << bits) | (high >>> (32 - bits))
  } else {
    const rest = bits - 32
    a.high = (low << rest) | (high >>> (32 - rest))
    a.low = (high << rest) | (low >>> (32 - rest))
  }
}

function xor(a: Word, b: Word): void {
  a.high ^= b.high
  a.low ^= b.low
}

/** a ^ (a >>> 33) */
function xorShift33(a: Word): void {
  a.low ^= a.high >>> 1
}

const c1 = word(0x87c37b91, 0x114253d5)
const c2 = word(0x4cf5ad43, 0x2745937f)
const five = word(0, 5)
const n1 = word(0, 0x52dce729)
const n2 = word(0, 0x38495ab5)
const mix1 = word(0xff51afd7, 0xed558ccd)
const mix2 = word(0xc4ceb9fe, 0x1a85ec53)

function scramble1(k: Word): void {
  multiply(k, c1)
  rotate(k, 31)
  multiply(k, c2)
}

function scramble2(k: Word): void {
  multiply(k, c2)
  rotate(k, 33)
  multiply(k, c1)
}

function finalMix(h: Word): void {
  xorShift33(h)
  multiply(h, mix1)
  xorShift33(h)
  multiply(h, mix2)
  xorShift33(h)
}

/** Eight bytes, little endian; what lies beyond the end is zero. */
function readWord(bytes: Uint8Array, at: number): Word {
  const half = (from: number): number =>
    (bytes[from] ?? 0) |
    ((bytes[from + 1] ?? 0) << 8) |
    ((bytes[from + 2] ?? 0) << 16) |
    ((bytes[from + 3] ?? 0) << 24)
  return word(half(at + 4), half(at))
}

/** The 16 bytes of the hash, each half big endian, as Kafka Streams writes them. */
export function murmur3(bytes: Uint8Array): Uint8Array {
  const h1 = word(0, seed)
  const h2 = word(0, seed)
  const { length } = bytes
  const blocks = length - (length % 16)
  for (let at = 0; at < blocks; at += 16) {
    const k1 = readWord(bytes, at)
    const k2 = readWord(bytes, at + 8)
    scramble1(k1)
    xor(h1, k1)
    rotate(h1, 27)
    add(h1, h2)
    multiply(h1, five)
    add(h1, n1)
    scramble2(k2)
    xor(h2, k2)
    rotate(h2, 31)
    add(h2, h1)
    multiply(h2, five)
    add(h2, n2)
  }
  if (length > blocks) {
    const k2 = readWord(bytes, blocks + 8)
    scramble2(k2)
    xor(h2, k2)
    const k1 = readWord(bytes, blocks)
    scramble1(k1)
    xor(h1, k1)
  }
  const size = word(0, length)
  xor(h1, size)
  xor(h2, size)
  add(h1, h2)
  add(h2, h1)
  finalMix(h1)
  finalMix(h2)
  add(h1, h2)
  add(h2, h1)
  const hash = Buffer.allocUnsafe(16)
  hash.writeInt32BE(h1.high | 0, 0)
  hash.writeInt32BE(h1.low | 0, 4)
  hash.writeInt32BE(h2.high | 0, 8)
  hash.writeInt32BE(h2.low | 0, 12)
  return hash
}
