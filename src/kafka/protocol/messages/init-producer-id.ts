// InitProducerId (22): a producer id and epoch; fences the predecessor under the same
// transactional id.
import { api } from '../api.js'
import { int16, int32, int64, nullableString } from '../schema.js'

export const initProducerId = api({
  name: 'InitProducerId',
  key: 22,
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 2,
  request: {
    transactionalId: nullableString(),
    transactionTimeoutMs: int32(),
    producerId: int64({ from: 3, or: -1 }),
    producerEpoch: int16({ from: 3, or: -1 }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    producerId: int64({ or: -1 }),
    producerEpoch: int16(),
  },
})
