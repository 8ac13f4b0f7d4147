// DeleteRecords (21): moves the beginning of partitions up.
import { api } from '../api.js'
import { int16, int32, int64, list, string } from '../schema.js'

export const deleteRecords = api({
  name: 'DeleteRecords',
  key: 21,
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  request: {
    topics: list({
      name: string(),
      partitions: list({
        partitionIndex: int32(),
        offset: int64(),
      }),
    }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32(),
    topics: list({
      name: string(),
      partitions: list({
        partitionIndex: int32(),
        lowWatermark: int64(),
        errorCode: int16(),
      }),
    }),
  },
})
