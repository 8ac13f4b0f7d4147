import fc from 'fast-check'
import { expect, it } from 'vitest'
import { FrameAssembler } from '../../src/kafka/frame-assembler.js'

const framed = (frames: readonly Uint8Array[]): Buffer =>
  Buffer.concat(
    frames.flatMap((frame) => {
      const size = Buffer.alloc(4)
      size.writeInt32BE(frame.length)
      return [size, frame]
    }),
  )

it('gives the same frames however the stream is cut', () => {
  const frames = fc.array(fc.uint8Array({ minLength: 4, maxLength: 60 }), { maxLength: 6 })
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 20 })), (sent, cuts) => {
      const got: string[] = []
      const assembler = new FrameAssembler((frame) => got.push(frame.toString('hex')))
      const stream = framed(sent)
      let at = 0
      for (const cut of [...cuts, stream.length]) {
        assembler.add(stream.subarray(at, at + cut))
        at = Math.min(stream.length, at + cut)
      }
      expect(got).toEqual(sent.map((frame) => Buffer.from(frame).toString('hex')))
    }),
  )
})

it('gives the same frames when a socket writes them in place', () => {
  const frames = fc.array(fc.uint8Array({ minLength: 4, maxLength: 200_000 }), { maxLength: 6 })
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 150_000 })), (sent, cuts) => {
      const got: Buffer[] = []
      const assembler = new FrameAssembler((frame) => got.push(frame))
      const stream = framed(sent)
      const sizes = cuts[Symbol.iterator]()
      for (let at = 0; at < stream.length;) {
        const next = sizes.next()
        const most = next.done === true ? stream.length : next.value
        const bytes = stream.copy(assembler.space(), 0, at, Math.min(stream.length, at + most))
        assembler.filled(bytes)
        at += bytes
      }
      // Compared at the end: a frame must not change when memory is used again.
      const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
      expect(got.map(hex)).toEqual(sent.map(hex))
    }),
    { numRuns: 50 },
  )
})

it.each([
  ['negative', -1],
  ['shorter than a header', 3],
  ['absurd', 2 ** 31 - 1],
])('refuses a size that is %s', (_, size) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(size)
  expect(() => new FrameAssembler(() => {}).add(bytes)).toThrow('is this a Kafka port')
})

it('names the remedy when the other side speaks TLS', () => {
  const alert = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02])
  expect(() => new FrameAssembler(() => {}).add(alert)).toThrow('set `ssl`')
})
