// The text that is committed beside an offset, as Kafka Streams writes it (semantics of its
// TopicPartitionMetadata): partition time, and numbers that processors keep, by name.
//
//   base64 of:  version 2 int8 · partition time int64 · [ count int32 · per entry:
//               name length int32 · name UTF-8 · value int64 ]

/** What a committed offset's metadata says; -1 and nothing where it cannot be read. */
export interface CommittedMetadata {
  readonly partitionTimeMs: number
  readonly times: ReadonlyMap<string, number>
}

const version = 2

/** The text to commit. */
export function encodeMetadata(metadata: CommittedMetadata): string {
  const names = [...metadata.times].map(([name, ms]) => [Buffer.from(name), ms] as const)
  const size = names.reduce((sum, [name]) => sum + 12 + name.length, names.length > 0 ? 13 : 9)
  const bytes = Buffer.alloc(size)
  bytes.writeInt8(version, 0)
  bytes.writeBigInt64BE(BigInt(metadata.partitionTimeMs), 1)
  if (names.length > 0) {
    let at = bytes.writeInt32BE(names.length, 9)
    for (const [name, ms] of names) {
      at = bytes.writeInt32BE(name.length, at)
      at += name.copy(bytes, at)
      at = bytes.writeBigInt64BE(BigInt(ms), at)
    }
  }
  return bytes.toString('base64')
}

/** Reads a committed text; `undefined` when it is none of ours. */
export function decodeMetadata(text: string): CommittedMetadata | undefined {
  if (text === '') return undefined
  try {
    const bytes = Buffer.from(text, 'base64')
    const found = bytes.readInt8(0)
    if (found !== 1 && found !== version) return undefined
    const partitionTimeMs = Number(bytes.readBigInt64BE(1))
    const times = new Map<string, number>()
    if (found === version && bytes.length > 9) {
      const count = bytes.readInt32BE(9)
      let at = 13
      for (let n = 0; n < count; n++) {
        const length = bytes.readInt32BE(at)
        at += 4
        if (length < 0 || at + length > bytes.length) return undefined
        const name = bytes.toString('utf8', at, at + length)
        at += length
        times.set(name, Number(bytes.readBigInt64BE(at)))
        at += 8
      }
    }
    return { partitionTimeMs, times }
  } catch {
    return undefined
  }
}
