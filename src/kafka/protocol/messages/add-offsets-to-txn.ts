// AddOffsetsToTxn (25): adds a group's offsets to a transaction, version 1 of transactions only.
import { api } from '../api.js'
import { int16, int32, int64, string } from '../schema.js'

export const addOffsetsToTxn = api({
  name: 'AddOffsetsToTxn',
  key: 25,
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 3,
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    groupId: string(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
  },
})
