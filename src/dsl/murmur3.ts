// Murmur3 with 128 bits, the form for 64-bit machines, with the seed that Kafka Streams has: the hash
// of values in foreign-key joins. A word is two halves: bigints would take many times as long.

const seed = 104729

/** 64 bits, changed in place. */
class Word {
  high = 0
  low = 0

  set(high: number, low: number): void {
    this.high = high | 0
    this.low = low | 0
  }

  /** From 8 bytes or fewer, little-endian. */
  read(bytes: Uint8Array, start: number, end: number): void {
    let high = 0
    let low = 0
    for (let i = end - 1; i >= start; i--) {
      high = (high << 8) | (low >>> 24)
      low = (low << 8) | bytes[i]!
    }
    this.set(high, low)
  }

  xor(other: Word): void {
    this.high ^= other.high
    this.low ^= other.low
  }

  add(high: number, low: number): void {
    const sum = (this.low >>> 0) + (low >>> 0)
    this.set(this.high + high + (sum > 0xffffffff ? 1 : 0), sum)
  }

  multiply(high: number, low: number): void {
    const a = this.low
    const a0 = a & 0xffff
    const a1 = a >>> 16
    const b0 = low & 0xffff
    const b1 = low >>> 16
    const p = a0 * b0
    const q = a1 * b0 + (p >>> 16)
    const r = a0 * b1 + (q & 0xffff)
    const carry = a1 * b1 + (q >>> 16) + (r >>> 16)
    this.set(
      carry + Math.imul(this.high, low) + Math.imul(a, high),
      ((r << 16) | (p & 0xffff)) >>> 0,
    )
  }

  /** To the left, by 1 to 31. */
  rotate(n: number): void {
    const { high, low } = this
    this.set((high << n) | (low >>> (32 - n)), (low << n) | (high >>> (32 - n)))
  }

  /** To the left, by 33. */
  rotate33(): void {
    this.set(this.low, this.high)
    this.rotate(1)
  }

  finish(): void {
    this.low ^= this.high >>> 1
    this.multiply(0xff51afd7, 0xed558ccd)
    this.low ^= this.high >>> 1
    this.multiply(0xc4ceb9fe, 0x1a85ec53)
    this.low ^= this.high >>> 1
  }

  write(to: DataView, at: number): void {
    to.setInt32(at, this.high)
    to.setInt32(at + 4, this.low)
  }
}

// Reused by every call: nothing here waits.
const h1 = new Word()
const h2 = new Word()
const k = new Word()

function mixFirst(): void {
  k.multiply(0x87c37b91, 0x114253d5)
  k.rotate(31)
  k.multiply(0x4cf5ad43, 0x2745937f)
  h1.xor(k)
}

function mixSecond(): void {
  k.multiply(0x4cf5ad43, 0x2745937f)
  k.rotate33()
  k.multiply(0x87c37b91, 0x114253d5)
  h2.xor(k)
}

/** The hash of `bytes`: 16 bytes, two big-endian words. */
export function murmur3(bytes: Uint8Array): Uint8Array {
  const { length } = bytes
  const tail = length - (length % 16)
  h1.set(0, seed)
  h2.set(0, seed)
  for (let at = 0; at < tail; at += 16) {
    k.read(bytes, at, at + 8)
    mixFirst()
    h1.rotate(27)
    h1.add(h2.high, h2.low)
    h1.multiply(0, 5)
    h1.add(0, 0x52dce729)
    k.read(bytes, at + 8, at + 16)
    mixSecond()
    h2.rotate(31)
    h2.add(h1.high, h1.low)
    h2.multiply(0, 5)
    h2.add(0, 0x38495ab5)
  }
  if (length > tail + 8) {
    k.read(bytes, tail + 8, length)
    mixSecond()
  }
  if (length > tail) {
    k.read(bytes, tail, Math.min(length, tail + 8))
    mixFirst()
  }
  h1.low ^= length
  h2.low ^= length
  h1.add(h2.high, h2.low)
  h2.add(h1.high, h1.low)
  h1.finish()
  h2.finish()
  h1.add(h2.high, h2.low)
  h2.add(h1.high, h1.low)
  const hash = new Uint8Array(16)
  const view = new DataView(hash.buffer)
  h1.write(view, 0)
  h2.write(view, 8)
  return hash
}
