// AddPartitionsToTxn (24): adds partitions to a transaction, version 1 of transactions only.
import { api } from '../api.js'
import { int16, int32, int64, list, listOf, string } from '../schema.js'

export const addPartitionsToTxn = api({
  name: 'AddPartitionsToTxn',
  key: 24,
  minVersion: 0,
  maxVersion: 3,
  flexibleFrom: 3,
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    topics: list({
      name: string(),
      partitions: listOf(int32()),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    resultsByTopic: list({
      name: string(),
      resultsByPartition: list({
        partitionIndex: int32(),
        partitionErrorCode: int16(),
      }),
    }),
  },
})
