// ListOffsets (2): offsets by time: -1 is the end, -2 the beginning.
import { api } from '../api.js'
import { int16, int32, int64, int8, list, string } from '../schema.js'

export const listOffsets = api({
  name: 'ListOffsets',
  key: 2,
  minVersion: 2,
  maxVersion: 10,
  flexibleFrom: 6,
  request: {
    replicaId: int32({ or: -1 }),
    isolationLevel: int8(),
    topics: list({
      name: string(),
      partitions: list({
        partitionIndex: int32(),
        currentLeaderEpoch: int32({ from: 4, or: -1 }),
        timestamp: int64(),
      }),
    }),
    timeoutMs: int32({ from: 10, or: 30_000 }),
  },
  response: {
    throttleTimeMs: int32(),
    topics: list({
      name: string(),
      partitions: list({
        partitionIndex: int32(),
        errorCode: int16(),
        timestamp: int64({ or: -1 }),
        offset: int64({ or: -1 }),
        leaderEpoch: int32({ from: 4, or: -1 }),
      }),
    }),
  },
})
