// TxnOffsetCommit (28): offsets that become committed with the transaction; member and generation
// fence zombies.
import { api } from '../api.js'
import { int16, int32, int64, list, nullableString, string } from '../schema.js'

export const txnOffsetCommit = api({
  name: 'TxnOffsetCommit',
  key: 28,
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 3,
  request: {
    transactionalId: string(),
    groupId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    generationId: int32({ from: 3, or: -1 }),
    memberId: string({ from: 3, or: '' }),
    groupInstanceId: nullableString({ from: 3, or: null }),
    topics: list({
      name: string(),
      partitions: list({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ from: 2, or: -1 }),
        committedMetadata: nullableString(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    topics: list({
      name: string(),
      partitions: list({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
})
