import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  assignBaseOffset,
  checkCrc,
  encodeMarker,
  markerType,
  noIdentity,
  RecordBatchBuilder,
  RecordReader,
  scanBatches,
  type BatchIdentity,
} from '../../src/kafka/record-batch.js'
import { HeaderList, type HeaderEntry } from '../../src/serde/record-headers.js'

interface Row {
  readonly timestampMs: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly HeaderEntry[]
}

const bytes: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 300 })
const row: fc.Arbitrary<Row> = fc.record({
  timestampMs: fc.integer({ min: 0, max: 2 ** 45 }),
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(fc.tuple(fc.string(), fc.option(bytes)), { maxLength: 3 }) as fc.Arbitrary<
    HeaderEntry[]
  >,
})

const plain = (value: Uint8Array | null): number[] | null => value && Array.from(value)
const comparable = (r: Row): unknown => ({
  timestampMs: r.timestampMs,
  key: plain(r.key),
  value: plain(r.value),
  headers: r.headers.map(([name, value]) => [name, plain(value)]),
})

const read = (batch: Uint8Array, fromOffset?: number): (Row & { readonly offset: number })[] => {
  const rows: (Row & { readonly offset: number })[] = []
  for (const header of scanBatches(batch)) {
    const reader = new RecordReader(batch, header, fromOffset)
    while (reader.next())
      rows.push({
        offset: reader.offset,
        timestampMs: reader.timestampMs,
        key: reader.key(),
        value: reader.value(),
        headers: reader.headers(),
      })
  }
  return rows
}

const build = (rows: readonly Row[]): RecordBatchBuilder => {
  const builder = new RecordBatchBuilder()
  for (const r of rows) builder.append(r.timestampMs, r.key, r.value, r.headers)
  return builder
}

/** A value that is written in place, as the fast serializers do. */
const inPlace = {
  serialize: (value: Uint8Array) => value,
  write(buffer: Uint8Array, offset: number, value: Uint8Array): number {
    if (offset + value.length > buffer.length) return -1
    buffer.set(value, offset)
    return offset + value.length
  },
}

describe('RecordBatchBuilder and RecordReader', () => {
  it('read what was written, plain and compressed', () => {
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 40 }),
        fc.constantFrom('none' as const, 'gzip' as const),
        fc.integer({ min: 0, max: 2 ** 52 }),
        (rows, compression, baseOffset) => {
          const batch = build(rows).finish({ ...noIdentity, compression })
          assignBaseOffset(batch, baseOffset)
          const [header] = scanBatches(batch)
          checkCrc(batch, header!)
          expect(header).toMatchObject({ baseOffset, count: rows.length })
          expect(header!.lastOffset).toBe(baseOffset + rows.length - 1)
          expect(read(batch).map(comparable)).toEqual(rows.map(comparable))
          expect(read(batch).map((r) => r.offset)).toEqual(rows.map((_, n) => baseOffset + n))
        },
      ),
    )
  })

  it('write the same bytes in place as from a copy', () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 40 }), (rows) => {
        const builder = new RecordBatchBuilder()
        for (const r of rows)
          builder.appendWith(
            r.timestampMs,
            r.key,
            0,
            r.key?.length ?? 0,
            inPlace,
            r.value,
            'topic',
            new HeaderList(r.headers),
          )
        expect(builder.finish(noIdentity)).toEqual(build(rows).finish(noIdentity))
      }),
    )
  })

  it('leave the batch as it was when a serializer throws', () => {
    const builder = build([{ timestampMs: 1, key: null, value: new Uint8Array(3), headers: [] }])
    const before = Buffer.from(builder.finish(noIdentity))
    const failing = {
      serialize: () => new Uint8Array(0),
      write: (buffer: Uint8Array, offset: number): number => {
        buffer.fill(255, offset)
        throw new TypeError('no')
      },
    }
    expect(() => builder.appendWith(2, null, 0, 0, failing, {}, 'topic', new HeaderList())).toThrow(
      'no',
    )
    expect(builder.finish(noIdentity)).toEqual(before)
  })

  it('take the last record out again', () => {
    const rows = [5, 9].map((timestampMs) => ({
      timestampMs,
      key: null,
      value: new Uint8Array(100),
      headers: [],
    }))
    const builder = build(rows)
    builder.removeLast()
    expect(builder.finish(noIdentity)).toEqual(build(rows.slice(0, 1)).finish(noIdentity))
    expect(() => builder.removeLast()).toThrow(TypeError)
  })

  it('finish a batch again under another identity', () => {
    const builder = build([{ timestampMs: 1, key: null, value: null, headers: [] }])
    const identity: BatchIdentity = {
      producerId: 2 ** 40 + 3,
      producerEpoch: 7,
      baseSequence: 2 ** 31 - 1,
      transactional: true,
      compression: 'none',
    }
    builder.finish(noIdentity)
    const batch = builder.finish(identity)
    const [header] = scanBatches(batch)
    checkCrc(batch, header!)
    expect(header).toMatchObject({
      producerId: 2 ** 40 + 3,
      producerEpoch: 7,
      baseSequence: 2 ** 31 - 1,
      transactional: true,
    })
    expect(scanBatches(builder.finish(noIdentity))[0]).toMatchObject({ producerId: -1 })
  })

  it('begin at the offset that was asked for', () => {
    const rows = [1, 2, 3].map((timestampMs) => ({
      timestampMs,
      key: null,
      value: null,
      headers: [],
    }))
    const batch = build(rows).finish(noIdentity)
    assignBaseOffset(batch, 10)
    expect(read(batch, 12).map((r) => r.offset)).toEqual([12])
  })

  it('give every record the time of the log under log append time', () => {
    const batch = build([{ timestampMs: 5, key: null, value: null, headers: [] }]).finish(
      noIdentity,
    )
    batch.writeInt16BE(8, 21)
    batch.writeBigInt64BE(99n, 35)
    expect(read(batch)[0]!.timestampMs).toBe(99)
  })

  it('keep the last offset of a batch that compaction emptied', () => {
    const batch = build([{ timestampMs: 5, key: null, value: null, headers: [] }])
      .finish(noIdentity)
      .subarray(0, 61)
    batch.writeInt32BE(49, 8)
    batch.writeInt32BE(2, 23)
    batch.writeInt32BE(0, 57)
    assignBaseOffset(batch, 447)
    expect(scanBatches(batch)[0]).toMatchObject({ lastOffset: 449, count: 0 })
    expect(read(batch)).toEqual([])
  })
})

