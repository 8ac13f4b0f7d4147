// OffsetCommit (8): commits offsets of a group outside of transactions.
import { api } from '../api.js'
import { int16, int32, int64, list, nullableString, string } from '../schema.js'

export const offsetCommit = api({
  name: 'OffsetCommit',
  key: 8,
  minVersion: 2,
  maxVersion: 9,
  flexibleFrom: 8,
  request: {
    groupId: string(),
    generationIdOrMemberEpoch: int32({ or: -1 }),
    memberId: string(),
    groupInstanceId: nullableString({ from: 7, or: null }),
    retentionTimeMs: int64({ to: 4, or: -1 }),
    topics: list({
      name: string(),
      partitions: list({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ from: 6, or: -1 }),
        committedMetadata: nullableString(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ from: 3 }),
    topics: list({
      name: string(),
      partitions: list({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
})
