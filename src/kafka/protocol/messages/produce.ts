// Produce (0): appends batches. From version 12 on a transactional one adds its partitions by
// itself.
import { api } from '../api.js'
import { int16, int32, int64, list, nullableString, records, string, struct } from '../schema.js'

export const produce = api({
  name: 'Produce',
  key: 0,
  minVersion: 3,
  maxVersion: 12,
  flexibleFrom: 9,
  request: {
    transactionalId: nullableString({ or: null }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: list({
      name: string(),
      partitionData: list({
        index: int32(),
        records: records(),
      }),
    }),
  },
  response: {
    responses: list({
      name: string(),
      partitionResponses: list({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64({ or: -1 }),
        logStartOffset: int64({ from: 5, or: -1 }),
        recordErrors: list(
          {
            batchIndex: int32({ from: 8 }),
            batchIndexErrorMessage: nullableString({ from: 8, or: null }),
          },
          { from: 8 },
        ),
        errorMessage: nullableString({ from: 8, or: null }),
        currentLeader: struct(
          {
            leaderId: int32({ from: 10, or: -1 }),
            leaderEpoch: int32({ from: 10, or: -1 }),
          },
          { from: 10, tag: 0 },
        ),
      }),
    }),
    throttleTimeMs: int32({ or: 0 }),
    nodeEndpoints: list(
      {
        nodeId: int32({ from: 10 }),
        host: string({ from: 10 }),
        port: int32({ from: 10 }),
        rack: nullableString({ from: 10, or: null }),
      },
      { from: 10, tag: 0 },
    ),
  },
})
