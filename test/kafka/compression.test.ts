import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decompress } from '../../src/kafka/compression.js'
import { crc32c, crc32cPortable } from '../../src/kafka/crc32c.js'

const require = createRequire(import.meta.url)
const snappyjs = require('snappyjs') as { compress(bytes: Uint8Array): Uint8Array }
const lz4js = require('lz4js') as { compress(bytes: Uint8Array): Uint8Array }

const xerial = (...blocks: Uint8Array[]): Buffer =>
  Buffer.concat([
    Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]),
    ...blocks.flatMap((block) => {
      const packed = snappyjs.compress(block)
      const size = Buffer.alloc(4)
      size.writeInt32BE(packed.length)
      return [size, packed]
    }),
  ])

/** Text with repetitions near and far, which compresses to literals and all kinds of copies. */
const compressible = fc
  .array(fc.tuple(fc.string({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 400 })))
  .map((parts) => Buffer.from(parts.map(([text, times]) => text.repeat(times)).join('')))

describe('decompress', () => {
  it('reads gzip', () => {
    fc.assert(
      fc.property(compressible, (data) => {
        expect(decompress(1, gzipSync(data)).equals(data)).toBe(true)
      }),
    )
  })

  it('reads snappy as a block and in the framing of the Java client', () => {
    fc.assert(
      fc.property(compressible, compressible, (a, b) => {
        expect(decompress(2, snappyjs.compress(a)).equals(a)).toBe(true)
        expect(decompress(2, xerial(a, b)).equals(Buffer.concat([a, b]))).toBe(true)
      }),
    )
  })

  it('reads LZ4 frames, one or several', () => {
    fc.assert(
      fc.property(compressible, compressible, (a, b) => {
        const frame = lz4js.compress(a)
        expect(decompress(3, frame).equals(a)).toBe(true)
        const both = Buffer.concat([frame, lz4js.compress(b)])
        expect(decompress(3, both).equals(Buffer.concat([a, b]))).toBe(true)
      }),
    )
  })

  it('reads LZ4 with block checksums, content size and linked blocks', () => {
    // By the lz4 program: yes 'the sea ' | head -c 70000 | lz4 -BX -BD --content-size -B4
    const frame = Buffer.from(
      'BCJNGFRArhMBAACfdGhlIHNlYSAKCQD/////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////31BlIHNlYVMVt9EbAAAAD/n///////////////////////9pUGUgc2VhWUd7RgAAAABYFxYf',
      'base64',
    )
    expect(decompress(3, frame).toString()).toBe('the sea \n'.repeat(8000).slice(0, 70_000))
  })

  it('reads zstd', () => {
    // By the zstd program: printf 'zstd of the sea, the sea, the sea' | zstd
    const frame = Buffer.from('KLUv/QRYtQAAgHpzdGQgb2YgdGhlIHNlYSwBADiXJXh5q94=', 'base64')
    expect(decompress(4, frame).toString()).toBe('zstd of the sea, the sea, the sea')
  })

  it('refuses what is not valid, and never reads or writes outside', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 3, 4),
        compressible,
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 6 }),
        (codec, data, damage) => {
          const packed = Buffer.from(
            codec === 2 ? snappyjs.compress(data) : codec === 3 ? lz4js.compress(data) : data,
          )
          if (packed.length > 0) for (const [at, b] of damage) packed[at % packed.length] = b
          try {
            decompress(codec, packed)
          } catch (error) {
            expect(String(error)).toContain('corrupt record batch')
          }
        },
      ),
    )
    expect(() => decompress(5, new Uint8Array(4))).toThrow('compression 5')
  })
})

describe('crc32c', () => {
  it('gives the check value of the standard', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
    expect(crc32c(new Uint8Array(0))).toBe(0)
  })

  it('is the same for any alignment and by any implementation', () => {
    const byBits = (bytes: Uint8Array): number => {
      let crc = -1
      for (const byte of bytes) {
        crc ^= byte
        for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
      }
      return ~crc >>> 0
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.nat({ max: 20 }), (bytes, start) => {
        const from = Math.min(start, bytes.length)
        const expected = byBits(bytes.subarray(from))
        expect(crc32cPortable(bytes, from, bytes.length)).toBe(expected)
        expect(crc32c(bytes, from)).toBe(expected)
      }),
    )
  })
})
