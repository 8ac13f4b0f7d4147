// The hash of foreign-key joins against the same written with bigints, and against recorded values.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { murmur3 } from '../../src/dsl/murmur3.js'

const mask = (1n << 64n) - 1n
const rotate = (x: bigint, n: bigint): bigint => ((x << n) | (x >> (64n - n))) & mask
const c1 = 0x87c37b91114253d5n
const c2 = 0x4cf5ad432745937fn

/** Murmur3 x64 128 as it is published. */
function model(bytes: Uint8Array): string {
  let h1 = 104729n
  let h2 = 104729n
  const word = (from: number): bigint => {
    let value = 0n
    for (let i = 7; i >= 0; i--) value = (value << 8n) | BigInt(bytes[from + i] ?? 0)
    return value
  }
  const mix1 = (k: bigint): bigint => (rotate((k * c1) & mask, 31n) * c2) & mask
  const mix2 = (k: bigint): bigint => (rotate((k * c2) & mask, 33n) * c1) & mask
  const blocks = Math.floor(bytes.length / 16)
  for (let b = 0; b < blocks; b++) {
    h1 ^= mix1(word(16 * b))
    h1 = ((rotate(h1, 27n) + h2) * 5n + 0x52dce729n) & mask
    h2 ^= mix2(word(16 * b + 8))
    h2 = ((rotate(h2, 31n) + h1) * 5n + 0x38495ab5n) & mask
  }
  h2 ^= mix2(word(16 * blocks + 8))
  h1 ^= mix1(word(16 * blocks))
  const finish = (k: bigint): bigint => {
    k = ((k ^ (k >> 33n)) * 0xff51afd7ed558ccdn) & mask
    k = ((k ^ (k >> 33n)) * 0xc4ceb9fe1a85ec53n) & mask
    return k ^ (k >> 33n)
  }
  h1 ^= BigInt(bytes.length)
  h2 ^= BigInt(bytes.length)
  h1 = (h1 + h2) & mask
  h2 = (h2 + h1) & mask
  h1 = finish(h1)
  h2 = finish(h2)
  h1 = (h1 + h2) & mask
  h2 = (h2 + h1) & mask
  return h1.toString(16).padStart(16, '0') + h2.toString(16).padStart(16, '0')
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

describe('murmur3', () => {
  it('gives the hashes that Kafka Streams puts into subscriptions', () => {
    expect(hex(murmur3(Buffer.from('a8')))).toBe('bada240f2c2c8069b3fac4b39c4891d6')
    expect(hex(murmur3(Buffer.from('b7')))).toBe('1bba89336724d9d044efa0531f16308f')
  })

  it('equals the published form for all lengths', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        expect(hex(murmur3(bytes))).toBe(model(bytes))
      }),
      { numRuns: 500 },
    )
  })
})
