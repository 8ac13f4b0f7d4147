// OffsetFetch (9): committed offsets; from version 7 on only such as no open transaction can
// change.
import { api } from '../api.js'
import {
  bool,
  int16,
  int32,
  int64,
  list,
  listOf,
  nullableString,
  optionalList,
  string,
} from '../schema.js'

export const offsetFetch = api({
  name: 'OffsetFetch',
  key: 9,
  minVersion: 2,
  maxVersion: 7,
  flexibleFrom: 6,
  request: {
    groupId: string(),
    topics: optionalList({
      name: string(),
      partitionIndexes: listOf(int32()),
    }),
    requireStable: bool({ from: 7, or: false }),
  },
  response: {
    throttleTimeMs: int32({ from: 3 }),
    topics: list({
      name: string(),
      partitions: list({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ from: 5, or: -1 }),
        metadata: nullableString(),
        errorCode: int16(),
      }),
    }),
    errorCode: int16({ or: 0 }),
  },
})
