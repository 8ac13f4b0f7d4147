// The benchmark's generator gives the same records as the Java programs it is compared with.
import { expect, it } from 'vitest'
import { generate } from '../../benchmarks/generator.js'

const crcTable = Array.from({ length: 256 }, (_, n) => {
  let c = n
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1
  return c >>> 0
})

it('begins with the records of the reference', () => {
  const first = [...generate(3, 1000)].map((r) => [r.key, JSON.parse(r.value).value as number])
  expect(first).toEqual([
    ['sensor-432', 557.059],
    ['sensor-16', 438.134],
    ['sensor-840', 216.979],
  ])
})

it('keeps 20,138 of the first 100,000 above 800', () => {
  let above = 0
  for (const { value } of generate(100_000, 1000)) if (JSON.parse(value).value > 800) above++
  expect(above).toBe(20_138)
})

it('has the checksum of a million values, each with a line feed', { timeout: 30_000 }, () => {
  let crc = 0xffffffff
  for (const { value } of generate(1_000_000, 1000)) {
    for (let i = 0; i < value.length; i++)
      crc = crcTable[(crc ^ value.charCodeAt(i)) & 0xff]! ^ (crc >>> 8)
    crc = crcTable[(crc ^ 10) & 0xff]! ^ (crc >>> 8)
  }
  expect(((crc ^ 0xffffffff) >>> 0).toString(16)).toBe('fde7db8a')
})
