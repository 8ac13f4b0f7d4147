// The records of the comparison with Kafka Streams, byte for byte: xorshift32, keys `sensor-N`, flat
// JSON of about 70 bytes, one record a millisecond.

export interface Generated {
  readonly key: string
  readonly value: string
  readonly timestampMs: number
}

const firstMs = 1_700_000_000_000

/** Unsigned 32-bit draws. */
export function xorshift32(seed: number): () => number {
  let x = seed === 0 ? 0x9e3779b9 : seed >>> 0
  return () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    x >>>= 0
    return x
  }
}

/** Records 0 … `count - 1` over `keys` keys. */
export function* generate(count: number, keys: number, seed = 42): Generator<Generated> {
  const next = xorshift32(seed)
  for (let i = 0; i < count; i++) {
    const [r1, , r3] = [next(), next(), next()]
    const key = `sensor-${r1 % keys}`
    const timestampMs = firstMs + i
    const drawn = r3 % 1_000_000
    const m = drawn % 10 === 0 ? drawn + 1 : drawn
    const text = `${Math.floor(m / 1000)}.${String(m % 1000).padStart(3, '0')}`
    const value = `{"sensor_id":"${key}","datetime":${timestampMs},"value":${text}}`
    yield { key, value, timestampMs }
  }
}

/** One record of each key, so that nothing that follows is the first of its key. */
export function* each(keys: number): Generator<Generated> {
  for (let n = 0; n < keys; n++) {
    const key = `sensor-${n}`
    const value = `{"sensor_id":"${key}","datetime":${firstMs},"value":1}`
    yield { key, value, timestampMs: firstMs }
  }
}