describe('scanBatches', () => {
  const batch = build([{ timestampMs: 1, key: null, value: null, headers: [] }]).finish(noIdentity)

  it('passes over a batch that was cut off', () => {
    const answer = Buffer.concat([batch, batch, batch.subarray(0, 65)])
    expect(scanBatches(answer)).toHaveLength(2)
    expect(scanBatches(Buffer.concat([batch, batch.subarray(0, 20)]))).toHaveLength(1)
  })

  it('refuses other formats', () => {
    const old = Buffer.from(batch)
    old[16] = 1
    expect(() => scanBatches(old)).toThrow('format 1')
  })
})

describe('damaged bytes', () => {
  it('are found by the checksum', () => {
    const batch = build([
      { timestampMs: 1, key: null, value: new Uint8Array(50), headers: [] },
    ]).finish(noIdentity)
    for (let at = 21; at < batch.length; at++) {
      batch[at]! ^= 4
      expect(() => checkCrc(batch, scanBatches(batch)[0]!)).toThrow('checksum')
      batch[at]! ^= 4
    }
  })

  it('never make the reader leave the batch', () => {
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 5 }),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 8 }),
        (rows, damage) => {
          const batch = build(rows).finish(noIdentity)
          for (const [at, byte] of damage) batch[61 + (at % (batch.length - 61))] = byte
          try {
            for (const r of read(batch)) expect(r.offset).toBeTypeOf('number')
          } catch (error) {
            expect(String(error)).toContain('corrupt')
          }
        },
      ),
    )
  })
})

describe('markers', () => {
  it('say how the transaction of a producer ended', () => {
    for (const type of ['commit', 'abort'] as const) {
      const batch = encodeMarker(type, 4, 2, 1000)
      const [header] = scanBatches(batch)
      checkCrc(batch, header!)
      expect(header).toMatchObject({ control: true, transactional: true, producerId: 4 })
      expect(markerType(batch, header!)).toBe(type)
    }
  })
})

// An independent implementation of the same format.
const require = createRequire(import.meta.url)
const kafkajs = (path: string): any => require(`../../node_modules/kafkajs/src/protocol/${path}`)

describe('against kafkajs', () => {
  it('reads what kafkajs writes, and the bytes are the same', () => {
    const Record = kafkajs('recordBatch/record/v0')
    const { RecordBatch } = kafkajs('recordBatch/v0')
    const rows = [
      { timestampMs: 1000, key: Buffer.from('k'), value: Buffer.from('v'.repeat(80)), headers: [] },
      {
        timestampMs: 990,
        key: null,
        value: null,
        headers: [['h', Buffer.from('x')]] as HeaderEntry[],
      },
    ]
    const theirs = RecordBatch({
      firstTimestamp: 1000,
      maxTimestamp: 1000,
      lastOffsetDelta: 1,
      records: rows.map((r, offsetDelta) =>
        Record({
          offsetDelta,
          timestampDelta: r.timestampMs - 1000,
          key: r.key,
          value: r.value,
          headers: Object.fromEntries(r.headers),
        }),
      ),
    })
    return Promise.resolve(theirs).then((encoder: { buffer: Buffer }) => {
      const ours = build(rows).finish({ ...noIdentity, producerEpoch: 0, baseSequence: 0 })
      // Partition leader epoch is the log's to assign.
      encoder.buffer.copy(ours, 12, 12, 16)
      expect(ours.toString('hex')).toBe(encoder.buffer.toString('hex'))
    })
  })
})
