// SyncGroup (14): hands in the leader's assignments and gets the own one; held until the leader
// has.
import { api } from '../api.js'
import { bytes, int16, int32, list, nullableString, string } from '../schema.js'

export const syncGroup = api({
  name: 'SyncGroup',
  key: 14,
  minVersion: 1,
  maxVersion: 5,
  flexibleFrom: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: nullableString({ from: 3, or: null }),
    protocolType: nullableString({ from: 5, or: null }),
    protocolName: nullableString({ from: 5, or: null }),
    assignments: list({
      memberId: string(),
      assignment: bytes(),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    protocolType: nullableString({ from: 5, or: null }),
    protocolName: nullableString({ from: 5, or: null }),
    assignment: bytes(),
  },
})
