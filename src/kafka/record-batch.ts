// Record batch format v2, both ways: the door of the codec, which is in the files below.
export {
  assignBaseOffset,
  asBuffer,
  batchHeaderLength,
  checkCrc,
  parseBatchHeader,
  readBatchHeader,
  scanBatches,
  type BatchHeader,
} from './batch-header.js'
export { encodeMarker, markerType, type MarkerType } from './control-batch.js'
export { noIdentity, RecordBatchBuilder, type BatchIdentity } from './record-batch-builder.js'
export { RecordReader } from './record-reader.js'
