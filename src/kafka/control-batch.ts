// Control batches: the markers that end a transaction in each of its partitions.
//
//   one record, its key:  version int16 = 0 · type int16 (0 abort, 1 commit)
//   its value:            version int16 = 0 · coordinator epoch int32
import { writeBatchHeader, type BatchHeader } from './batch-header.js'
import { noIdentity, RecordBatchBuilder } from './record-batch-builder.js'
import { RecordReader } from './record-reader.js'

/** How a transaction ended in a partition. */
export type MarkerType = 'abort' | 'commit'

const markerKeys: Readonly<Record<MarkerType, Uint8Array>> = {
  abort: new Uint8Array([0, 0, 0, 0]),
  commit: new Uint8Array([0, 0, 0, 1]),
}
const markerValue = new Uint8Array(6)

const controlAttributes = 16 | 32

const templates = ((): Readonly<Record<MarkerType, Buffer>> => {
  const of = (type: MarkerType): Buffer => {
    const builder = new RecordBatchBuilder()
    builder.append(0, markerKeys[type], markerValue)
    return builder.finish(noIdentity)
  }
  return { abort: of('abort'), commit: of('commit') }
})()

/** A marker batch of one record, base offset 0. */
export function encodeMarker(
  type: MarkerType,
  producerId: number,
  producerEpoch: number,
  timestampMs: number,
): Buffer {
  // Its one record is relative to the header, so it is always the same.
  const batch = Buffer.from(templates[type])
  writeBatchHeader(batch, {
    attributes: controlAttributes,
    lastOffsetDelta: 0,
    baseTimestampMs: timestampMs,
    maxTimestampMs: timestampMs,
    producerId,
    producerEpoch,
    baseSequence: -1,
    count: 1,
  })
  return batch
}

/** What a control batch says; `undefined` for an emptied one and for types of later versions. */
export function markerType(buffer: Uint8Array, header: BatchHeader): MarkerType | undefined {
  const reader = new RecordReader(buffer, header)
  if (!reader.next() || reader.keyEnd - reader.keyStart < 4) return undefined
  const type = reader.buffer.readInt16BE(reader.keyStart + 2)
  return type === 0 ? 'abort' : type === 1 ? 'commit' : undefined
}
