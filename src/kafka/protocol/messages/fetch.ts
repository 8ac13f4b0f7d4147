// Fetch (1): reads batches. Later versions name topics by id only.
import { api } from '../api.js'
import {
  int16,
  int32,
  int64,
  int8,
  list,
  listOf,
  nullableString,
  optionalList,
  records,
  string,
  struct,
} from '../schema.js'

export const fetch = api({
  name: 'Fetch',
  key: 1,
  minVersion: 4,
  maxVersion: 12,
  flexibleFrom: 12,
  request: {
    clusterId: nullableString({ from: 12, tag: 0, or: null }),
    replicaId: int32({ or: -1 }),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ or: 2147483647 }),
    isolationLevel: int8({ or: 0 }),
    sessionId: int32({ from: 7, or: 0 }),
    sessionEpoch: int32({ from: 7, or: -1 }),
    topics: list({
      topic: string(),
      partitions: list({
        partition: int32(),
        currentLeaderEpoch: int32({ from: 9, or: -1 }),
        fetchOffset: int64(),
        lastFetchedEpoch: int32({ from: 12, or: -1 }),
        logStartOffset: int64({ from: 5, or: -1 }),
        partitionMaxBytes: int32(),
      }),
    }),
    forgottenTopicsData: optionalList(
      {
        topic: string({ from: 7 }),
        partitions: listOf(int32(), { from: 7 }),
      },
      { from: 7 },
    ),
    rackId: string({ from: 11, or: '' }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16({ from: 7 }),
    sessionId: int32({ from: 7, or: 0 }),
    responses: list({
      topic: string(),
      partitions: list({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        lastStableOffset: int64({ or: -1 }),
        logStartOffset: int64({ from: 5, or: -1 }),
        divergingEpoch: struct(
          {
            epoch: int32({ from: 12, or: -1 }),
            endOffset: int64({ from: 12, or: -1 }),
          },
          { from: 12, tag: 0 },
        ),
        currentLeader: struct(
          {
            leaderId: int32({ from: 12, or: -1 }),
            leaderEpoch: int32({ from: 12, or: -1 }),
          },
          { from: 12, tag: 1 },
        ),
        snapshotId: struct(
          {
            endOffset: int64({ or: -1 }),
            epoch: int32({ or: -1 }),
          },
          { from: 12, tag: 2 },
        ),
        abortedTransactions: list({
          producerId: int64(),
          firstOffset: int64(),
        }),
        preferredReadReplica: int32({ from: 11, or: -1 }),
        records: records(),
      }),
    }),
  },
})
